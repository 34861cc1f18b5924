"""The contact of lithium with the solid on it: the law of its faces, stripping with a plate that follows, voids."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.physics.contact import Contact, risen
from interphase.run.simulate import Outcome, Run

NUMBER = st.floats(-200.0, 200.0)
ADHESION, PRESSURE, LENGTH = 0.3, 2.0, 0.1
FARADAY_SPEED = 10 * 1.3e-5 / 96485.33212  # of 1 mA/cm² [m/s]


def contact_at(gap) -> Contact:
    gap = jnp.asarray(gap, float)
    number = jnp.asarray
    return Contact(gap, 0 * gap, 1 + 0 * gap, number(LENGTH), number(PRESSURE), number(ADHESION), number(0.5))


def resting(gap) -> jax.Array:
    """Traction of faces whose gap does not change."""
    contact = contact_at(gap)
    return contact.traction(contact.nothing)


@given(st.floats(-900.0, 4.0), NUMBER)
def test_gap_and_pressure_follow_from_the_closeness(before, gained):
    rise = float(risen(jnp.asarray(gained), jnp.asarray(before)))
    assert rise + np.exp(before) * np.expm1(rise) == pytest.approx(gained, rel=1e-12, abs=1e-12)


@given(st.floats(-0.3, 50.0))
def test_faces_never_bear_more_tension_than_they_adhere_with(gap):
    assert float(resting(gap)) <= ADHESION
    contact = contact_at(gap)
    assert abs(float(contact.opened(contact.nothing))) < 1e-20


@given(st.floats(-200.0, 3.9), st.floats(-1e-3, 1e-3))
def test_a_wide_gap_opens_to_the_last_digit_of_single_precision(before, gained):
    """Next to hundreds of ℓ a thousandth of ℓ would otherwise be a rounding error."""
    exact = float(risen(jnp.asarray(gained, jnp.float64), jnp.asarray(before, jnp.float64)))
    rise, change = jax.jvp(
        lambda x: risen(x, jnp.asarray(before, jnp.float32)),
        (jnp.asarray(gained, jnp.float32),),
        (jnp.ones((), jnp.float32),),
    )
    assert float(rise) == pytest.approx(exact, rel=2e-6, abs=1e-12)
    assert exact + np.exp(before) * np.expm1(exact) == pytest.approx(gained, rel=1e-12, abs=1e-15)
    assert float(change) == pytest.approx(1 / (1 + np.exp(before)), rel=2e-3)


def test_pressure_falls_with_the_gap_and_without_a_jump():
    """From contact to void the faces bear less and less compression; of a wide gap nothing is left."""
    gaps = jnp.linspace(-0.3, 0.4, 200)
    pressure = PRESSURE * jnp.exp(-gaps / LENGTH)
    assert jnp.all(jnp.diff(resting(gaps)[gaps < 0.2]) > 0)
    np.testing.assert_allclose(resting(gaps)[gaps < 0], (ADHESION - pressure)[gaps < 0], rtol=1e-10)
    assert abs(float(resting(20.0))) < 1e-12


@functools.cache
def stripped(voids: bool, cells: int = 32, precision: str = "float64") -> tuple["CountingRun", Outcome]:
    """Lithium stripped at 1 mA/cm² under a solid electrolyte at 1 MPa, perhaps beside a void."""
    study = validated(
        {
            "title": "stripping",
            "grid": {"cells": [cells, cells], "size": ["16 um", "16 um"]},
            "surface": {"level": "8 um", "voids": [{"radius": "2 um"}] if voids else []},
            "solid_electrolyte": {"material": "lpscl"},
            "contact": {"roughness": "50 nm", "adhesion": "0.2 MPa"},
            "cell": {"pressure": "1 MPa", "top": "plate"},
            "protocol": {"steps": [{"current": "-1 mA/cm^2", "duration": "120 s" if voids else "40 s"}]},
            "output": {"rows": 4},
            "numerics": {"precision": precision},
        },
        "stripping",
    )
    run = CountingRun(build(study), controls(study), {})
    return run, run.go()


class CountingRun(Run):
    """Keeps how many Newton steps and linear iterations every step took."""

    def _step(self, stop: float) -> None:
        super()._step(stop)
        assert self.report is not None
        report = self.report.balance
        self.counts = [*getattr(self, "counts", []), (int(report.steps), int(report.linear_iterations))]


def test_a_plate_follows_stripped_lithium():
    """Without a void the solid comes down as fast as lithium goes, and the contact bears the stack pressure."""
    run, outcome = stripped(voids=False)
    speed = float(outcome.state.solution.plate_velocity) * run.case.model.scales.velocity
    assert speed == pytest.approx(-FARADAY_SPEED, rel=1e-3)
    assert outcome.last["contact_pressure_max_MPa"] == pytest.approx(1.2, rel=1e-3)  # and adhesion
    assert abs(outcome.last["void_thickness_nm"]) < 1.0
    assert outcome.last["void_area_fraction"] == pytest.approx(0.01 / 1.01, rel=1e-2)


def test_stripping_beside_a_void_conserves_lithium_and_charge():
    run, outcome = stripped(voids=True)
    assert outcome.last["lithium_budget_relative_error"] < 1e-6
    assert outcome.worst.charge_closure < 1e-8
    assert outcome.last["plated_thickness_nm"] == pytest.approx(-120 * FARADAY_SPEED * 1e9, rel=2e-4)


def test_the_contact_beside_a_void_bears_the_stack_pressure():
    """What the faces bear adds up to the pressure on the plate, within 3 %; before the void they bear nothing."""
    run, outcome = stripped(voids=True)
    touch, stress = run.report.touch, run.case.model.scales.stress
    columns = jnp.sum(touch.faces, axis=-1)
    borne = jnp.sum(touch.faces * touch.pressure, axis=-1) * stress * 1e-6
    adhesion = 0.2 * jnp.clip(borne / 1.2, 0, 1) ** (1 / 3) * columns
    assert float(jnp.mean(borne - adhesion)) == pytest.approx(1.0, rel=0.03)
    assert float(borne[16]) < 1e-3
    assert float(jnp.max(borne)) > 1.2


def test_stack_pressure_narrows_a_void():
    run, outcome = stripped(voids=True)
    began = float(jnp.sum(1 - run.case.start().lithium - run.case.start().riding)) * 500.0 / 32
    assert 0.5 * began < outcome.last["void_thickness_nm"] < 0.95 * began
    assert 0.05 < outcome.last["void_area_fraction"] < 0.4


def test_steps_take_few_iterations():
    """As the load comes on too: no more than eight Newton steps of at most eighty iterations each."""
    run, _ = stripped(voids=True)
    steps, iterations = np.array(run.counts).T
    assert np.max(steps) <= 8
    assert np.mean(steps) < 3
    assert np.all(iterations <= 80 * steps)


def test_single_precision_takes_the_same_steps_to_the_same_end():
    (_, double), (_, single) = stripped(voids=True), stripped(voids=True, precision="float32")
    assert single.num_steps == double.num_steps
    assert single.last["lithium_budget_relative_error"] < 1e-4
    for key, bound in (
        ("metal_potential_V", 1e-4), ("contact_fraction", 1e-4), ("void_thickness_nm", 1e-4),
        ("hot_spot_factor", 1e-4), ("contact_pressure_max_MPa", 1e-3),
    ):  # fmt: skip
        assert single.last[key] == pytest.approx(double.last[key], rel=bound), key
