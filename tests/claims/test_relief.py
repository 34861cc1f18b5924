"""Faces that are uneven or cracked: where lithium has flowed to stays touched; cracks stay empty until it flows."""

import functools

import pytest

from interphase import load
from interphase.run.simulate import Outcome, simulate

ROUGH = "experiments/022-rough-contact-resistance"
CRACKED = "experiments/025-too-much-pressure"


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
def cycled(pressure: str) -> Outcome:
    """Stripped and plated back for a minute each."""
    return simulate(
        *load(
            CRACKED,
            f"cell.pressure={pressure}",
            "protocol.cycles=1",
            "protocol.steps[0].duration=60 s",
            "protocol.steps[1].duration=60 s",
            "output.rows=4",
        )
    )


@pytest.mark.slow
def test_lithium_enters_a_crack_under_too_much_pressure():
    """Nothing flows in at 1 MPa, and much does at 10 MPa; lithium is conserved in both."""
    moderate, much = cycled("1 MPa"), cycled("10 MPa")
    assert moderate.last["cracks_filled_fraction"] < 0.02
    assert much.last["cracks_filled_fraction"] > 0.1
    for outcome in (moderate, much):
        assert outcome.last["lithium_budget_relative_error"] < 1e-3
