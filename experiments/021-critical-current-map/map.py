"""Whether 1 mAh/cm² can be stripped before the surface runs out of lithium, over current, pressure and temperature.

python experiments/021-critical-current-map/map.py        # runs what output/map.csv lacks, then draws map.png
"""

import csv
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase import load
from interphase.physics import mixture
from interphase.run.case import Case

jax.config.update("jax_enable_x64", True)

FOLDER = pathlib.Path(__file__).parent
TABLE = FOLDER / "output" / "map.csv"
TEMPERATURES = (298.15, 333.15, 273.15)  # [K]
PRESSURES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)  # [MPa]
CURRENTS = (2.0, 5.0, 10.0, 20.0, 40.0)  # [A/m²]
CAPACITY = 3.6e4  # 1 mAh/cm² [C/m²]
EMPTY = 0.1  # occupancy of the surface at which it counts as lost
STEADY = 6.0  # times what closes sites takes, after which nothing changes any more
COLUMNS = (
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


def stripped(case: Case, current: float, pressure: float) -> dict[str, float | str]:
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
    row: dict[str, float | str] = {}
    while not row or row["status"] == "":
        dt = min(dt, CAPACITY / current - time)
        new, measures, residual = advanced(case, state, jnp.asarray(dt))
        time += dt
        if float(residual) <= 1e-4:
            state = new
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
    for temperature in TEMPERATURES:
        case, _ = load(str(FOLDER), f"cell.temperature={temperature} K")
        for pressure in PRESSURES:
            for current in CURRENTS:
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


if __name__ == "__main__":
    run()
