"""Lithium stripped out of its lattice, coupled: when it runs out, what is conserved, how the plate follows."""

import numpy as np
import pytest

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.simulate import Outcome, simulate

SAND = np.pi * 5.6e-15 * (96485.33212 / (2 * 13e-6 * 10.0)) ** 2  # of 10 A/m² [s]


def stripped(cells: int, height: float, level: float, current: float, duration: float, **sections) -> Outcome:
    """A column under Li₆PS₅Cl, lengths in µm, until the metal is at 0.3 V."""
    step = {"current": f"-{current} A/m^2", "duration": f"{duration} s", "potential_limit": "0.3 V"}
    data = {
        "title": "a column",
        "grid": {"cells": [2, cells], "size": [f"{2 * height / cells} um", f"{height} um"]},
        "surface": {"level": f"{level} um"},
        "solid_electrolyte": {"material": "lpscl"},
        "vacancies": {},
        "cell": {"pressure": "0.01 MPa", "top": "plate"},
        "protocol": {"steps": [step]},
        "numerics": {"first_step": "1 s", "largest_step": "24 s"},
        "output": {"rows": 20},
    }
    study = validated(data | sections, "column")
    return simulate(build(study), controls(study))


@pytest.mark.slow
def test_a_column_polarises_at_sands_time():
    """At 10 A/m² the metal is at 0.3 V, its surface empty, after 2.42e3 s, within 2 %; no lithium is lost."""
    outcome = stripped(128, 20.0, 16.0, 10.0, 4000.0)
    assert outcome.last["time_s"] == pytest.approx(SAND, rel=0.02)
    assert outcome.last["surface_occupancy_min"] < 0.01
    assert outcome.last["lithium_budget_relative_error"] < 1e-10
    assert outcome.last["vacant_thickness_nm"] == pytest.approx(-outcome.last["plated_thickness_nm"], rel=1e-6)
    assert outcome.last["vacancy_supersaturation_max"] == pytest.approx(1 / 2e-9, rel=0.01)


@pytest.mark.slow
def test_a_column_above_full_lithium_has_a_critical_current():
    """50 µm above a full lattice the surface of a steady column is as empty as 83 µA/cm² say, within 3 %."""
    numerics = {"first_step": "100 s", "largest_step": "4e4 s"}
    outcome = stripped(64, 60.0, 50.0, 0.5, 1.7e6, vacancies={"below": "lithium"}, numerics=numerics)
    assert 0.5 / (1 - outcome.last["surface_occupancy_min"]) == pytest.approx(0.8313, rel=0.03)
    assert outcome.last["lithium_budget_relative_error"] < 1e-8


@pytest.mark.slow
def test_the_plate_follows_where_pressure_closes_what_stripping_left():
    """2 A/m² under 3 MPa: the surface stays at θ = 0.19, within 6 %, and the lattice goes as fast as its atoms."""
    outcome = stripped(64, 25.0, 20.0, 2.0, 12000.0, contact={}, cell={"pressure": "3 MPa", "top": "plate"})
    assert 1 - outcome.last["surface_occupancy_min"] == pytest.approx(0.188, rel=0.06)
    assert outcome.last["lithium_budget_relative_error"] < 1e-4
    gone = -outcome.last["plated_thickness_nm"] - outcome.last["vacant_thickness_nm"]  # of the lattice
    assert gone > 0.7 * -outcome.last["plated_thickness_nm"]
    assert outcome.last["contact_pressure_max_MPa"] == pytest.approx(3.1, rel=0.02)
