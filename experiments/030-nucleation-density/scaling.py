"""Size and number of nuclei against the overpotential, on copper and gold: writes scaling.csv, draws scaling.png.

python experiments/030-nucleation-density/scaling.py
"""

import csv
import pathlib

import jax
import jax.numpy as jnp
import matplotlib.ticker
import numpy as np

from interphase.config import library
from interphase.materials.substrate import Cover, Site
from interphase.physics.islands import islands
from interphase.physics.nucleation import nucleus_density
from interphase.report import style

CELL_RESISTANCE = 1e-2  # of counter electrode, its film and the electrolyte, 100 Ω cm²; assumed [Ω m²]
CHARGE = 3600.0  # 0.1 mA h/cm² [C/m²]
CURRENTS = np.geomspace(0.2, 20.0, 13)  # 0.02 to 2 mA/cm² [A/m²]
HELD = np.geomspace(0.02, 0.2, 25)  # overpotentials held constant [V]
TEMPERATURE = 298.15
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
def at_currents(site, cover, capacitance):
    return jax.vmap(lambda i: islands(site, cover, i, jnp.asarray(CHARGE), capacitance))(jnp.asarray(CURRENTS))


def exponent(overpotential, values, low=0.02, high=0.2) -> float:
    window = (overpotential >= 0.99 * low) & (overpotential <= 1.1 * high)
    return float(np.polyfit(np.log(overpotential[window]), np.log(values[window]), 1)[0])


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
    number_axes.set_ylim(3e-2, 3e6)
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
    with style.styled():
        main()
