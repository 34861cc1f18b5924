"""A flat electrode: speed, budgets, series resistance of a coating."""

import jax.numpy as jnp
import numpy as np
import pytest

from claims.studies import PLAIN_LAYER, case, first_step, with_numbers
from interphase.run.simulate import simulate
from interphase.units import FARADAY

SPEED = 10 * 13.0e-6 / FARADAY  # of plating at 1 mA/cm² [m/s]: 1.347 nm/s


def surface(fraction) -> float:
    """Height of the sharp surface that holds as much below it, in cells."""
    return float(np.sum(np.asarray(fraction)[0]))


def half_level(fraction) -> float:
    """Height at which a falling column crosses one half, in cells, by the straight line through its log odds."""
    column = np.clip(np.asarray(fraction)[0], 1e-12, 1 - 1e-12)
    odds = np.log(column / (1 - column))
    k = int(np.nonzero(odds > 0)[0][-1])
    return k + 0.5 + odds[k] / (odds[k] - odds[k + 1])


@pytest.mark.parametrize("across", [6, pytest.param(12, marks=pytest.mark.slow)])
def test_planar_speed(across):
    """Lithium and the coating on it rise at 1.347 nm/s within 0.1 %, from 6 cells across the coating on."""
    cells = {6: 48, 12: 96}[across]
    built, controls = case((2, cells), [f"{1600 / cells} nm", "800 nm"], "150 nm", [{}], duration="20 s")
    start = simulate(built, controls).state  # the sampled profile has settled
    outcome = simulate(
        with_numbers(built, lambda c: (c.protocol.duration,), np.array([20.0 + 5 * 800e-9 / 48 / SPEED])), controls
    )
    end = outcome.state
    seconds, spacing = float(end.time - start.time) * built.model.scales.time, 800e-9 / cells
    for of in (lambda s: s.lithium, lambda s: s.lithium + s.coating.fraction):
        assert (surface(of(end)) - surface(of(start))) * spacing / seconds == pytest.approx(SPEED, rel=1e-3)
    assert half_level(end.lithium) == pytest.approx(surface(end.lithium), abs=0.1)
    assert outcome.worst.charge_closure < 1e-8
    assert outcome.last["lithium_budget_relative_error"] < 1e-5
    assert abs(outcome.last["coating_volume_relative_change"]) < 1e-10
    assert outcome.last["coating_stress_max_MPa"] < 0.5  # nothing strains a flat film


@pytest.mark.parametrize(
    ("across", "ratio"),
    [
        *[(6, ratio) for ratio in (1e-7, 1e-5, 1e-3, 1e-1, 1.0)],
        *[pytest.param(12, ratio, marks=pytest.mark.slow) for ratio in (1e-7, 1e-5, 1e-3, 1e-1, 1.0)],
    ],
)
def test_series_resistance(across, ratio):
    """A flat coating adds t/κ within 1 %, for conductivities from 1e-7 of the electrolyte's to its own.

    At a current that keeps its drop within RT/F.
    """
    cells = {6: 48, 12: 96}[across]
    built, _ = case((2, cells), [f"{1600 / cells} nm", "800 nm"], "203 nm", [{}], current="0.001 mA/cm^2")
    where = lambda c: (c.model.stack.coating.layers[0].ionic_conductivity,)  # noqa: E731
    coated = with_numbers(built, where, [ratio])
    like_electrolyte = with_numbers(built, where, [1.0])
    dt = 1e-3
    drop = -(
        first_step(coated, dt)[0].solution.metal_potential
        - first_step(like_electrolyte, dt)[0].solution.metal_potential
    )
    measured = float(drop) * built.model.scales.potential / 0.01
    expected = 100e-9 / ratio - 100e-9 / 1.0
    assert measured == pytest.approx(expected, rel=0.01, abs=0.01 * 100e-9)


@pytest.mark.slow
def test_film_redistribution():
    """Where a resistive film is thinner by Δh, Δi/i = −(Δh/h) R_film/(R_ct + R_film) within 3 %."""
    built = case_with_wave()
    _, report = first_step(built, 1e-3)
    columns = np.asarray(jnp.sum(report.current * report.area, axis=-1))
    wave = np.cos(2 * np.pi * (np.arange(columns.size) + 0.5) / columns.size)
    measured = 2 * np.mean(columns * wave) / np.mean(columns)
    film = 100e-9 / 1e-4
    charge_transfer = 0.025693 / np.sqrt(70.0**2 + (1.0 / 2) ** 2)  # dη/di at 1 A/m²
    assert measured == pytest.approx(-0.02 * film / (charge_transfer + film), rel=0.03)


def case_with_wave():
    """A coating on flat lithium, 2 % thicker and thinner along a cosine of 3.2 µm."""
    built, _ = case(
        (64, 64), ["3.2 um", "800 nm"], "203 nm", None, current="0.1 mA/cm^2",
        coating={
            "layers": [PLAIN_LAYER | {"ionic_conductivity": "1e-6 S/cm"}],
            "mosaic": {"correlation_length": "1 um", "thickness": 0.02},
        },
        numerics={"tolerance": 1e-8},
    )  # fmt: skip
    wave = np.cos(2 * np.pi * (np.arange(64) + 0.5) / 64)
    return with_numbers(built, lambda c: (c.model.stack.coating.mosaic.map,), wave)
