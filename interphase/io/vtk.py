"""Frames for ParaView: one `.vti` per frame and a `.pvd` that says when each was. Needs the optional pyvista."""

import os
import pathlib
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from interphase.io.trajectory import Trajectory


class VtkMissingError(ImportError):
    """pyvista is not installed."""


def export(trajectory: Trajectory, folder: str | os.PathLike[str]) -> pathlib.Path:
    """Writes every frame with all its fields as cell data, lengths in metres; returns the `.pvd` to open.

    A 2-D run becomes one layer of cells in the x–z plane.
    """
    pyvista = _pyvista()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for frame, time in enumerate(trajectory.time):
        image = _image(pyvista, trajectory)
        for name in trajectory.names:
            image.cell_data[f"{name} [{trajectory.units(name)}]"] = _layered(trajectory.field(name, frame)).ravel("F")
        path = folder / f"frame_{frame:05d}.vti"
        image.save(path)
        entries.append(f'    <DataSet timestep="{float(time)!r}" file={quoteattr(path.name)}/>')
    index = folder / "trajectory.pvd"
    index.write_text(
        '<?xml version="1.0"?>\n<VTKFile type="Collection" version="0.1">\n  <Collection>\n'
        + "\n".join(entries)
        + "\n  </Collection>\n</VTKFile>\n"
    )
    return index


def _pyvista() -> Any:
    try:
        import pyvista  # pyright: ignore[reportMissingImports]  (an optional extra)
    except ImportError as error:
        raise VtkMissingError("writing VTK files needs pyvista: pip install 'interphase[vtk]'") from error
    return pyvista


def _image(pyvista: Any, trajectory: Trajectory) -> Any:
    spacing = {name: float(axis[1] - axis[0]) for name, axis in trajectory.axes.items()}
    lengths = [spacing.get(name, min(spacing.values())) for name in ("x", "y", "z")]
    cells = [len(trajectory.axes[name]) if name in trajectory.axes else 1 for name in ("x", "y", "z")]
    return pyvista.ImageData(dimensions=[n + 1 for n in cells], spacing=lengths, origin=(0.0, 0.0, 0.0))


def _layered(field: np.ndarray) -> np.ndarray:
    return field[:, None, :] if field.ndim == 2 else field
