"""Runs of this study side by side: what touches, the void, and the overpotential over time, and how each cell looks.

python experiments/023-plate-strip-cycles/pressures.py RUN_FOLDER=LABEL RUN_FOLDER=LABEL …
"""

import pathlib
import sys

import numpy as np

from interphase.report import style
from interphase.report.materials import draw_materials, draw_outlines, frame_axes
from interphase.report.run_folder import read_run
from interphase.report.section import section

QUANTITIES = (
    ("contact_fraction", 100.0, "Faces that touch (%)"),
    ("void_thickness_nm", 1.0, "Void over the electrode (nm)"),
    ("overpotential_V", 1e3, "Overpotential (mV)"),
)
AFTER = 1320.0  # the first cycle [s]


def main(arguments: list[str]) -> None:
    runs = [(read_run(folder), label) for folder, label in (argument.rsplit("=", 1) for argument in arguments)]
    figure = style.new_figure(9.6, 5.6)
    pictures, curves = figure.subfigures(2, 1, height_ratios=[1.0, 1.0])
    for axes, (run, label) in zip(pictures.subplots(1, len(runs)), runs, strict=True):
        assert run.trajectory is not None
        frame = int(np.argmin(np.abs(run.trajectory.time - AFTER)))
        shown = section(run.trajectory, frame)
        draw_materials(axes, shown)
        draw_outlines(axes, shown, 0.8)
        frame_axes(axes, shown, (4e3, 16e3))
        axes.set_title(f"{label}, after a cycle")
    for axes, (column, factor, name) in zip(curves.subplots(1, len(QUANTITIES)), QUANTITIES, strict=True):
        for (run, label), hue in zip(runs, style.LINES, strict=False):
            axes.plot(run.series["time_s"] / 60, run.series[column] * factor, color=hue, label=label)
        axes.set_title(name)
        axes.set_xlabel("time (min)")
        axes.grid(True)
    curves.axes[0].legend()
    style.save(figure, pathlib.Path(__file__).with_name("pressures.png"))


if __name__ == "__main__":
    with style.styled():
        main(sys.argv[1:])
