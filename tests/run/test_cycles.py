"""Cycles: what a table of them says, and what ends their steps."""

import numpy as np
import pytest

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.cycles import cycle_table
from interphase.run.simulate import simulate


def test_a_table_counts_charge_and_finds_extremes():
    nan = np.nan
    series = {
        "time_s": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        "cycle": np.array([1.0, 1.0, 1.0, 2.0, 2.0]),
        "current_A_per_m2": np.array([-5.0, -5.0, 10.0, -5.0, 1e-9]),
        "charge_C_per_m2": np.array([-5.0, -10.0, 0.0, -5.0, -5.0]),
        "overpotential_V": np.array([0.01, 0.03, -0.02, 0.05, 0.0]),
        "void_thickness_nm": np.array([1.0, 7.0, 3.0, 9.0, 8.0]),
        "hot_spot_factor": np.array([1.1, 1.2, 1.5, 1.3, nan]),
        "dead_lithium_nm": np.zeros(5),
    }
    first, second = cycle_table(series)
    assert (first["plated_C_per_m2"], first["stripped_C_per_m2"]) == (10.0, 10.0)
    assert first["coulombic_efficiency"] == 1.0
    assert first["plating_overpotential_max_mV"] == pytest.approx(20)
    assert first["stripping_polarisation_rise_mV"] == pytest.approx(20)
    assert (first["void_thickness_max_nm"], first["void_thickness_end_nm"]) == (7.0, 3.0)
    assert first["hot_spot_plating_max"] == 1.5
    assert second["coulombic_efficiency"] is None
    assert second["hot_spot_plating_max"] is None
    assert second["contact_fraction_min"] is None


@pytest.fixture(scope="module")
def cycled():
    """Two cycles of plating a capacity and stripping up to a potential, in a liquid cell that starts to run dry."""
    study = validated(
        {
            "title": "cycles",
            "grid": {"cells": [8, 32], "size": ["0.5 um", "2 um"]},
            "surface": {"level": "1 um"},
            "electrolyte": {"material": "lipf6-ec-dmc"},
            "protocol": {
                "cycles": 2,
                "steps": [
                    {"current": "2 mA/cm^2", "duration": "1 h", "capacity": "60 C/m^2"},
                    {"potential": "10 mV", "duration": "1 h", "capacity": "30 C/m^2"},
                    {"current": "-2 mA/cm^2", "duration": "0.5 s", "potential_limit": "1 V"},
                    {"current": "0 A/m^2", "duration": "0.2 s"},
                ],
            },
            "numerics": {"first_step": "1 ms"},
            "output": {"rows": 3},
        },
        "cycles",
    )
    return simulate(build(study), controls(study))


def test_steps_end_at_their_capacities(cycled):
    """3 s of plating at 20 A/m², the charge of a potentiostatic step within 1 %: then both cycles' times add up."""
    assert cycled.status == "finished"
    plated, stripped = 60.0, 30.0 + 10.0
    assert cycled.last["charge_C_per_m2"] == pytest.approx(2 * (plated - stripped), abs=2 * 0.01 * 30.0 + 0.1)
    assert cycled.last["cycle"] == 2
    assert cycled.last["protocol_step"] == 4
    assert cycled.durations[[0, 3, 4, 7]] == pytest.approx([3.0, 0.2, 3.0, 0.2])
    assert cycled.durations.sum() == pytest.approx(cycled.schedule.sum())
    assert cycled.last["lithium_budget_relative_error"] < 1e-4


def test_a_step_ends_at_its_potential():
    """The overpotential of plating is beyond 5 mV at once: both steps end within their first moments."""
    study = validated(
        {
            "title": "limit",
            "grid": {"cells": [8, 32], "size": ["0.5 um", "2 um"]},
            "surface": {"level": "1 um"},
            "electrolyte": {"material": "lipf6-ec-dmc"},
            "protocol": {
                "steps": [
                    {"current": "2 mA/cm^2", "duration": "1 h", "potential_limit": "-5 mV"},
                    {"current": "-2 mA/cm^2", "duration": "1 h", "potential_limit": "5 mV"},
                ]
            },
            "numerics": {"first_step": "1 ms"},
        },
        "limit",
    )
    outcome = simulate(build(study), controls(study))
    assert outcome.status == "finished"
    assert outcome.last["time_s"] <= 2 * 1e-3 * (1 + 1e-9)
    assert outcome.last["overpotential_V"] > 5e-3


def test_a_run_ends_where_no_lithium_is_left(cycled):
    """Of 350 nm as many are stripped as there are; scaled as the run of before, which has compiled the step."""
    study = validated(
        {
            "title": "to the last",
            "grid": {"cells": [8, 32], "size": ["0.5 um", "2 um"]},
            "surface": {"level": "350 nm"},
            "electrolyte": {"material": "lipf6-ec-dmc"},
            "protocol": {
                "steps": [
                    {"current": "2 mA/cm^2", "duration": "1 ms"},
                    {"potential": "100 mV", "duration": "1 h"},
                    {"current": "2 mA/cm^2", "duration": "1 s"},
                ]
            },
            "numerics": {"first_step": "1 ms", "courant": 0.3},
            "output": {"rows": 3},
        },
        "to the last",
    )
    outcome = simulate(build(study), controls(study))
    assert outcome.status == "stopped: all lithium is stripped"
    assert -350 < outcome.last["plated_thickness_nm"] < -250
    assert outcome.last["time_s"] < 3600
