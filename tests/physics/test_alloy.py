"""A flat layer of an alloy: its isotherm, what fills it, how it swells, and what is conserved."""

import copy
import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.build import build, controls
from interphase.config.load import StudyError, read_study, validated
from interphase.physics.alloy import occupancy, potential_at
from interphase.run.simulate import Outcome, simulate

EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"
FARADAY, MOLAR_VOLUME = 96485.33212, 13e-6
CAPACITY, THICKNESS, SWELLING, START = 7.2e9, 96e-9, 0.5, 0.05  # [C/m³], [m]
STRESS_SCALE = 8.314462618 * 298.15 / MOLAR_VOLUME  # [Pa]
LAYER = {
    "thickness": "96 nm", "modulus": "80 GPa", "poisson_ratio": 0.35, "ionic_conductivity": "0.01 S/m",
    "transference_number": 1.0, "yield_strength": "50 MPa", "alloy_capacity": "2 A h/cm^3",
    "alloying_potential": "0.1 V", "alloying_width": "25 mV", "swelling": SWELLING, "initial_occupancy": START,
    "exchange_current": "1e-9 A/m^2",
}  # fmt: skip  # lithium beneath it next to does not react
STUDY = {
    "title": "a flat alloy",
    "grid": {"cells": [4, 64], "size": ["32 nm", "512 nm"]},
    "surface": {"level": "120 nm"},
    "coating": {"layers": [LAYER]},
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "30 s"}]},
    "numerics": {"stress_change": "100 MPa", "largest_step": "0.5 s", "tolerance": 1e-6},
    "output": {"rows": 60},
}


def study(sections=None, **layer):
    """The flat alloy with other sections, and other properties of its layer; `None` leaves one out."""
    data = copy.deepcopy(STUDY) | (sections or {})
    properties = {key: value for key, value in (LAYER | layer).items() if value is not None}
    return validated(data | {"coating": {"layers": [properties]}}, "alloy")


def run(sections=None, **layer) -> tuple[list[dict], Outcome, float]:
    """Rows, outcome, and the spacing along the normal [m]."""
    wanted = study(sections, **layer)
    rows: list[dict] = []

    def keep(progress):
        if progress.row and (not rows or rows[-1]["time_s"] != progress.row["time_s"]):
            rows.append(progress.row)

    case = build(wanted)
    outcome = simulate(case, controls(wanted), tell=keep)
    return [*rows, outcome.last], outcome, case.model.scales.length


@pytest.fixture(scope="module")
def filled():
    return run()


def test_the_isotherm_is_its_own_inverse():
    half, width, x = jnp.asarray(4.0), jnp.asarray(0.7), jnp.linspace(0.01, 0.99, 50)
    np.testing.assert_allclose(occupancy(potential_at(x, half, width), half, width), x, rtol=1e-12)
    assert float(occupancy(half, half, width)) == 0.5
    slope = jax.grad(lambda u: occupancy(u, half, width))(jnp.asarray(4000.0))
    assert np.isfinite(slope)


def test_filling_takes_its_capacity(filled):
    """Charge less the trace that is metal = Q × thickness × Δx of the layer without lithium, within 1e-6."""
    _, outcome, _ = filled
    last = outcome.last
    reference = CAPACITY * THICKNESS / (1 + SWELLING * START)
    metal = last["plated_thickness_nm"] * 1e-9 * FARADAY / MOLAR_VOLUME
    assert abs(metal) < 1e-5 * last["charge_C_per_m2"]
    taken = last["charge_C_per_m2"] - metal
    assert taken == pytest.approx(reference * (last["alloy_filling_mean"] - START), rel=1e-6)
    held = reference * last["alloy_filling_mean"] * MOLAR_VOLUME / FARADAY * 1e9
    assert last["alloy_lithium_nm"] == pytest.approx(held, rel=1e-6)


def test_the_potential_follows_the_isotherm(filled):
    """U_half at half filling, and as the isotherm has it elsewhere, within what half a step and the drop make."""
    rows, _, _ = filled
    potential = np.array([row["metal_potential_V"] for row in rows[5:]])
    filling = np.array([row["alloy_filling_mean"] for row in rows[5:]])
    ahead = filling + 0.5 * np.gradient(filling)  # U is that of half a step on
    expected = 0.1 + 0.025 * np.log((1 - ahead) / ahead)
    assert np.interp(0.5, ahead, potential) == pytest.approx(0.1, abs=3e-4)
    np.testing.assert_allclose(potential, expected, atol=5e-4)


def test_lithium_charge_and_coating_are_conserved(filled):
    _, outcome, _ = filled
    assert outcome.last["lithium_budget_relative_error"] < 1e-12
    assert abs(outcome.last["coating_volume_relative_change"]) < 1e-12
    assert outcome.worst.charge_closure < 1e-8
    assert outcome.last["coating_bodies"] == 1


def thickness(fraction) -> float:
    """Between the places where a flat coating is half of a cell, in cells."""
    f, z = np.asarray(fraction)[0], np.arange(np.shape(fraction)[-1])
    inner, outer = np.flatnonzero(np.diff(f > 0.5))
    at = [z[k] + (0.5 - f[k]) / (f[k + 1] - f[k]) for k in (inner, outer)]
    return at[1] - at[0]


def test_it_grows_thicker_by_what_it_takes_up(filled):
    """A layer that yields, held in plane, gains (1+βx)/(1+βx₀) − 1 of its thickness, within 1 %, and stays solid."""
    _, outcome, _ = filled
    gain = (1 + SWELLING * outcome.last["alloy_filling_mean"]) / (1 + SWELLING * START) - 1
    assert outcome.last["alloy_swelling_fraction"] == pytest.approx(gain, rel=1e-6)
    start = jax.jit(lambda case: case.start())(build(study()))
    grown = thickness(outcome.state.coating.fraction) / thickness(start.coating.fraction) - 1
    assert grown == pytest.approx(gain, rel=0.01)
    total = np.asarray(outcome.state.coating.fraction + outcome.state.lithium)[0]
    assert total.max() < 1.01
    assert outcome.last["coating_compression_max_MPa"] == pytest.approx(50.0, rel=0.01)


@pytest.mark.slow
def test_an_elastic_film_held_in_plane_is_pressed():
    """−E/(1−ν) × βΔx/3 within 1 %, nothing but the liquid's pressure across."""
    short = {"protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "10 s"}]}}
    _, outcome, _ = run(short, yield_strength=None, swelling=0.003, initial_occupancy=0.3)
    gain = (1 + 0.003 * outcome.last["alloy_filling_mean"]) / (1 + 0.003 * 0.3) - 1
    expected = 80e3 / (1 - 0.35) * gain / 3
    assert outcome.last["coating_compression_max_MPa"] - 0.1 == pytest.approx(expected, rel=0.01)
    stress = np.asarray(outcome.state.coating.stress)[:, 0, 21] * STRESS_SCALE * 1e-6  # in the midst of the film
    np.testing.assert_allclose(stress[[0, 2]], -expected - 0.1, rtol=0.01)
    assert stress[1] == pytest.approx(-0.1, abs=0.002 * expected)


def test_lithium_that_touches_it_fills_it():
    """At rest a fresh layer takes lithium from the metal until both are at one potential: x = 1/(1+e^{−U/w})."""
    sections = {"protocol": {"steps": [{"current": "0 A/m^2", "duration": "200 s"}]}}
    sections["numerics"] = STUDY["numerics"] | {"largest_step": "10 s"}
    _, outcome, _ = run(sections, exchange_current="70 A/m^2", alloying_potential="30 mV", swelling=None)
    last = outcome.last
    assert last["alloy_filling_mean"] == pytest.approx(1 / (1 + np.exp(-30 / 25)), rel=2e-3)
    taken = CAPACITY * THICKNESS * (last["alloy_filling_mean"] - START) * MOLAR_VOLUME / FARADAY * 1e9
    assert last["plated_thickness_nm"] == pytest.approx(-taken, rel=1e-6)
    assert last["lithium_budget_relative_error"] < 1e-10


@pytest.mark.slow
def test_a_layer_far_from_equilibrium_takes_its_first_steps():
    """Study 027 with a layer half full beside lithium, 0.1 V apart and well connected."""
    wanted = read_study(EXPERIMENTS / "027-alloy-interlayer")
    assert wanted.coating is not None
    (layer,) = wanted.coating.layers
    half_full = wanted.coating.model_copy(update={"layers": (layer.model_copy(update={"initial_occupancy": (0.5,)}),)})
    short = wanted.protocol.steps[0].model_copy(update={"duration": 1.0})
    changes = {"coating": half_full, "protocol": wanted.protocol.model_copy(update={"steps": (short,)})}
    wanted = wanted.model_copy(update=changes)
    last = simulate(build(wanted), controls(wanted)).last
    assert last["alloy_filling_mean"] > 0.51
    assert last["lithium_budget_relative_error"] < 1e-10


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alloying_potential": None}, "alloying_potential is missing; give the potential against lithium"),
        ({"alloy_capacity": None}, "the layer takes up no lithium; give coating.layers\\[0\\].alloy_capacity"),
        (
            {"initial_occupancy": 1.5},
            "initial_occupancy: .*1.5.* is out of range; give a value at least 0.001 and at most 1",
        ),
        ({"alloy_capacity": "2 A h/g"}, "alloy_capacity: .* give a charge per volume such as"),
        ({"swelling": -0.1}, "swelling: .* out of range"),
    ],
)
def test_what_an_alloy_cannot_be(changes, message):
    with pytest.raises(StudyError, match=message):
        build(study(**changes))


def test_an_elastic_film_needs_no_swelling_to_be_an_alloy():
    """What is left out of an alloy has a default that does nothing, or next to it."""
    case = build(study(swelling=None, initial_occupancy=None, alloying_width=None))
    alloy = case.model.stack.coating.layers[0].alloy
    assert float(alloy.swelling[0]) == 0.0
    assert float(alloy.occupancy[0]) == 1e-3
    assert float(alloy.width[0]) == pytest.approx(0.02569, rel=1e-3)
    assert dataclasses.is_dataclass(alloy)
