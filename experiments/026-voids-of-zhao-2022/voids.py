"""A void of 15 µm at the face of lithium in the published set, stripped, plated and pressed: voids.csv, voids.png.

python experiments/026-voids-of-zhao-2022/voids.py [CELLS]

The box is the published one, 100 × 100 µm, lithium below and the electrolyte above, CELLS (160) a side.
"""

import csv
import pathlib
import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.grid.grid import Grid
from interphase.physics.void_current import current_through, plated
from interphase.physics.void_field import THINNEST, ZHAO_2022, filled
from interphase.physics.void_growth import Load, Void, step
from interphase.physics.void_pressing import Pressed, Solids, press
from interphase.report import style

HERE = pathlib.Path(__file__).parent
SIDE, RADIUS, STEP = 100e-6, 15e-6, 100.0
CASES = {  # current density [A/m²], pressure [MPa], hours
    "stripped": (-1.0, 0.0, 4.0),
    "stripped under 0.6 MPa": (-1.0, 0.6, 2.0),
    "plated": (1.0, 0.0, 4.0),
}
PRESSURES = (0.2, 0.6, 2.0)  # on the void as it is at first, without a current [MPa]
COLUMNS = ["case", "time_s", "lithium_gained_um2", "void_um2", "thinned_um2", "contact_fraction", "hot_spot_factor"]
COLUMNS += ["hot_spot_um", "voltage_V", "supersaturation_max", "fraction_farthest", "closed_by_creep_um2"]
COLUMNS += ["residual", "lithium_closure"]


class Case:
    """One void; SI."""

    def __init__(self, cells: int, current: float, pressure: float):
        h = SIDE / cells
        self.grid = Grid((cells, cells // 2), (h, h))
        self.constants = ZHAO_2022
        self.current, self.pressure = current, 1e6 * pressure
        x, z = self.grid.cell_centres()
        away = jnp.hypot(x - SIDE / 2, z - SIDE / 2)
        fraction = 0.5 * (1 + jnp.tanh((away - RADIUS) / self.constants.width))
        both = Grid((cells, cells), (h, h))
        self.solids = Solids.of_zhao_2022()
        self.start = Void.at_rest(fraction, self.constants)
        self.begin = (self.start, jnp.zeros(both.shape), Pressed.at_rest(self.solids, both))

    def advance(self, carry, _):
        """One step: current, balance of forces, void."""
        void, potential, pressed = carry
        constants, grid = self.constants, self.grid
        current = current_through(void.fraction, jnp.asarray(self.current), potential, constants, grid)
        sheet, residual = plated(current.density, constants, grid), 0.0
        load = eqx.tree_at(lambda load: load.plated, Load.none(grid), sheet)
        if self.pressure:
            pressed, report = press(
                pressed, void.fraction, jnp.asarray(self.pressure), jnp.asarray(STEP), self.solids, grid
            )
            load, residual = pressed.load(sheet, self.solids, constants, void.fraction), report.residual
        void, report = step(void, load, jnp.asarray(STEP), constants, grid)
        missing = 1 - filled(void.fraction)
        measured = (
            jnp.sum(void.lithium - self.start.lithium) * grid.cell_volume,
            jnp.sum(jnp.where(void.fraction > 0.5, 0.0, missing)) * grid.cell_volume,
            jnp.sum(jnp.where(void.fraction > 0.5, missing, 0.0)) * grid.cell_volume,
            jnp.mean(void.fraction[:, -1] > 0.5),
            jnp.max(current.density / self.current),
            grid.spacing[0] * (jnp.argmax(current.density / self.current) + 0.5) - SIDE / 2,
            current.voltage,
            jnp.expm1(jnp.max(jnp.where(void.fraction > 0.5, void.excess, 0.0))),
            void.fraction[0, -1],
            pressed.closed,
            jnp.maximum(report.residual, residual),
        )
        return (void, current.potential, pressed), (jnp.stack(measured), current.density)

    def course(self, hours: float):
        """The end, and what was measured after every step."""
        steps = round(3600 * hours / STEP)
        go = jax.jit(lambda carry: jax.lax.scan(self.advance, carry, None, steps))
        (void, _, pressed), (measured, density) = jax.block_until_ready(go(self.begin))
        return void, pressed, np.asarray(measured), np.asarray(density)


def rows(name: str, case: Case, measured: np.ndarray) -> list[list]:
    """What goes into the table."""
    units = np.array([1e12, 1e12, 1e12, 1.0, 1.0, 1e6, 1.0, 1.0, 1.0, 1e12, 1.0])
    times = STEP * np.arange(1, len(measured) + 1)
    due = case.current * ZHAO_2022.molar_volume / 96485.33212 * SIDE * times
    closure = measured[:, 0] / due - 1
    return [
        [name, t, *(float(f"{v:.6g}") for v in row), float(f"{c:.2g}")]
        for t, row, c in zip(times, measured * units, closure, strict=True)
    ]


def closing(cells: int) -> list[tuple[float, float]]:
    """By how much creep alone closes the void at first [1/s], over pressure [MPa]."""
    case, found = Case(cells, 0.0, 0.0), []

    @jax.jit
    def crept(pressed, pressure, dt):
        def advance(pressed, _):
            later, report = press(pressed, case.start.fraction, pressure, dt, case.solids, case.grid)
            return later, (later.closed - pressed.closed, report.residual)

        return jax.lax.scan(advance, pressed, None, 10)

    for pressure in PRESSURES:
        dt = STEP * min(1.0, (0.6 / pressure) ** 6)
        _, (closed, residual) = crept(case.begin[2], jnp.asarray(1e6 * pressure), jnp.asarray(dt))
        rate = float(closed[-1]) / dt / (np.pi * RADIUS**2 / 2)
        found.append((pressure, rate))
        print(f"{pressure} MPa: closes at {rate:.4g} /s, residual {float(jnp.max(residual)):.1e}", flush=True)
    return found


def main(cells: int) -> None:
    jax.config.update("jax_enable_x64", True)
    table, ends = [], {}
    for name, (current, pressure, hours) in CASES.items():
        begun, case = time.monotonic(), Case(cells, current, pressure)
        void, pressed, measured, density = case.course(hours)
        table += rows(name, case, measured)
        ends[name] = (case, void, pressed, measured, density)
        print(f"{name}: {time.monotonic() - begun:.0f} s", dict(zip(COLUMNS, table[-1], strict=True)), flush=True)
    with (HERE / "voids.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(row for row in table if round(row[1] / STEP) % 4 == 0)
    rates = closing(cells)
    with (HERE / "closing.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["pressure_MPa", "closing_per_s", "as_fast_as_A_per_m2"])
        for pressure, rate in rates:
            area = rate * np.pi * RADIUS**2 / 2
            equal = area * 96485.33212 / (ZHAO_2022.molar_volume * SIDE)
            writer.writerow([pressure, f"{rate:.5g}", f"{equal:.4g}"])
    draw(ends)


def draw(ends: dict) -> None:
    with style.styled():
        figure = style.new_figure(11.0, 5.6)
        above, below = figure.subfigures(2, 1, height_ratios=[0.9, 1.0])
        shown = ("stripped", "stripped under 0.6 MPa", "plated")
        for axes, name in zip(above.subplots(1, len(shown)), shown, strict=True):
            case, void, *_ = ends[name]
            extent = (-50.0, 50.0, -50.0, 0.0)
            image = axes.imshow(
                np.asarray(void.fraction).T, origin="lower", extent=extent, cmap="viridis", vmin=0, vmax=1.05
            )
            axes.contour(
                np.asarray(void.fraction).T, levels=[0.5, THINNEST], extent=extent, colors=["white", style.VERMILION],
                linewidths=1.0,
            )  # fmt: skip
            axes.set_title(f"ξ, {name}, {CASES[name][2]:g} h")
            axes.set_xlabel("µm")
            figure.colorbar(image, ax=axes, shrink=0.7)
        currents, areas, contacts = below.subplots(1, 3)
        for (name, (case, _, _, measured, density)), hue in zip(ends.items(), style.LINES, strict=False):
            hours = STEP / 3600 * np.arange(1, len(measured) + 1)
            x = 1e6 * (np.asarray(case.grid.cell_centres()[0, :, 0]) - SIDE / 2)
            if name in shown:
                currents.plot(x, density[-1] / case.current, color=hue, label=name)
            areas.plot(hours, 1e12 * (measured[:, 1] - measured[0, 1]), color=hue, label=name)
            areas.plot(hours, 1e12 * (measured[:, 2] - measured[0, 2]), color=hue, linestyle=":")
            contacts.plot(hours, 100 * measured[:, 3], color=hue, label=name)
        currents.set_title("Current density over its mean, at the end")
        currents.set_xlabel("along the interface (µm)")
        areas.set_title("Void grown; dotted: thinned (µm²)")
        contacts.set_title("Interface that is lithium (%)")
        for axes in (areas, contacts):
            axes.set_xlabel("time (h)")
            axes.grid(True)
        contacts.legend()
        style.save(figure, HERE / "voids.png")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 160)
