"""How small grains, which let lithium creep by diffusion as well, lower the pressure below which a cell polarises.

python experiments/021-critical-current-map/grains.py     # runs what output/grains.csv lacks, then draws grains.png
"""

import csv
import itertools
import pathlib

import jax.numpy as jnp
import map as critical
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator
from scipy.optimize import brentq
from tqdm import tqdm

from interphase import load
from interphase.materials.flow import diffusional_viscosity
from interphase.run.case import Case, stacked

FOLDER = pathlib.Path(__file__).parent
TABLE = FOLDER / "output" / "grains.csv"
TEMPERATURE = 298.15
GRAINS = (10e-6, 20e-6, 50e-6, np.inf)  # [m]; the last creep by dislocations alone
CURRENTS = (1.0, 2.0, 4.0, 10.0)  # at which something was measured [A/m²]
TRIED = (0.9, 0.95, 1.0, 1.05, 1.1, 1.16, 1.22)  # of the steady limit
LITHIUM, BOX = 5.5, 6.5  # thickness over the length D/v that diffusion spreads in a steady state
COLUMNS = ("current_A_per_m2", "grain_m", "pressure_MPa", "end")
DIFFUSIVITY, VOLUME = 5.6e-15, 13e-6 / 96485.33212  # of lithium in lithium [m²/s]; stripped by a charge [m³/C]


def fluidity(grain: float) -> float:
    """¾/η, by which pressure closes empty sites as grains creep by diffusion [1/(Pa s)]."""
    if np.isinf(grain):
        return 0.0
    return 0.75 / diffusional_viscosity(grain, DIFFUSIVITY, 2e-11, 0.6e-9, 13e-6, TEMPERATURE)


def steady_limit(current: float, grain: float) -> float:
    """Pressure below which the surface ends up empty [MPa]: that at which k reaches (v/0.85)²/D."""
    needed = (VOLUME * current / 0.85) ** 2 / DIFFUSIVITY
    rate = 1.5 * 4.25e4 * np.exp(-37e3 / (8.314462618 * TEMPERATURE))
    return brentq(lambda p: rate * (3 * p / (2 * 5.0 * 2.0)) ** 5 + 1e6 * p * fluidity(grain) - needed, 1e-3, 30.0)


def case_at(current: float, grain: float, pressure: float) -> Case:
    length = DIFFUSIVITY / (VOLUME * current)
    overrides = [
        "grid.cells=[2, 128]",
        f'grid.size=["{BOX / 64 * length} m", "{BOX * length} m"]',
        f'surface.level="{LITHIUM * length} m"',
        f'protocol.steps[0].current="{-current} A/m^2"',
        f'cell.pressure="{pressure} MPa"',
    ]
    if np.isfinite(grain):
        overrides.append(f'lithium.grain_size="{grain} m"')
    return load(str(FOLDER), *overrides)[0]


def ends(current: float, points: list[tuple[float, float]]) -> list[str]:
    """Whether the surface of each point, grain [m] and pressure [MPa], is empty or steady in the end."""
    cases = [case_at(current, *point) for point in points]
    closing, longest = (np.array([of(case) for case in cases]) for of in (critical.closing_rate, critical.longest_step))
    batch = stacked(cases)
    state, time, dt = critical.started(batch), np.zeros(len(points)), np.minimum(0.5, longest)
    end = [""] * len(points)
    bar = tqdm(total=len(points), unit=" points", desc=f"{0.1 * current:g} mA/cm²")
    while not all(end):
        going = np.array([not e for e in end])
        new, measures, residual = critical.advanced(batch, state, jnp.asarray(np.where(going, dt, 1e-3)))
        solved = going & (np.asarray(residual) <= critical.UNSOLVED)
        state, time = critical.chosen(jnp.asarray(solved), new, state), time + np.where(going, dt, 0.0)
        occupancy = np.asarray(measures.surface_occupancy)
        for k in np.flatnonzero(going):
            if not solved[k] or occupancy[k] < critical.EMPTY:
                end[k] = "empty"
            elif closing[k] * time[k] > critical.STEADY:
                end[k] = "steady"
        bar.update(sum(map(bool, end)) - bar.n)
        dt = np.minimum(1.5 * dt, longest)
    bar.close()
    return end


def run() -> None:
    """Adds the ends of all points of a current that the table lacks."""
    done = {float(row["current_A_per_m2"]) for row in read()}
    for current in CURRENTS:
        if current in done:
            continue
        points = [(grain, share * steady_limit(current, grain)) for grain, share in itertools.product(GRAINS, TRIED)]
        rows = [
            dict(zip(COLUMNS, (current, *point, end), strict=True))
            for point, end in zip(points, ends(current, points), strict=True)
        ]
        write(read() + rows)


def read() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def write(rows: list[dict]) -> None:
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def onset(rows: list[dict[str, str]], current: float, grain: float) -> tuple[float, float]:
    """Highest pressure at which the surface ended up empty, and lowest at which it was steady [MPa]."""
    of = [r for r in rows if (float(r["current_A_per_m2"]), float(r["grain_m"])) == (current, grain)]
    empty, steady = ([float(r["pressure_MPa"]) for r in of if r["end"] == end] for end in ("empty", "steady"))
    return max(empty, default=np.nan), min(steady, default=np.nan)


def draw() -> None:
    rows, currents = read(), np.geomspace(0.6, 15.0, 60)
    figure, axes = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    for grain, color in zip(GRAINS, ("#c1440e", "#d98e04", "#3a7d44", "#222222"), strict=True):
        name = "no diffusional creep" if np.isinf(grain) else f"grains of {1e6 * grain:.0f} µm"
        bounds = [onset(rows, current, grain) for current in CURRENTS]
        print(name, ", ".join(f"{low:.2f} to {high:.2f} MPa" for low, high in bounds))
        axes.plot(0.1 * currents, [steady_limit(i, grain) for i in currents], color=color, linewidth=1.3, label=name)
        axes.plot(0.1 * np.array(CURRENTS), [np.sqrt(low * high) for low, high in bounds], "o", color=color)
    axes.plot([], [], "o", color="#888888", label="runs (between two pressures\n5 % apart)")
    for (name, marker, points), color in zip(critical.MEASURED, ("#2a6f97", "#7b2d8b"), strict=True):
        pressures, at = (np.array(values) for values in zip(*points, strict=True))
        axes.errorbar(
            at, pressures, yerr=[2 / 3 * pressures, 2 * pressures], fmt=marker, color=color, markersize=8,
            elinewidth=0.9, capsize=4, label=f"{name},\nand a factor of three",
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", ylim=(0.12, 25), xlabel="stripping current (mA/cm²)")
    axes.set_ylabel("pressure below which the surface empties (MPa)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.set_minor_formatter("{x:g}")
    figure.legend(fontsize=8, loc="outside right center")
    figure.savefig(FOLDER / "grains.png", dpi=150)


if __name__ == "__main__":
    run()
    draw()
