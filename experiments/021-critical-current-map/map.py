"""Whether 1 mAh/cm² can be stripped before the surface runs out of lithium, over current, pressure and temperature.

python experiments/021-critical-current-map/map.py        # runs what output/map.csv lacks, then draws map.png
"""

import csv
import itertools
import pathlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import Array
from matplotlib.ticker import LogLocator
from tqdm import tqdm

from interphase import load
from interphase.physics import mixture
from interphase.physics.measures import Measures
from interphase.run.case import Case, stacked
from interphase.state import State

jax.config.update("jax_enable_x64", True)

FOLDER = pathlib.Path(__file__).parent
TABLE = FOLDER / "output" / "map.csv"
PRESSURES = (0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0)  # [MPa], ten a decade
CURRENTS = {  # temperature [K] → [A/m²], ten a decade
    298.15: (2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0, 12.5, 16.0, 20.0, 25.0, 31.5, 40.0),
    333.15: (20.0, 25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0),
    273.15: (0.315, 0.4, 0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3),
}
CAPACITY = 3.6e4  # 1 mAh/cm² [C/m²]
EMPTY = 0.1  # occupancy of the surface at which it counts as lost
UNSOLVED = 1e-4  # residual above which a step has failed: the surface has nothing left to give
STEADY = 6.0  # times what closes sites takes, after which nothing changes any more
COLUMNS: tuple[str, ...] = (
    "temperature_K", "pressure_MPa", "current_A_per_m2", "charge_C_per_m2", "occupancy", "potential_mV", "status",
    "budget",
)  # fmt: skip


@eqx.filter_jit
@eqx.filter_vmap
def started(case: Case) -> State:
    return case.start()


@eqx.filter_jit
@eqx.filter_vmap
def advanced(case: Case, state: State, dt: Array) -> tuple[State, Measures, Array]:
    """Each point's state after a step of its own size, what is measured there, and how well it was solved."""
    state, report = case.model.step(state, case.protocol.at(0.0), dt)
    return state, case.model.measure(case.model.synchronised(state), report), report.balance.residual


def lacking() -> list[tuple[float, float, float]]:
    """Temperature [K], pressure [MPa] and current [A/m²] of the points that the table has not."""
    done = {tuple(float(row[name]) for name in COLUMNS[:3]) for row in read()} if TABLE.exists() else set()
    points = [(t, p, i) for t, currents in CURRENTS.items() for p, i in itertools.product(PRESSURES, currents)]
    return [point for point in points if point not in done]


def cases_at(points: list[tuple[float, float, float]]) -> list[Case]:
    cells = {temperature: load(str(FOLDER), f"cell.temperature={temperature} K")[0] for temperature, _, _ in points}
    return [
        eqx.tree_at(
            lambda c: (c.protocol.current, c.protocol.pressure),
            cells[temperature],
            (jnp.array([-current]), jnp.array([1e6 * pressure])),
        )
        for temperature, pressure, current in points
    ]


def closing_rate(case: Case) -> float:
    """k, by which pressure closes empty sites [1/s]."""
    scales = case.model.scales
    lattice = mixture.lattice(case.model.stack, scales)
    assert lattice is not None
    return float(lattice.closing_at(case.protocol.pressure[0] / scales.stress) / scales.time)


def longest_step(case: Case) -> float:
    """A fifth of a cell stripped, or a thirtieth of Sand's time [s]."""
    scales, vacancies = case.model.scales, case.model.stack.vacancies
    assert vacancies is not None
    speed = float(-case.protocol.current[0] * scales.velocity / scales.current_density)
    return min(0.19 * float(scales.length) / speed, np.pi / 4 * float(vacancies.diffusivity) / speed**2 / 30)


def strip(points: list[tuple[float, float, float]]) -> None:
    """Strips at all points in one batch, each until its capacity is out, its surface is empty or nothing changes any
    more, and adds a row to the table as each ends.
    """
    cases = cases_at(points)
    closing, longest = np.array([closing_rate(c) for c in cases]), np.array([longest_step(c) for c in cases])
    ends = CAPACITY / np.array([current for _, _, current in points])
    batch = stacked(cases)
    state, time, dt = started(batch), np.zeros(len(points)), np.minimum(0.5, longest)
    going, rows = np.full(len(points), True), [{} for _ in points]
    with tqdm(total=len(points), unit=" points") as bar:
        while going.any():
            dt = np.where(going, np.minimum(dt, ends - time), dt)
            new, measures, residual = advanced(batch, state, jnp.asarray(dt))
            solved = going & (np.asarray(residual) <= UNSOLVED)
            state = chosen(jnp.asarray(solved), new, state)
            time = np.where(going, time + dt, time)
            for k in np.flatnonzero(going):
                if solved[k]:
                    rows[k] = seen(jax.tree.map(lambda x, k=k: x[k], measures))
                status = (
                    "empty" if not solved[k] or rows[k]["occupancy"] < EMPTY
                    else "stripped" if time[k] >= ends[k] * (1 - 1e-9)
                    else "steady" if closing[k] * time[k] > STEADY
                    else ""
                )  # fmt: skip
                if status:
                    going[k] = False
                    charge = points[k][2] * time[k]
                    add(dict(zip(COLUMNS, (*points[k], charge), strict=False)) | rows[k] | {"status": status})
                    bar.update()
            dt = np.where(going, np.minimum(1.5 * dt, longest), dt)


def chosen(which: Array, ones: State, others: State) -> State:
    return jax.tree.map(lambda a, b: jnp.where(jnp.expand_dims(which, range(1, a.ndim)), a, b), ones, others)


def seen(measures: Measures) -> dict[str, float]:
    assert measures.surface_occupancy is not None
    return {
        "occupancy": float(measures.surface_occupancy),
        "potential_mV": 1e3 * float(measures.metal_potential),
        "budget": float(measures.lithium_budget_error),
    }


def add(row: dict[str, Any]) -> None:
    TABLE.parent.mkdir(exist_ok=True)
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


def edges(middles: tuple[float, ...]) -> np.ndarray:
    """Of cells about values that lie evenly in their logarithms."""
    half = np.log(middles[-1] / middles[0]) / (len(middles) - 1) / 2
    return np.exp(np.linspace(np.log(middles[0]) - half, np.log(middles[-1]) + half, len(middles) + 1))


def stripped_share(rows: list[dict[str, str]], temperature: float) -> np.ndarray:
    """Of the capacity that was out when the surface was empty, nan where it never was; currents × pressures."""
    found = {
        (float(row["current_A_per_m2"]), float(row["pressure_MPa"])): (
            float(row["charge_C_per_m2"]) / CAPACITY if row["status"] == "empty" else np.nan
        )
        for row in rows
        if float(row["temperature_K"]) == temperature
    }
    return np.array([[found[i, p] for p in PRESSURES] for i in CURRENTS[temperature]])


def draw() -> None:
    rows = read()
    figure, panels = plt.subplots(1, len(CURRENTS), figsize=(4.1 * len(CURRENTS), 4.6), layout="constrained")
    pressure, image = np.geomspace(edges(PRESSURES)[0], 9, 200), None
    for axes, temperature in zip(panels, sorted(CURRENTS), strict=True):
        share, currents = 100 * stripped_share(rows, temperature), CURRENTS[temperature]
        image = axes.pcolormesh(
            edges(PRESSURES), 0.1 * edges(currents), share, cmap="viridis", vmin=0, vmax=100,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        held = np.argwhere(np.isnan(share))
        axes.plot(
            np.array(PRESSURES)[held[:, 1]], 0.1 * np.array(currents)[held[:, 0]], ".", color="#333333", markersize=4,
            label="strips 1 mAh/cm², or is steady",
        )  # fmt: skip
        axes.plot(
            pressure, 0.1 * steady_limit(pressure, temperature), color="#c1440e", label="steady limit, 0.85 √(Dk)"
        )
        limit = 0.1 * diffusion_limit(temperature)
        axes.axhline(limit, color="#444444", linestyle="--", linewidth=1, label="Sand time = time of 1 mAh/cm²")
        if temperature == 298.15:
            for name, marker, points in MEASURED:
                axes.scatter(
                    *zip(*points, strict=True), marker=marker, color="#222222", edgecolor="white", s=46, zorder=4,
                    label=name,
                )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlim=(0.36, 9), xlabel="stack pressure (MPa)")
        low, high = 0.1 * edges(currents)[[0, -1]]
        axes.set_ylim(min(low, 0.08) if temperature == 298.15 else low, high)
        axes.set_xticks([0.5, 1, 2, 3, 5, 8], ["0.5", "1", "2", "3", "5", "8"])
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.set_title(f"{temperature - 273.15:.0f} °C")
    panels[0].set_ylabel("stripping current (mA/cm²)")
    assert image is not None
    figure.colorbar(image, ax=panels, label="stripped before the surface is empty (% of 1 mAh/cm²)")
    handles, labels = panels[sorted(CURRENTS).index(298.15)].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside lower center", ncols=len(labels))
    figure.savefig(FOLDER / "map.png", dpi=150)


if __name__ == "__main__":
    if points := lacking():
        strip(points)
    draw()
