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
from interphase.physics.contact import Contact, closeness_at, log_pressure
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
    return contact.traction(contact.closeness)


@given(NUMBER)
def test_gap_and_pressure_follow_from_the_closeness(closeness):
    y = log_pressure(jnp.asarray(closeness))
    assert float(y + jnp.exp(y)) == pytest.approx(closeness, rel=1e-12, abs=1e-12)


@given(st.floats(-0.3, 50.0))
def test_faces_never_bear_more_tension_than_they_adhere_with(gap):
    assert float(resting(gap)) <= ADHESION
    assert float(contact_at(gap).opened(closeness_at(jnp.asarray(gap), jnp.asarray(LENGTH)))) == pytest.approx(
        0, abs=1e-12 + 1e-12 * abs(gap)
    )


def test_pressure_falls_with_the_gap_and_without_a_jump():
    """From contact to void the faces bear less and less compression; of a wide gap nothing is left."""
    gaps = jnp.linspace(-0.3, 0.4, 200)
    pressure = PRESSURE * jnp.exp(-gaps / LENGTH)
    assert jnp.all(jnp.diff(resting(gaps)[gaps < 0.2]) > 0)
    np.testing.assert_allclose(resting(gaps)[gaps < 0], (ADHESION - pressure)[gaps < 0], rtol=1e-10)
    assert abs(float(resting(20.0))) < 1e-12


@functools.cache
def stripped(voids: bool, cells: int = 32) -> tuple[Run, Outcome]:
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
        },
        "stripping",
    )
    run = Run(build(study), controls(study), {})
    return run, run.go()


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


def test_later_steps_take_few_iterations():
    """After the load has come on, a step takes no more than eight Newton steps of at most eighty iterations each."""
    run, _ = stripped(voids=True)
    report = run.report.balance
    assert int(report.steps) <= 8
    assert int(report.linear_iterations) <= 80 * int(report.steps)
