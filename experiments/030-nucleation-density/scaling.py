"""Size and number of nuclei against the overpotential, on copper and gold: writes scaling.csv, draws scaling.png.

python experiments/030-nucleation-density/scaling.py [--assumed]

With --assumed it prints, instead, what the two numbers of the cell that are assumed make of the exponents on copper.
"""

import csv
import pathlib
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.ticker
import numpy as np

from interphase.config import library
from interphase.materials.substrate import Cover, Site
from interphase.physics.islands import islands
from interphase.physics.nucleation import nucleus_density
from interphase.report import style

CELL_RESISTANCE = 2e-2  # of counter electrode, its film and the electrolyte, 200 Ω cm²; assumed [Ω m²]
CHARGE = 3600.0  # 0.1 mA h/cm² [C/m²]
CURRENTS = np.geomspace(0.1, 10.0, 13)  # 0.01 to 1 mA/cm² [A/m²]
HELD = np.geomspace(0.02, 0.2, 25)  # overpotentials held constant [V]
TEMPERATURE = 298.15
PEAK, AT = 0.04, 0.1  # overpotential of copper's peak at 10 µA/cm², which gives its contact angle [V, A/m²]
CAPACITANCES, RESISTANCES = (0.05, 0.1, 0.2, 0.5, 1.0), (5e-3, 1e-2, 2e-2)  # [F/cm²], [Ω m²]
FILM = (20e-9, 1e9, 0.3, 0.05e9, 2.0, 0.0, 1e-4)  # thickness to conductivity, of a polymer; assumed


def site_on(name: str) -> tuple[Site, float]:
    """A site of the library's substrate, and its capacitance [F/m²]."""
    substrate, lithium, liquid = library.load(name), library.load("lithium"), library.load("lipf6-ec-dmc")
    numbers = (
        substrate["contact_angle"], substrate["site_density"], lithium["surface_energy"], lithium["molar_volume"],
        liquid["exchange_current"], 0.5, TEMPERATURE,
    )  # fmt: skip
    return Site(*map(jnp.asarray, numbers)), substrate["capacitance"]


@jax.jit
def at_currents(site, cover, capacitance, currents=CURRENTS):
    return jax.vmap(lambda i: islands(site, cover, i, jnp.asarray(CHARGE), capacitance))(jnp.asarray(currents))


def exponent(overpotential, values, low=0.02, high=0.2) -> float:
    window = (overpotential >= 0.99 * low) & (overpotential <= 1.1 * high)
    return float(np.polyfit(np.log(overpotential[window]), np.log(values[window]), 1)[0])


def with_peak(site: Site, capacitance: jax.Array) -> Site:
    """The site with the contact angle at which the overpotential peaks at `PEAK` at the current `AT`, by bisection."""
    low, high = np.radians(15.0), np.radians(40.0)
    for _ in range(14):
        middle = eqx.tree_at(lambda s: s.contact_angle, site, jnp.asarray(0.5 * (low + high)))
        peak = float(at_currents(middle, None, capacitance, np.array([AT])).largest_overpotential[0])
        low, high = (0.5 * (low + high), high) if peak < PEAK else (low, 0.5 * (low + high))
    return middle


def assumed() -> None:
    """Exponents of number and size on copper over capacitances and resistances of the cell."""
    copper, _ = site_on("copper")
    print("capacitance, contact angle: exponents at", *(f"{1e4 * r:.0f} Ω cm²" for r in RESISTANCES))
    for capacitance in CAPACITANCES:
        held = jnp.asarray(1e4 * capacitance)
        site, line = with_peak(copper, held), []
        for resistance in RESISTANCES:
            currents = np.geomspace(0.01, 0.2, CURRENTS.size) / resistance
            left = jax.tree.map(np.asarray, at_currents(site, None, held, currents))
            overpotential = currents * resistance + left.last_overpotential
            line.append(f"{exponent(overpotential, left.density):.2f}, {exponent(overpotential, left.radius):.2f}")
        print(f"{capacitance} F/cm², {np.degrees(float(site.contact_angle)):.1f}°: {'; '.join(line)}", flush=True)


def main() -> None:
    figure = style.new_figure(8.4, 3.1)
    number_axes, size_axes, held_axes = figure.subplots(1, 3)
    rows = []
    copper, capacitance = site_on("copper")
    gold, _ = site_on("gold")
    cases = [
        ("copper", copper, None, capacitance), ("gold", gold, None, capacitance),
        ("copper, a tenth of its capacitance", copper, None, 0.1 * capacitance),
        ("copper under 20 nm of polymer", copper, Cover(*map(jnp.asarray, FILM)), capacitance),
    ]  # fmt: skip
    print("case: exponent of number and size, 20 to 200 mV across the cell; largest overpotential at the substrate")
    for colour, (name, site, cover, held) in zip(style.LINES, cases, strict=False):
        left = jax.tree.map(np.asarray, at_currents(site, cover, jnp.asarray(held)))
        overpotential = CURRENTS * CELL_RESISTANCE + left.last_overpotential
        number, size = exponent(overpotential, left.density), exponent(overpotential, left.radius)
        peaks = left.largest_overpotential * 1e3
        print(f"{name}: {number:.2f}, {size:.2f}; {peaks[0]:.0f} to {peaks[-1]:.0f} mV", flush=True)
        number_axes.loglog(overpotential * 1e3, left.density * 1e-12, "o-", color=colour, label=name)
        size_axes.loglog(overpotential * 1e3, left.radius * 1e9, "o-", color=colour)
        for k, current in enumerate(CURRENTS):
            rows.append((name, current, overpotential[k], peaks[k] * 1e-3, left.density[k], left.radius[k]))
    for colour, (name, site) in zip(style.LINES, (("copper", copper), ("gold", gold)), strict=False):
        density = np.asarray(jax.jit(jax.vmap(lambda eta: nucleus_density(site, None, eta)))(jnp.asarray(HELD)))  # noqa: B023
        held_axes.loglog(HELD * 1e3, np.where(density > 1e6, density * 1e-12, np.nan), color=colour, label=name)
    guide = np.array([20.0, 200.0])
    number_axes.loglog(guide, 2e-4 * guide**3, "--", color=style.BLACK, linewidth=1.0, label="cube (Pei 2017)")
    size_axes.loglog(guide, 3e4 / guide, "--", color=style.BLACK, linewidth=1.0)
    number_axes.set_title("Nuclei at a current")
    number_axes.set_ylabel("nuclei per µm²")
    size_axes.set_title("Radius after 0.1 mA h/cm²")
    size_axes.set_ylabel("radius (nm)")
    held_axes.set_title("At a constant overpotential")
    held_axes.set_xlim(10, 300)
    held_axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    held_axes.set_ylabel("nuclei per µm²")
    held_axes.set_ylim(1e-6, 1e6)
    for axes in (number_axes, size_axes):
        axes.set_xlabel("overpotential of the cell (mV)")
    held_axes.set_xlabel("overpotential at the substrate (mV)")
    number_axes.set_ylim(3e-3, 3e6)
    number_axes.legend(fontsize=6.5, loc="upper left")
    style.save(figure, pathlib.Path(__file__).with_name("scaling.png"))
    with pathlib.Path(__file__).with_name("scaling.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["case", "current_A_per_m2", "cell_overpotential_V", "largest_overpotential_V", "nuclei_per_m2", "radius_m"]
        )
        writer.writerows((name, *(f"{float(x):.6g}" for x in numbers)) for name, *numbers in rows)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    if "--assumed" in sys.argv:
        assumed()
    else:
        with style.styled():
            main()
