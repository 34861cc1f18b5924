"""A bare lithium surface with a small wave on it: how fast the wave grows, and below which wavelength it does not.

    ω(k) = (Ω/F) k [i − σ_e (Ω/F) γ k²] / (1 + σ_e R k),    Wa = σ_e R k

Mullins–Sekerka analysis with kinetics and capillarity (Monroe & Newman, J. Electrochem. Soc. 151 (2004) A880).
"""

import jax.numpy as jnp
import numpy as np
import pytest

from claims.studies import PLAIN_ELECTROLYTE, case, first_step, with_numbers
from interphase.run.simulate import simulate
from interphase.units import FARADAY

MOLAR_VOLUME, THERMAL = 13.0e-6, 0.0256926
CONDUCTIVITY, CURRENT, EXCHANGE = 1.0, 10.0, 7000.0
CELLS = (64, 128)


def wavy(wavelength_um: float, surface_energy: float, film: float, amplitude: float = 0.5, **sections):
    """One wave of `amplitude` cells in a box twice as high as it is wide."""
    spacing = wavelength_um / CELLS[0]
    return case(
        CELLS,
        [f"{wavelength_um} um", f"{2 * wavelength_um} um"],
        f"{16 * spacing} um",
        None,
        surface={"waves": [{"height": f"{amplitude * spacing} um", "waves": [1]}]},
        electrolyte=PLAIN_ELECTROLYTE | {"exchange_current": f"{EXCHANGE} A/m^2"},
        lithium={"surface_energy": f"{surface_energy} J/m^2"},
        cell={"film_resistance": f"{film} ohm*m^2"},
        numerics={"tolerance": 1e-8},
        **sections,
    )


def growth_rate(wavelength: float, surface_energy: float, resistance: float) -> float:
    """ω(k) [1/s]."""
    k, speed = 2 * np.pi / wavelength, MOLAR_VOLUME / FARADAY
    drive = CURRENT - CONDUCTIVITY * speed * surface_energy * k**2
    return speed * k * drive / (1 + CONDUCTIVITY * resistance * k)


def resistance(film: float) -> float:
    """Charge transfer at the working point, and film [Ω m²]."""
    return THERMAL / np.sqrt(EXCHANGE**2 + (CURRENT / 2) ** 2) + film


def measured_rate(built, wavelength: float, amplitude: float) -> float:
    """ω from the current through the columns under the first step [1/s]."""
    _, report = first_step(built, 1e-3)
    columns = np.asarray(jnp.sum(report.current * report.area, axis=-1)) * built.model.grid.spacing[-1] * CURRENT
    wave = np.cos(2 * np.pi * (np.arange(columns.size) + 0.5) / columns.size)
    return 2 * np.mean(columns * wave) * MOLAR_VOLUME / FARADAY / (amplitude * wavelength / CELLS[0])


@pytest.mark.slow
@pytest.mark.parametrize("wagner", [0.25, 2.5, 25.0])
def test_growth_rate_from_fluxes(wagner):
    """ω(k) within 2 % at k w = 0.098."""
    wavelength = 144e-6
    film = wagner / (CONDUCTIVITY * 2 * np.pi / wavelength) - resistance(0.0)
    built, _ = wavy(144.0, 0.5, 1.0)
    built = with_numbers(built, lambda c: (c.model.stack.film_resistance,), film)
    expected = growth_rate(wavelength, 0.5, resistance(film))
    assert measured_rate(built, wavelength, 0.5) == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
def test_cutoff_wavelength():
    """At 10 A/m² a wave of 16.3 µm neither grows nor shrinks: the surface energy that stops it is 0.5 J/m².

    λ_c ∝ √γ, so λ_c within 5 % is γ within 10 %.
    """
    wavelength = 2 * np.pi * np.sqrt(CONDUCTIVITY * 0.5 * MOLAR_VOLUME / (CURRENT * FARADAY))
    assert wavelength == pytest.approx(16.3e-6, rel=5e-3)
    built, _ = wavy(wavelength * 1e6, 0.5, 0.0)
    rates = []
    for energy in (0.3, 0.7):
        other = with_numbers(built, lambda c: (c.model.stack.lithium.surface_energy,), energy)
        rates.append(measured_rate(other, wavelength, 0.5))
    energy = 0.3 + 0.4 * rates[0] / (rates[0] - rates[1])
    assert np.sqrt(energy / 0.5) == pytest.approx(1.0, abs=0.05)


@pytest.mark.slow
def test_growth_rate_from_a_run():
    """ω(k) within 5 % from the amplitude over a run."""
    wavelength, film = 144e-6, 1e-5
    seconds = 2000.0
    built, controls = wavy(144.0, 0.5, film, duration=f"{seconds} s")
    heights = lambda s: np.asarray(jnp.sum(s.lithium, axis=-1))  # noqa: E731
    wave = np.cos(2 * np.pi * (np.arange(CELLS[0]) + 0.5) / CELLS[0])
    before = 2 * np.mean(heights(built.start()) * wave)
    outcome = simulate(built, controls)
    after = 2 * np.mean(heights(outcome.state) * wave)
    measured = np.log(after / before) / seconds
    assert measured == pytest.approx(growth_rate(wavelength, 0.5, resistance(film)), rel=0.05)
