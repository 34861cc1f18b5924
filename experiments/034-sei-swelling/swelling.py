"""Runs this study over the swelling of the film's outer layer, and shows what of the lithium the film takes.

python experiments/034-sei-swelling/swelling.py
"""

import csv
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase import load
from interphase.report import style
from interphase.run.cycles import cycle_table
from interphase.run.simulate import simulate

HERE = pathlib.Path(__file__).parent
SWELLINGS = (1.25, 1.5, 2.0, 3.0, 4.0)
SHOWN = (1.25, 2.0, 4.0)


def course(case, controls, swelling: float) -> dict[str, np.ndarray]:
    """The rows of a run."""
    changed = eqx.tree_at(lambda c: c.model.stack.film.swelling, case, jnp.asarray(swelling))
    rows: list[dict] = []

    def keep(row):
        if row and (not rows or row["time_s"] != rows[-1]["time_s"]):
            rows.append(row)

    outcome = simulate(changed, controls, tell=lambda progress: keep(progress.row))
    keep(outcome.last)
    print(f"{swelling}: {outcome.status}, {outcome.num_steps} steps, {outcome.wall_s:.0f} s", flush=True)
    return {key: np.array([np.nan if row[key] is None else row[key] for row in rows], float) for key in rows[0]}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    case, controls = load(HERE)
    courses = {swelling: course(case, controls, swelling) for swelling in SWELLINGS}
    tables = {swelling: cycle_table(rows) for swelling, rows in courses.items()}
    with (HERE / "swelling.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        names = ("sei_lithium_nm", "sei_thickness_nm", "lithium_budget_relative_error")
        writer.writerow(["swelling", "lithium_efficiency_1", "lithium_efficiency_2", *names, "sei_strain_max_over_run"])
        for swelling, rows in courses.items():
            efficiencies = [cycle["lithium_efficiency"] for cycle in tables[swelling]]
            last = [rows[name][-1] for name in names]
            writer.writerow([swelling, *efficiencies, *last, np.max(rows["sei_strain_max"])])
    figure = style.new_figure(9.6, 3.0)
    over_time, strains, over_swelling = figure.subplots(1, 3)
    for swelling, hue in zip(SHOWN, style.LINES, strict=False):
        rows = courses[swelling]
        over_time.plot(rows["time_s"], rows["sei_lithium_nm"], color=hue, label=f"swelling {swelling:g}")
        strains.plot(rows["time_s"], rows["sei_strain_max"] * 100, color=hue)
    over_time.set_title("Lithium in the film (nm)")
    over_time.legend()
    strains.set_title("Largest strain of the film (%)")
    strains.axhline(3.8, color="0.6", linewidth=0.8)
    for axes in (over_time, strains):
        axes.set_xlabel("time (s)")
        axes.grid(True)
    for cycle, hue in zip((0, 1), style.LINES, strict=False):
        values = [100 * (1 - tables[swelling][cycle]["lithium_efficiency"]) for swelling in SWELLINGS]
        over_swelling.plot(SWELLINGS, values, marker="o", color=hue, label=f"cycle {cycle + 1}")
    over_swelling.set_title("Plated lithium lost (%)")
    over_swelling.set_xlabel("swelling of the outer layer")
    over_swelling.grid(True)
    over_swelling.legend()
    style.save(figure, HERE / "swelling.png")


if __name__ == "__main__":
    with style.styled():
        main()
