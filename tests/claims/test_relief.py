"""Faces that are uneven or cracked: where lithium has flowed to stays touched; cracks stay empty until it flows."""

import functools

import pytest

from interphase import load
from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.simulate import Outcome, simulate

ROUGH = "experiments/022-rough-contact-resistance"


def held(*pressures: str) -> Outcome:
    """Held at pressures in turn on a small grid."""
    steps = ",".join(
        f"{{current='0 A/m^2', duration='12 s', pressure='{p}'{', pressure_ramp="6 s"' if k else ''}}}"
        for k, p in enumerate(pressures)
    )
    return simulate(*load(ROUGH, "grid.cells=[96,32]", "grid.size=['12 um','8 um']", f"protocol.steps=[{steps}]"))


@pytest.mark.slow
def test_an_uneven_contact_remembers_the_load_it_has_borne():
    """At 2 MPa half as much again touches after 25 MPa as before, and more at 25 MPa than after it."""
    before, under, after = (
        held(*pressures).last["contact_fraction"]
        for pressures in (("2 MPa",), ("2 MPa", "25 MPa"), ("2 MPa", "25 MPa", "2 MPa"))
    )
    assert 1.5 * before < after < under


@functools.cache
def pressed(pressure: str) -> Outcome:
    """Stripped a little beside an empty crack, eight cells wide."""
    study = validated(
        {
            "title": "a crack",
            "grid": {"cells": [24, 32], "size": ["3 um", "4 um"]},
            "surface": {"level": "1.5 um"},
            "solid_electrolyte": {"material": "lpscl", "cracks": [{"width": "1 um", "depth": "1.5 um"}]},
            "contact": {},
            "cell": {"pressure": pressure, "top": "plate"},
            "protocol": {"steps": [{"current": "-0.5 mA/cm^2", "duration": "10 s"}]},
            "output": {"rows": 2},
        },
        "crack",
    )
    return simulate(build(study), controls(study))


def test_lithium_enters_a_crack_under_too_much_pressure():
    """Nothing flows in at 1 MPa, and much does at 10 MPa; lithium is conserved in both."""
    moderate, much = pressed("1 MPa"), pressed("10 MPa")
    assert moderate.last["cracks_filled_fraction"] < 0.01
    assert 0.2 < much.last["cracks_filled_fraction"] < 1.0
    for outcome in (moderate, much):
        assert outcome.last["lithium_budget_relative_error"] < 1e-4
