"""A cell without lithium but its nuclei: where it plates, what shape that makes, and what a coating's hold changes."""

import functools

import numpy as np
import pytest

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.simulate import Outcome, simulate

SIZE = 1.024e-6
FILM = {"material": "native-sei", "thickness": "192 nm", "ionic_conductivity": "1e-6 S/cm"}


def study(duration="30 s", cells=(32, 32), layers=(), **collector):
    data = {
        "title": "collector",
        "grid": {"cells": list(cells), "size": ["1.024 um"] * len(cells)},
        "collector": {"contact_angle": "90 deg", "nuclei": [{"radius": "200 nm"}]} | collector,
        "electrolyte": {"material": "lipf6-ec-dmc"},
        "protocol": {"steps": [{"duration": duration, "current": "1 mA/cm^2"}]},
        "numerics": {"courant": 0.25, "largest_step": "4 s", "stress_change": "100 MPa"},
        "output": {"rows": 2},
    }
    if layers:
        data["coating"] = {"layers": list(layers)}
    return validated(data, "collector")


@functools.cache
def grown(**changes) -> Outcome:
    nucleus = {key: changes.pop(key) for key in ("radius", "contact_angle") if key in changes}
    made = study(**changes, **({"nuclei": [nucleus]} if nucleus else {}))
    return simulate(build(made), controls(made))


def height_and_half_width(lithium) -> tuple[float, float]:
    """Of the nucleus [m]: lithium of its middle column, and half that of the lowest row."""
    fraction, h = np.asarray(lithium), SIZE / lithium.shape[0]
    return float(fraction.sum(axis=-1).max()) * h, 0.5 * float(fraction[..., 0].sum()) * h


def test_a_half_ball_stays_one():
    """Height and half width from 200 nm on by the same, to 3 % what Faraday's law has them at; budgets close."""
    outcome = grown()
    last = outcome.last
    assert last["lithium_budget_relative_error"] < 1e-5
    assert last["charge_closure_relative_error"] < 1e-5
    assert last["plated_thickness_nm"] == pytest.approx(30 * 10 * 13e-6 / 96485 * 1e9, rel=0.01)
    assert last["current_A_per_m2"] == pytest.approx(10.0, rel=1e-4)
    assert last["hot_spot_factor"] < 1.05
    assert last["dead_lithium_nm"] == 0.0
    expected = np.sqrt(200**2 + 2 / np.pi * last["plated_thickness_nm"] * 1024) * 1e-9
    assert height_and_half_width(outcome.state.lithium) == pytest.approx((expected, expected), rel=0.03)
    assert last["collector_covered_fraction"] == pytest.approx(2 * expected / SIZE, rel=0.03)


def test_nothing_plates_on_the_bare_collector():
    """All of the last balance's current, that of the drive, is where lithium is; none has come to be elsewhere."""
    state = grown().state
    lithium, rate = np.asarray(state.lithium), np.asarray(state.plating.rate)
    assert np.abs(rate[lithium < 1e-4]).max() == 0.0
    assert rate.sum() / 32 == pytest.approx(1.0, rel=1e-4)  # of the largest current of the protocol
    assert np.abs(lithium[[0, -1]]).max() < 3e-3  # seven cells from it
    assert np.abs(lithium[:, 18:]).max() < 1e-3


def test_plating_makes_a_half_ball_of_a_flat_cap():
    """While it grows by half its height its angle, of a circle through it, goes from 50° to above 60°."""
    outcome = grown(radius="560 nm", contact_angle="50 deg", duration="60 s")
    height, half_width = height_and_half_width(outcome.state.lithium)
    assert outcome.last["lithium_budget_relative_error"] < 1e-5
    assert 60.0 < np.degrees(2 * np.arctan2(height, half_width)) < 90.0


@functools.cache
def covered(adhesion: str) -> Outcome:
    made = study(duration="10 s", layers=[FILM], adhesion=adhesion)
    return simulate(build(made), controls(made))


def test_a_coating_that_holds_keeps_a_nucleus_narrow_and_is_stretched():
    """Under one that lets go at 1 MPa it spreads; both plate the same, and lose neither lithium nor coating."""
    strong, weak = covered("1 TPa"), covered("1 MPa")
    tall, narrow = height_and_half_width(strong.state.lithium)
    flat, wide = height_and_half_width(weak.state.lithium)
    assert wide > 1.05 * narrow and flat < tall
    assert narrow < 1.15 * 200e-9
    assert strong.last["coating_strain_max"] > 3 * weak.last["coating_strain_max"]
    for outcome in (strong, weak):
        assert outcome.last["lithium_budget_relative_error"] < 1e-5
        assert abs(outcome.last["coating_volume_relative_change"]) < 1e-5
        assert outcome.last["current_A_per_m2"] == pytest.approx(10.0, rel=1e-4)
        assert outcome.last["coating_bodies"] == 1


@pytest.mark.slow
def test_a_half_ball_stays_one_in_three_dimensions():
    """Height and half width to 5 % what Faraday's law has them at, of a nucleus seven cells in radius."""
    last, lithium = (outcome := grown(cells=(16, 16, 16), duration="6 s", radius="448 nm")).last, outcome.state.lithium
    assert last["lithium_budget_relative_error"] < 1e-5
    assert last["current_A_per_m2"] == pytest.approx(10.0, rel=1e-4)
    expected = (448e-9**3 + 1.5 / np.pi * last["plated_thickness_nm"] * 1e-9 * SIZE**2) ** (1 / 3)
    fraction, h = np.asarray(lithium), SIZE / 16
    assert fraction[8, 8].sum() * h == pytest.approx(expected, rel=0.05)
    assert np.sqrt(fraction[..., 0].sum() / np.pi) * h == pytest.approx(expected, rel=0.05)
