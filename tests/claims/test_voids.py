"""Study 020: what is conserved while lithium is stripped beside a void, and what the grid leaves."""

import functools

import pytest

from interphase import load
from interphase.run.simulate import Outcome, simulate

STUDY = "experiments/020-void-under-stack-pressure"


@functools.cache
def stripped(cells: int, pressure: str = "1 MPa") -> Outcome:
    size = f"grid.cells=[{cells},{cells}]"
    return simulate(
        *load(STUDY, size, f"cell.pressure={pressure}", "protocol.steps[0].duration=400 s", "output.rows=4")
    )


@pytest.mark.slow
def test_lithium_and_charge_are_conserved():
    outcome = stripped(48)
    assert outcome.last["lithium_budget_relative_error"] < 1e-4
    assert outcome.worst.charge_closure < 1e-8


@pytest.mark.slow
def test_contact_and_void_on_three_grids():
    """The differences shrink; between the last two contact changes by less than 5 %, void by less than 10 %."""
    coarse, middle, fine = (stripped(cells).last for cells in (32, 64, 128))
    for key, bound in (("contact_fraction", 0.05), ("void_thickness_nm", 0.1)):
        assert abs(fine[key] - middle[key]) < abs(middle[key] - coarse[key])
        assert fine[key] == pytest.approx(middle[key], rel=bound), key


@pytest.mark.slow
def test_more_pressure_closes_a_void_sooner():
    assert stripped(48, "3 MPa").last["void_thickness_nm"] < 0.5 * stripped(48).last["void_thickness_nm"]


@pytest.mark.slow
def test_the_same_in_three_dimensions():
    """Beside half a ball."""
    outcome = simulate(
        *load(
            STUDY,
            "grid.cells=[16,16,24]",
            "grid.size=['5 um','5 um','7.5 um']",
            "surface.level='4 um'",
            "surface.voids=[{radius='1.5 um'}]",
            "protocol.steps[0].duration=60 s",
            "output.rows=4",
        )
    )
    assert outcome.last["lithium_budget_relative_error"] < 1e-4
    assert outcome.worst.charge_closure < 1e-8
    assert 0.5 < outcome.last["contact_fraction"] < 1.0
