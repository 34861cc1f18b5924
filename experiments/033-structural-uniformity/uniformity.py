"""Runs this study over how uneven the coating is, soft and stiff, and draws what becomes of the deposit.

python experiments/033-structural-uniformity/uniformity.py
"""

import csv
import pathlib

import equinox as eqx
import jax
import numpy as np

from interphase import RunError, load
from interphase.report import style
from interphase.run.simulate import Outcome, simulate

HERE = pathlib.Path(__file__).parent
MODULI = ("1 GPa", "10 GPa")
AMPLITUDES = (0.0, 0.1, 0.2, 0.4, 0.8)
SEEDS = (1, 2)
QUANTITIES = (
    ("roughness_peak_to_valley_nm", 1.0, "Peak to valley (nm)"),
    ("hot_spot_factor", 1.0, "Largest over mean current"),
    ("coating_strain_max", 100.0, "Coating, largest strain (%)"),
    ("coating_stress_max_MPa", 1.0, "Coating, largest stress (MPa)"),
)


def with_numbers(case, *overrides: str):
    """The case with the coating of another study; the same program runs them all."""
    where = lambda c: (c.model.stack.coating.layers[0].modulus, c.model.stack.coating.mosaic)  # noqa: E731
    return eqx.tree_at(where, case, where(load(HERE, *overrides)[0]))


def ran(case, controls, modulus: str, amplitude: float, seed: int) -> Outcome:
    changed = with_numbers(
        case,
        f"coating.layers[0].modulus={modulus}",
        f"coating.mosaic.ionic_conductivity={amplitude}",
        f"coating.mosaic.seed={seed}",
    )
    try:
        outcome = simulate(changed, controls)
    except RunError as error:
        if error.outcome is None:
            raise
        outcome = error.outcome
        print(error, flush=True)
    print(
        f"{modulus}, {amplitude}, seed {seed}: {outcome.status}, {outcome.num_steps} steps, {outcome.wall_s:.0f} s; "
        f"budget {outcome.last['lithium_budget_relative_error']:.1e}, closure {outcome.worst.charge_closure:.1e}",
        flush=True,
    )
    return outcome


def draw_pictures(axes_of: dict, outcomes: dict, size: tuple[float, float]) -> object:
    """Lithium, and the strain of the coating, at the end."""
    for (modulus, amplitude), axes in axes_of.items():
        state = outcomes[modulus, amplitude, SEEDS[0]].state
        coating, lithium = np.asarray(state.coating.fraction), np.asarray(state.lithium)
        strain = np.asarray(state.coating.strain)
        mean, half = 0.5 * (strain[0] + strain[1]), 0.5 * (strain[0] - strain[1])
        largest = np.ma.masked_where(coating < 0.5, mean + np.sqrt(half**2 + strain[3] ** 2))
        extent = (0, size[0], 0, size[1])
        colours = axes.imshow(largest.T * 100, origin="lower", extent=extent, cmap="magma_r", vmin=0, vmax=10)
        for field in (lithium, lithium + coating):
            axes.contour(field.T, [0.5], origin="lower", extent=extent, colors=style.BLACK, linewidths=0.8)
        axes.set_ylim(500, 1150)
        axes.set_aspect("auto")
        axes.set_title(f"{modulus}, amplitude {amplitude:g}")
        axes.set_xlabel("x (nm)")
        axes.set_ylabel("z (nm)")
    return colours


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    case, controls = load(HERE)
    outcomes = {
        (modulus, amplitude, seed): ran(case, controls, modulus, amplitude, seed)
        for modulus in MODULI
        for amplitude in AMPLITUDES
        for seed in (SEEDS if amplitude else SEEDS[:1])
    }
    with (HERE / "uniformity.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["modulus", "amplitude", "seed", "plated_nm", *(key for key, *_ in QUANTITIES), "status"])
        for (modulus, amplitude, seed), outcome in outcomes.items():
            numbers = [f"{outcome.last[key]:.5g}" for key in ("plated_thickness_nm", *(key for key, *_ in QUANTITIES))]
            writer.writerow([modulus, amplitude, seed, *numbers, outcome.status])
    figure = style.new_figure(9.6, 5.0)
    pictures, curves = figure.subfigures(2, 1, height_ratios=[0.9, 1.0])
    shown = [(modulus, amplitude) for modulus in MODULI for amplitude in (0.2, 0.8)]
    unit = case.model.scales.length * 1e9
    size = tuple(n * h * unit for n, h in zip(case.model.grid.shape, case.model.grid.spacing, strict=True))
    axes_of = dict(zip(shown, pictures.subplots(1, len(shown), sharey=True), strict=True))
    colours = draw_pictures(axes_of, outcomes, size)
    for axes in pictures.axes[1:]:
        axes.set_ylabel("")
    pictures.colorbar(colours, ax=pictures.axes, label="strain (%)")
    for axes, (key, factor, name) in zip(curves.subplots(1, len(QUANTITIES)), QUANTITIES, strict=True):
        for modulus, hue in zip(MODULI, style.LINES, strict=False):
            points = [(a, o.last[key] * factor) for (m, a, _), o in outcomes.items() if m == modulus]
            middle = [np.mean([value for a, value in points if a == amplitude]) for amplitude in AMPLITUDES]
            axes.plot(AMPLITUDES, middle, color=hue, label=modulus)
            axes.plot(*zip(*points, strict=True), color=hue, linestyle="", marker="o", markersize=3)
        axes.set_title(name, fontsize=7.5)
        axes.set_xlabel("amplitude of ln κ")
        axes.grid(True)
    curves.axes[0].legend()
    style.save(figure, HERE / "uniformity.png")


if __name__ == "__main__":
    with style.styled():
        main()
