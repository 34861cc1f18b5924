"""Whether 1 mAh/cm² can be stripped before the surface runs out of lithium, over current, pressure and temperature.

python experiments/021-critical-current-map/map.py        # runs what output/map.csv lacks, then draws map.png
"""

import csv
import pathlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from interphase import load
from interphase.physics import mixture
from interphase.run.case import Case

jax.config.update("jax_enable_x64", True)

FOLDER = pathlib.Path(__file__).parent
TABLE = FOLDER / "output" / "map.csv"
ALL = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
POINTS = {  # temperature [K] → pressures [MPa], currents [A/m²]
    298.15: (ALL, (2.0, 5.0, 10.0, 20.0, 40.0)),
    333.15: ((1.0, 2.0, 3.0, 5.0), (20.0, 50.0, 100.0, 200.0)),
    273.15: ((1.0, 2.0, 3.0, 5.0), (0.5, 1.0, 2.0, 5.0)),
}
CAPACITY = 3.6e4  # 1 mAh/cm² [C/m²]
EMPTY = 0.1  # occupancy of the surface at which it counts as lost
STEADY = 6.0  # times what closes sites takes, after which nothing changes any more
COLUMNS: tuple[str, ...] = (
    "temperature_K", "pressure_MPa", "current_A_per_m2", "charge_C_per_m2", "occupancy", "potential_mV", "status",
    "budget",
)  # fmt: skip


@eqx.filter_jit
def advanced(case: Case, state, dt):
    state, report = case.model.step(state, case.protocol.at(0.0), dt)
    measures = case.model.measure(case.model.synchronised(state), report)
    return state, measures, report.balance.residual


def driven(case: Case, current: float, pressure: float) -> Case:
    """The case at another current [A/m²] and pressure [Pa]; compiled once for all."""
    protocol = case.protocol
    return eqx.tree_at(
        lambda c: (c.protocol.current, c.protocol.pressure),
        case,
        (jnp.full_like(protocol.current, -current), jnp.full_like(protocol.pressure, pressure)),
    )


def stripped(case: Case, current: float, pressure: float) -> dict[str, Any]:
    """Strips until the capacity is out, the surface is empty, or nothing changes any more."""
    case, scales = driven(case, current, pressure), case.model.scales
    lattice = mixture.lattice(case.model.stack, scales)
    assert lattice is not None
    closing = float(lattice.closing_at(jnp.asarray(pressure / scales.stress))) / scales.time
    diffusivity = float(lattice.diffusivity) * scales.diffusivity
    speed = current * scales.velocity / scales.current_density
    sand = np.pi / 4 * diffusivity / speed**2
    largest = min(0.19 * scales.length / speed, sand / 30)
    state, time, dt = case.start(), 0.0, min(0.5, largest)
    row: dict[str, Any] = {}
    while not row or row["status"] == "":
        dt = min(dt, CAPACITY / current - time)
        new, measures, residual = advanced(case, state, jnp.asarray(dt))
        time += dt
        if float(residual) <= 1e-4:
            state = new
            assert measures.surface_occupancy is not None
            row = {
                "charge_C_per_m2": current * time,
                "occupancy": float(measures.surface_occupancy),
                "potential_mV": 1e3 * float(measures.metal_potential),
                "status": "",
                "budget": float(measures.lithium_budget_error),
            }
        if float(residual) > 1e-4 or row["occupancy"] < EMPTY:
            row["status"] = "empty"
        elif time >= CAPACITY / current * (1 - 1e-9):
            row["status"] = "stripped"
        elif closing * time > STEADY:
            row["status"] = "steady"
        dt = min(1.5 * dt, largest)
    return row


def run() -> None:
    TABLE.parent.mkdir(exist_ok=True)
    there = read() if TABLE.exists() else []
    done = {tuple(float(row[name]) for name in COLUMNS[:3]) for row in there}
    for temperature, (pressures, currents) in POINTS.items():
        case, _ = load(str(FOLDER), f"cell.temperature={temperature} K")
        for pressure in pressures:
            for current in currents:
                if (temperature, pressure, current) in done:
                    continue
                row = stripped(case, current, 1e6 * pressure)
                row |= {"temperature_K": temperature, "pressure_MPa": pressure, "current_A_per_m2": current}
                new = not TABLE.exists()
                with TABLE.open("a", newline="") as file:
                    writer = csv.DictWriter(file, COLUMNS)
                    if new:
                        writer.writeheader()
                    writer.writerow(row)


def read() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def steady_limit(pressure: np.ndarray, temperature: float) -> np.ndarray:
    """Current at which the surface ends up empty in steady flow, v = 0.85 √(Dk) [A/m²]; p in MPa."""
    exponent, rate = 5.0, 4.25e4 * np.exp(-37e3 / (8.314462618 * temperature))
    diffusivity = 5.6e-15 * np.exp(-52.8e3 / 8.314462618 * (1 / temperature - 1 / 298.15))
    closing = 1.5 * rate * (3 * pressure / (2 * exponent * 2.0)) ** exponent
    return 0.85 * np.sqrt(diffusivity * closing) * 96485.33212 / 13e-6


def diffusion_limit(temperature: float) -> float:
    """Current whose Sand time is what the capacity takes [A/m²]."""
    diffusivity = 5.6e-15 * np.exp(-52.8e3 / 8.314462618 * (1 / temperature - 1 / 298.15))
    return np.pi / 4 * diffusivity * (96485.33212 / 13e-6) ** 2 / CAPACITY


MEASURED = (  # where polarisation sets in while lithium is stripped: MPa, mA/cm²; both recalled, medium confidence
    ("Li₆PS₅Cl, Kasemchainan 2019", "s", ((3.0, 0.2), (7.0, 1.0))),
    ("LLZO, Wang 2019", "^", ((0.4, 0.1), (2.0, 0.4))),
)


def draw() -> None:
    rows = read()
    figure, panels = plt.subplots(1, len(POINTS), figsize=(4.1 * len(POINTS), 4.3), sharey=True, layout="constrained")
    pressure = np.geomspace(0.3, 9, 200)
    for axes, temperature in zip(panels, sorted(POINTS), strict=True):
        mine = [row for row in rows if float(row["temperature_K"]) == temperature]
        for held, face, label in (
            (True, "#2a6f97", "strips 1 mAh/cm², or is steady"),
            (False, "white", "surface empties (after % of it)"),
        ):
            kept = [row for row in mine if (row["status"] != "empty") == held]
            axes.scatter(
                [float(row["pressure_MPa"]) for row in kept],
                [0.1 * float(row["current_A_per_m2"]) for row in kept],
                s=46, facecolor=face, edgecolor="#2a6f97", zorder=3, label=label,
            )  # fmt: skip
        for row in mine:
            text = f"{100 * float(row['charge_C_per_m2']) / CAPACITY:.0f} %" if row["status"] == "empty" else ""
            where = float(row["pressure_MPa"]), 0.1 * float(row["current_A_per_m2"])
            axes.annotate(text, where, (0, 6), textcoords="offset points", ha="center", fontsize=7, color="#555555")
        axes.plot(
            pressure, 0.1 * steady_limit(pressure, temperature), color="#c1440e", label="steady limit, 0.85 √(Dk)"
        )
        limit = 0.1 * diffusion_limit(temperature)
        axes.axhline(limit, color="#777777", linestyle="--", linewidth=1, label="Sand time = time of 1 mAh/cm²")
        if temperature == 298.15:
            for name, marker, points in MEASURED:
                axes.scatter(*zip(*points, strict=True), marker=marker, color="#222222", s=36, zorder=4, label=name)
        axes.set(xscale="log", yscale="log", xlim=(0.3, 9), ylim=(0.02, 30), xlabel="stack pressure (MPa)")
        axes.set_xticks([0.5, 1, 2, 3, 5, 8], ["0.5", "1", "2", "3", "5", "8"])
        axes.set_xticks([], minor=True)
        axes.set_title(f"{temperature - 273.15:.0f} °C")
        axes.grid(True, alpha=0.3)
    panels[0].set_ylabel("stripping current (mA/cm²)")
    handles, labels = panels[sorted(POINTS).index(298.15)].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside lower center", ncols=len(labels))
    figure.savefig(FOLDER / "map.png", dpi=150)


if __name__ == "__main__":
    run()
    draw()
