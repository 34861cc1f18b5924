"""An interlayer between lithium and a solid electrolyte, lithium stripped beside a void under it: what is conserved."""

import pytest

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.simulate import simulate

STUDY = {
    "title": "interlayer",
    "grid": {"cells": [32, 32], "size": ["8 um", "8 um"]},
    "surface": {"level": "3.2 um", "voids": [{"radius": "1 um"}]},
    "coating": {"layers": [{"material": "lipon", "thickness": "1.6 um"}]},
    "solid_electrolyte": {"material": "lpscl"},
    "contact": {},
    "cell": {"pressure": "1 MPa", "top": "plate"},
    "protocol": {"steps": [{"current": "-0.5 mA/cm^2", "duration": "400 s"}]},
    "output": {"rows": 10},
}


@pytest.mark.slow
def test_lithium_charge_and_interlayer_are_conserved():
    """The interlayer stays one piece of its volume while the contact below it carries three quarters of the faces."""
    study = validated(STUDY, "interlayer")
    outcome = simulate(build(study), controls(study))
    assert outcome.last["lithium_budget_relative_error"] < 1e-4
    assert abs(outcome.last["coating_volume_relative_change"]) < 1e-4
    assert outcome.last["coating_bodies"] == 1
    assert outcome.worst.charge_closure < 1e-8
    assert 0.6 < outcome.last["contact_fraction"] < 0.9
