"""All figures of a run."""

import os
import pathlib

from interphase.report import style
from interphase.report.cycles import draw_cycles
from interphase.report.evolution import draw_evolution
from interphase.report.overview import draw_overview
from interphase.report.profiles import draw_budget, draw_series, draw_solver
from interphase.report.run_folder import read_run

_DRAWINGS = {
    "overview": draw_overview,
    "evolution": draw_evolution,
    "series": draw_series,
    "cycles": draw_cycles,
    "budget": draw_budget,
    "solver": draw_solver,
}


def draw_all(run_folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Draws `figures/*.png` of a run folder and returns what was drawn; a figure without data is left out.

    Raises `RunFolderError` when the folder holds no run.
    """
    run = read_run(run_folder)
    drawn = []
    with style.styled():
        for name, draw in _DRAWINGS.items():
            figure = draw(run)
            if figure is not None:
                drawn.append(style.save(figure, run.path / "figures" / f"{name}.png"))
    return drawn
