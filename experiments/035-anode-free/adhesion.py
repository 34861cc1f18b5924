"""Runs this study bare and under a coating that holds on to the copper more or less, and shows deposit and coating.

python experiments/035-anode-free/adhesion.py
"""

import csv
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.config.build import build, controls
from interphase.config.load import read_study
from interphase.report import style
from interphase.run.simulate import simulate

HERE = pathlib.Path(__file__).parent
HOLDS = {"holds": 1e12, "100 MPa": 100e6, "30 MPa": 30e6, "10 MPa": 10e6, "1 MPa": 1e6}  # [Pa]
SHOWN = ("bare", "holds", "10 MPa", "1 MPa")
LIMIT = 0.038  # strain up to which the native film is elastic (Yoon et al. 2020)


def course(case, how, name: str) -> tuple[dict[str, np.ndarray], object]:
    """The rows of a run and what it ended with."""
    rows: list[dict] = []

    def keep(progress):
        if progress.row and (not rows or progress.row["time_s"] != rows[-1]["time_s"]):
            rows.append(progress.row)

    outcome = simulate(case, how, tell=keep)
    if rows[-1]["time_s"] != outcome.last["time_s"]:
        rows.append(outcome.last)
    print(f"{name}: {outcome.status}, {outcome.num_steps} steps, {outcome.wall_s:.0f} s", flush=True)
    return {
        key: np.array([np.nan if row[key] is None else row[key] for row in rows], float) for key in rows[0]
    }, outcome


def height(outcome, unit: float) -> float:
    """Of the highest column of lithium [nm]."""
    return float(np.asarray(outcome.state.lithium).sum(axis=-1).max()) * unit


def reached(rows: dict[str, np.ndarray], limit: float) -> float:
    """Plated thickness when the coating's largest strain first comes to a limit [nm]."""
    above = np.flatnonzero(rows["coating_strain_max"] >= limit)
    return float(rows["plated_thickness_nm"][above[0]]) if above.size else np.nan


def picture(axes, case, outcome, unit: float):
    """Lithium at the start and at the end, and the coating's largest principal strain."""
    state = outcome.state
    lithium, start = np.asarray(state.lithium), np.asarray(case.start().lithium)
    extent = (0, lithium.shape[0] * unit, 0, lithium.shape[1] * unit)
    colours = None
    if state.coating is not None:
        coating, strain = np.asarray(state.coating.fraction), np.asarray(state.coating.strain)
        mean, half = 0.5 * (strain[0] + strain[1]), 0.5 * (strain[0] - strain[1])
        largest = np.ma.masked_where(coating < 0.5, mean + np.sqrt(half**2 + strain[3] ** 2))
        colours = axes.imshow(largest.T * 100, origin="lower", extent=extent, cmap="magma_r", vmin=0, vmax=20)
        outline = {"colors": style.BLACK, "linewidths": 0.8}
        axes.contour((lithium + coating).T, [0.5], origin="lower", extent=extent, **outline)
    filled = np.ma.masked_where(lithium < 0.5, np.ones_like(lithium))
    axes.imshow(filled.T, origin="lower", extent=extent, cmap="Greys", vmin=0, vmax=2.5)
    axes.contour(lithium.T, [0.5], origin="lower", extent=extent, colors=style.BLACK, linewidths=0.8)
    axes.contour(start.T, [0.5], origin="lower", extent=extent, colors="white", linewidths=0.7, linestyles="--")
    axes.set_ylim(0, 430)
    return colours


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    study = read_study(HERE)
    coated, how = build(study), controls(study)
    unit = coated.model.scales.length * 1e9
    collector = study.collector.model_copy(update={"adhesion": None})
    cases = {"bare": build(study.model_copy(update={"coating": None, "collector": collector}))}
    for name, strength in HOLDS.items():
        cases[name] = eqx.tree_at(lambda c: c.model.stack.collector.bond.strength, coated, jnp.asarray(strength))
    courses = {name: course(case, how, name) for name, case in cases.items()}
    columns = (
        "plated_thickness_nm", "collector_covered_fraction", "hot_spot_factor", "overpotential_V", "coating_strain_max",
        "coating_stress_max_MPa", "coating_compression_max_MPa", "coating_bodies", "lithium_budget_relative_error",
        "charge_closure_relative_error", "coating_volume_relative_change",
    )  # fmt: skip
    with (HERE / "adhesion.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["adhesion", "height_nm", "plated_at_strain_limit_nm", *columns])
        for name, (rows, outcome) in courses.items():
            end = [rows[key][-1] for key in columns]
            writer.writerow([name, height(outcome, unit), reached(rows, LIMIT), *end])

    figure = style.new_figure(9.6, 5.6)
    pictures, curves = figure.subfigures(2, 1, height_ratios=[1.1, 1.0])
    grid = pictures.subplots(2, 2, sharex=True, sharey=True)
    for axes, name in zip(grid.flat, SHOWN, strict=True):
        colours = picture(axes, cases[name], courses[name][1], unit)
        axes.set_title({"bare": "bare", "holds": "coating holds"}.get(name, f"coating lets go at {name}"))
    for axes in grid[:, 0]:
        axes.set_ylabel("z (nm)")
    for axes in grid[1]:
        axes.set_xlabel("x (nm)")
    pictures.colorbar(colours, ax=grid, label="strain (%)")
    covered, strain = curves.subplots(1, 2)
    for (name, (rows, _)), hue in zip(courses.items(), style.LINES, strict=False):
        covered.plot(rows["plated_thickness_nm"], rows["collector_covered_fraction"] * 100, color=hue, label=name)
        if name != "bare":
            strain.plot(rows["plated_thickness_nm"], rows["coating_strain_max"] * 100, color=hue, label=name)
    strain.axhline(LIMIT * 100, color=style.BLACK, linewidth=0.8, linestyle=":")
    strain.set_yscale("log")
    covered.set_title("Copper that lithium covers (%)")
    strain.set_title("Largest strain of the coating (%)")
    for axes in (covered, strain):
        axes.set_xlabel("plated (nm)")
        axes.grid(True)
    covered.legend()
    style.save(figure, HERE / "adhesion.png")


if __name__ == "__main__":
    with style.styled():
        main()
