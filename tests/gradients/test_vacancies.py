"""Reverse mode through stripping that leaves empty sites behind, against central differences."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase import load
from interphase.run.case import Case

STUDY = "experiments/021-critical-current-map"
SMALL = ("grid.cells=[2,32]", "grid.size=['1 um','16 um']", "surface.level=11 um")
SCHEDULE = (1.0, 5.0, 20.0, 20.0)  # [s]
STEP = 1e-4  # relative
TERMS = ("surface_occupancy", "metal_potential", "vacant_thickness")


def scaled(case: Case, factors) -> Case:
    """The case with self-diffusivity, current and pressure times a factor each."""
    diffusivity, current, pressure = factors
    vacancies = case.model.stack.vacancies
    assert vacancies is not None
    return eqx.tree_at(
        lambda c: (c.model.stack.vacancies.diffusivity, c.protocol.current, c.protocol.pressure),
        case,
        (vacancies.diffusivity * diffusivity, case.protocol.current * current, case.protocol.pressure * pressure),
    )


@pytest.mark.slow
def test_reverse_mode_against_differences():
    """Occupancy, potential and empty sites by self-diffusivity, current and pressure, within 1e-4."""
    case, _ = load(STUDY, *SMALL)
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-10, adjoint_tolerance=1e-10)
    case = eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)

    def outcome(factors):
        measures = scaled(case, factors).rollout(jnp.asarray(SCHEDULE))
        return jnp.stack([getattr(measures, term)[-1] for term in TERMS])

    run, here = jax.jit(outcome), jnp.ones(3)
    slopes = jax.jit(jax.jacrev(outcome))(here)
    for k in range(3):
        central = (run(here.at[k].add(STEP)) - run(here.at[k].add(-STEP))) / (2 * STEP)
        size = jnp.maximum(jnp.abs(central), 1e-3 * jnp.max(jnp.abs(slopes), axis=1))
        assert jnp.all(jnp.abs(slopes[:, k] - central) < 1e-4 * size), (TERMS, slopes[:, k], central)
