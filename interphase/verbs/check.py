"""`interphase check`: a study as it was understood, and what it will take."""

import math

from interphase.config import checks, schema
from interphase.config.load import written


def described(study: schema.Study) -> str:
    """The resolved study and its size. Raises `StudyError` for what cannot be run or designed."""
    checks.check(study)
    if study.design is not None:
        from interphase.config.design import check_design

        check_design(study)
    cells = math.prod(study.grid.cells)
    thickness = sum(layer.thickness for layer in study.coating.layers) if study.coating else None
    spacing = study.grid.size[-1] / study.grid.cells[-1]
    across = f", {thickness / spacing:.1f} cells across the coating" if thickness else ""
    needed, available = checks.memory_needed(study) / 2**30, checks.memory_available() / 2**30
    return (
        f"{written(study)}\n# {cells:,} cells of {spacing * 1e9:.4g} nm along the normal{across}; "
        f"about {needed:.2g} of {available:.3g} GiB\n# this study can be run"
    )
