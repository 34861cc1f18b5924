"""Runs this study under four coatings, and shows how each is stretched and when its strain comes to its limit.

python experiments/031-nucleus-under-a-coating/nucleus.py
"""

import csv
import pathlib

import equinox as eqx
import jax
import numpy as np

from interphase import RunError, load
from interphase.report import style
from interphase.run.simulate import simulate

HERE = pathlib.Path(__file__).parent
COATINGS = {  # inner and outer half
    "LiF": ("lif", "lif"),
    "Li₂CO₃": ("li2co3", "li2co3"),
    "PEO": ("peo", "peo"),
    "PEO on LiF": ("lif", "peo"),
    "native SEI": ("native-sei", "native-sei"),
}
BRITTLE = ("lif", "li2co3", "native-sei")
LIMITS = (0.038, 0.056)  # of the native film: where it ceases to be elastic, and where it is broken (Yoon et al. 2020)
NUMBERS = ("modulus", "poisson_ratio", "strain_limit")


def with_coating(case, halves: tuple[str, str]):
    """The case with the numbers of other materials; the same program runs them all."""
    overrides = []
    for k, name in enumerate(halves):
        overrides.append(f"coating.layers[{k}].material={name}")
        if name not in BRITTLE:
            overrides.append(f"coating.layers[{k}].strain_limit=4.57")
    other, _ = load(HERE, *overrides)
    where = lambda c: [getattr(layer, name) for layer in c.model.stack.coating.layers for name in NUMBERS]  # noqa: E731
    return eqx.tree_at(where, case, where(other))


def course(case, controls, name: str) -> tuple[dict[str, np.ndarray], object]:
    """The rows of a run and what it ended with."""
    rows: list[dict] = []

    def keep(row):
        if row and (not rows or row["time_s"] != rows[-1]["time_s"]):
            rows.append(row)

    try:
        outcome = simulate(case, controls, tell=lambda progress: keep(progress.row))
    except RunError as error:
        if error.outcome is None:
            raise
        outcome = error.outcome
        print(error, flush=True)
    keep(outcome.last)
    print(f"{name}: {outcome.status}, {outcome.num_steps} steps, {outcome.wall_s:.0f} s", flush=True)
    return {
        key: np.array([np.nan if row[key] is None else row[key] for row in rows], float) for key in rows[0]
    }, outcome


def at_limit(rows: dict[str, np.ndarray], strain: np.ndarray, limit: float) -> dict[str, float]:
    """Plated thickness, height of the nucleus and largest stress when a strain first comes to a limit."""
    above = np.flatnonzero(strain >= limit)
    columns = ("plated_thickness_nm", "roughness_peak_to_valley_nm", "coating_stress_max_MPa")
    if not above.size or above[0] == 0:
        return dict.fromkeys(columns, np.nan)
    k = above[0]
    share = (limit - strain[k - 1]) / (strain[k] - strain[k - 1])
    return {name: float(rows[name][k - 1] + share * (rows[name][k] - rows[name][k - 1])) for name in columns}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    case, controls = load(HERE)
    courses = {name: course(with_coating(case, halves), controls, name) for name, halves in COATINGS.items()}
    with (HERE / "nucleus.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["coating", "strain_limit", "plated_nm", "height_nm", "coating_stress_max_MPa", "strain_over_limit_at_end",
             "strain_at_end", "plated_at_end_nm", "height_at_end_nm"]
        )  # fmt: skip
        for name, (rows, _) in courses.items():
            over = rows["coating_strain_over_limit_max"]
            for limit in LIMITS if set(COATINGS[name]) <= set(BRITTLE) else LIMITS[:1]:
                reached = at_limit(rows, over * LIMITS[0] / limit, 1.0)
                last = (over[-1] * LIMITS[0] / limit, rows["coating_strain_max"][-1])
                end = (rows["plated_thickness_nm"][-1], rows["roughness_peak_to_valley_nm"][-1])
                writer.writerow([name, limit if name != "PEO" else 4.57, *reached.values(), *last, *end])
    figure = style.new_figure(9.6, 5.2)
    pictures, curves = figure.subfigures(2, 1, height_ratios=[0.8, 1.1])
    size = [n * h for n, h in zip(case.model.grid.shape, case.model.grid.spacing, strict=True)]
    unit = case.model.scales.length * 1e9
    extent = (0, size[0] * unit, 0, size[1] * unit)
    for axes, (name, (_, outcome)) in zip(
        pictures.subplots(1, len(COATINGS), sharey=True), courses.items(), strict=True
    ):
        state = outcome.state
        coating, lithium = np.asarray(state.coating.fraction), np.asarray(state.lithium)
        strain = np.asarray(state.coating.strain)
        mean, half = 0.5 * (strain[0] + strain[1]), 0.5 * (strain[0] - strain[1])
        largest = np.ma.masked_where(coating < 0.5, mean + np.sqrt(half**2 + strain[3] ** 2))
        colours = axes.imshow(largest.T * 100, origin="lower", extent=extent, cmap="magma_r", vmin=0, vmax=10)
        for field, hue in ((lithium, style.BLACK), (lithium + coating, style.BLACK)):
            axes.contour(field.T, [0.5], origin="lower", extent=extent, colors=hue, linewidths=0.8)
        axes.set_ylim(200, 760)
        axes.set_title(name)
        axes.set_aspect("auto")
        axes.set_xlabel("x (nm)")
    pictures.axes[0].set_ylabel("z (nm)")
    pictures.colorbar(colours, ax=pictures.axes, label="strain (%)")
    strain_axes, height_axes = curves.subplots(1, 2)
    for (name, (rows, _)), hue in zip(courses.items(), style.LINES, strict=False):
        strain_axes.plot(rows["plated_thickness_nm"], rows["coating_strain_max"] * 100, color=hue, label=name)
        height_axes.plot(rows["plated_thickness_nm"], rows["roughness_peak_to_valley_nm"], color=hue, label=name)
    for limit in LIMITS:
        strain_axes.axhline(limit * 100, color=style.BLACK, linewidth=0.8, linestyle=":")
        strain_axes.text(1.0, limit * 100, f"{limit * 100:.1f} %", fontsize=7, va="bottom")
    strain_axes.set_title("Largest strain of the coating (%)")
    height_axes.set_title("Nucleus above its surroundings (nm)")
    for axes in (strain_axes, height_axes):
        axes.set_xlabel("plated (nm)")
        axes.grid(True)
    height_axes.legend()
    style.save(figure, HERE / "nucleus.png")


if __name__ == "__main__":
    with style.styled():
        main()
