"""Reverse mode through a contact that opens beside a void, against central differences of fourth order."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase import load
from interphase.run.case import Case
from interphase.solvers.newton import Newton

STUDY = "experiments/020-void-under-stack-pressure"
SMALL = ("grid.cells=[32,32]", "surface.voids=[{radius='2.5 um'}]")
SCHEDULE = (0.2, 0.4, 0.8, 1.6, 3.0, 6.0)  # [s]
STEP = 3e-4  # relative
TERMS = ("contact_fraction", "metal_potential", "void_thickness", "hot_spot_factor")


def scaled(case: Case, factors) -> Case:
    """The case with pressure, current and adhesion times a factor each; the contact is made under the pressure."""
    pressure, current, adhesion = factors
    faces = case.model.stack.faces
    assert faces is not None
    return eqx.tree_at(
        lambda c: (
            c.protocol.pressure,
            c.model.stack.faces.pressure,
            c.protocol.current,
            c.model.stack.faces.adhesion,
        ),
        case,
        (
            case.protocol.pressure * pressure,
            faces.pressure * pressure,
            case.protocol.current * current,
            faces.adhesion * adhesion,
        ),
    )


@pytest.mark.slow
def test_reverse_mode_against_differences():
    """Contact, potential, void and hot spot by stack pressure, current and adhesion, within 1e-3."""
    case, _ = load(STUDY, *SMALL)
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-9, adjoint_tolerance=1e-9)
    assert isinstance(newton, Newton)
    case = eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)

    def outcome(factors):
        course = scaled(case, factors).observed(jnp.asarray(SCHEDULE))
        return jnp.stack([getattr(course.measures, term)[-1] for term in TERMS]), jnp.max(course.residual)

    run, here = jax.jit(outcome), jnp.ones(3)
    slopes = jax.jit(jax.jacrev(lambda factors: outcome(factors)[0]))(here)
    for k in range(3):
        values, residuals = zip(*(run(here.at[k].add(s * STEP)) for s in (-2, -1, 1, 2)), strict=True)
        assert max(map(float, residuals)) < 1e-8
        central = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * STEP)
        size = jnp.maximum(jnp.abs(central), 1e-3 * jnp.max(jnp.abs(slopes), axis=1))
        assert jnp.all(jnp.abs(slopes[:, k] - central) < 1e-3 * size), (TERMS, slopes[:, k], central)
