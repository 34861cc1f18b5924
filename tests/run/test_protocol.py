"""What is imposed over time: pressure that comes on at once, or over a ramp from that of the step before."""

import jax.numpy as jnp
import pytest

from interphase.config.build import build
from interphase.config.load import validated

STEPS = [
    {"current": "1 A/m^2", "duration": "10 s", "pressure": "1 MPa", "pressure_ramp": "5 s"},
    {"current": "0 A/m^2", "duration": "20 s", "pressure": "5 MPa", "pressure_ramp": "8 s"},
    {"current": "1 A/m^2", "duration": "10 s", "pressure": "2 MPa"},
]


def pressures(cycles: int, *times: float) -> list[float]:
    study = {
        "title": "ramps",
        "grid": {"cells": [16, 16], "size": ["4 um", "4 um"]},
        "surface": {"level": "2 um"},
        "solid_electrolyte": {"material": "lpscl"},
        "cell": {"top": "plate"},
        "protocol": {"steps": STEPS, "cycles": cycles},
    }
    protocol = build(validated(study, "ramps")).protocol
    return [float(protocol.at(jnp.asarray(time)).pressure) * 1e-6 for time in times]


def test_pressure_ramps_from_that_of_the_step_before():
    assert pressures(2, 0.0, 3.0, 9.0) == [1.0, 1.0, 1.0]  # nothing is before the first step
    assert pressures(2, 10.0, 12.0, 18.0, 29.0) == pytest.approx([1.0, 2.0, 5.0, 5.0], rel=1e-12)
    assert pressures(2, 30.0, 39.0, 79.0, 99.0) == [2.0, 2.0, 2.0, 2.0]


def test_the_first_step_of_a_later_cycle_ramps_from_the_last_of_the_one_before():
    assert pressures(2, 41.0, 45.0) == pytest.approx([1.8, 1.0], rel=1e-12)
