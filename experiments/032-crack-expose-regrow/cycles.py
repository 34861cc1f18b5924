"""Two runs of this study, one whose coating breaks and one too tough to: damage, current on the surface, what is lost.

python experiments/032-crack-expose-regrow/cycles.py RUN_THAT_BREAKS RUN_THAT_DOES_NOT
"""

import csv
import pathlib
import sys

import numpy as np

from interphase.report import style
from interphase.report.materials import draw_outlines, frame_axes
from interphase.report.run_folder import read_run
from interphase.report.section import section

INSTANTS = (8.0, 14.0, 40.0)  # half-way through the coating, through it, and at the end of the second plating [s]
HUES = (style.VERMILION, style.BLUE)
NAMES = ("breaks", "too tough to break")


def along_surface(trajectory, frame: int, name: str) -> np.ndarray:
    """A field where lithium's surface is, column by column."""
    nearest = np.argmin(np.abs(trajectory.field("lithium_fraction", frame) - 0.5), axis=1)
    return trajectory.field(name, frame)[np.arange(nearest.size), nearest]


def cycles(folder: str) -> list[dict[str, str]]:
    with (pathlib.Path(folder) / "cycles.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def main(folders: list[str]) -> None:
    runs = [read_run(folder) for folder in folders]
    figure = style.new_figure(9.6, 6.6)
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.35, 1.0])
    panels = upper.subplots(2, len(INSTANTS), sharex=True, height_ratios=[1.25, 1.0])
    trajectory = runs[0].trajectory
    assert trajectory is not None
    for k, instant in enumerate(INSTANTS):
        frame = int(np.argmin(np.abs(trajectory.time - instant)))
        shown = section(trajectory, frame)
        picture, current = panels[:, k]
        coating = trajectory.field("coating_fraction", frame)
        damage = np.ma.masked_where(coating < 0.5, trajectory.field("coating_damage", frame))
        colours = picture.imshow(
            damage.T, origin="lower", extent=shown.extent, cmap="magma_r", vmin=0, vmax=1, aspect="auto"
        )
        picture.set_facecolor(style.ELECTROLYTE)
        lithium = trajectory.field("lithium_fraction", frame)
        picture.contourf(shown.along, shown.up, lithium.T, levels=[0.5, 2.0], colors=[style.LITHIUM])
        picture.text(30, 350, "lithium", fontsize=8)
        picture.text(30, 655, "electrolyte", fontsize=8)
        draw_outlines(picture, shown, 0.8)
        frame_axes(picture, shown, (330.0, 690.0))
        picture.set_aspect("auto")
        picture.set_title(f"Damage at {shown.time:.0f} s")
        picture.set_xlabel("")
        if k == len(INSTANTS) - 1:
            upper.colorbar(colours, ax=picture, shrink=0.9)
        for run, hue, name in zip(runs, HUES, NAMES, strict=True):
            assert run.trajectory is not None
            profile = along_surface(run.trajectory, frame, "plating_current")
            current.plot(shown.along, profile / 10, color=hue, label=name)
        current.set_ylim(0, 3.2)
        current.set_xlabel("x (nm)")
        current.grid(True)
        current.set_title("Current on the lithium (mA/cm²)" if k == 0 else "")
    panels[1, 0].legend(loc="upper left")
    over_time, hot_spot, loss = lower.subplots(1, 3)
    for k, (run, folder, hue) in enumerate(zip(runs, folders, HUES, strict=True)):
        over_time.plot(run.series["time_s"], run.series["sei_lithium_nm"], color=hue)
        hot_spot.plot(run.series["time_s"], run.series["hot_spot_factor"], color=hue)
        rows = cycles(folder)
        lost = [(1 - float(row["lithium_efficiency"])) * 100 for row in rows]
        loss.bar(np.arange(1, len(rows) + 1) + 0.4 * k - 0.2, lost, 0.36, color=hue)
    for axes, name in ((over_time, "Lithium in the native film (nm)"), (hot_spot, "Largest over mean current")):
        axes.set_title(name)
        axes.set_xlabel("time (s)")
        axes.grid(True)
    loss.set_title("Lithium lost (% of what was plated)")
    loss.set_xlabel("cycle")
    loss.set_xticks([1, 2, 3])
    style.save(figure, pathlib.Path(__file__).with_name("cycles.png"))


if __name__ == "__main__":
    with style.styled():
        main(sys.argv[1:])
