"""Runs this study at several stack pressures in one process and draws them side by side.

python experiments/025-too-much-pressure/pressures.py [PRESSURE …]
"""

import pathlib
import sys

import jax
import numpy as np

from interphase.config.build import build, controls, positions
from interphase.config.load import read_study
from interphase.io.records import SERIES_COLUMNS
from interphase.report import style
from interphase.report.materials import draw_materials, draw_outlines, frame_axes
from interphase.report.run_folder import RunFolder, read_run
from interphase.report.section import section
from interphase.run.simulate import Run, RunError

HERE = pathlib.Path(__file__).parent
PRESSURES = ("0.2 MPa", "1 MPa", "3 MPa", "10 MPa")
QUANTITIES = (
    ("contact_fraction", 100.0, "Faces that touch (%)"),
    ("overpotential_V", 1e3, "Overpotential (mV)"),
    ("cracks_filled_fraction", 100.0, "Crack filled (%)"),
)


def ran(pressure: str) -> pathlib.Path:
    """The folder of a run, made where it is not there."""
    folder = HERE / "output" / pressure.replace(" ", "")
    if not (folder / "series.csv").exists():
        folder.mkdir(parents=True, exist_ok=True)
        study = read_study(HERE, [f"cell.pressure={pressure}"])
        case = build(study)
        run = Run(case, controls(study), positions(case.model.grid, case.model.scales), folder)
        try:
            outcome = run.go()
        except RunError as error:
            print(f"{pressure}: {error}")
            outcome = error.outcome
        print(f"{pressure}: {outcome.status}, {outcome.num_steps} steps, {outcome.wall_s:.0f} s", flush=True)
        print({name: outcome.last.get(name) for name in SERIES_COLUMNS}, flush=True)
    return folder


def main(pressures: tuple[str, ...]) -> None:
    jax.config.update("jax_enable_x64", True)
    runs: list[tuple[RunFolder, str]] = [(read_run(ran(pressure)), pressure) for pressure in pressures]
    with style.styled():
        figure = style.new_figure(11.0, 4.6)
        pictures, curves = figure.subfigures(2, 1, height_ratios=[0.7, 1.0])
        for axes, (run, label) in zip(pictures.subplots(1, len(runs)), runs, strict=True):
            assert run.trajectory is not None
            shown = section(run.trajectory, len(run.trajectory.time) - 1)
            draw_materials(axes, shown)
            draw_outlines(axes, shown, 0.8)
            frame_axes(axes, shown, (1e3, 7e3))
            axes.set_title(f"{label}, {run.trajectory.time[-1] / 60:.3g} min")
        for axes, (column, factor, name) in zip(curves.subplots(1, len(QUANTITIES)), QUANTITIES, strict=True):
            for (run, label), hue in zip(runs, style.LINES, strict=False):
                axes.plot(np.asarray(run.series["time_s"]) / 60, run.series[column] * factor, color=hue, label=label)
            axes.set_title(name)
            axes.set_xlabel("time (min)")
            axes.grid(True)
        curves.axes[0].legend()
        style.save(figure, HERE / "pressures.png")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or PRESSURES)
