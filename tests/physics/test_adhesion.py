"""The bond of a coating with the collector: where it is, what it bears, and what it yields."""

import jax.numpy as jnp
import numpy as np
import pytest

from cells import scalar, scales
from interphase.grid.grid import Grid
from interphase.materials.substrate import Bond
from interphase.physics.adhesion import bonded, share, slip
from interphase.physics.creep import MaxwellYield
from interphase.physics.momentum import Phase, Strain

GRID, SCALES = Grid((4, 32), (1.0, 1.0)), scales(4e-9)
BOND = Bond(strength=scalar(10e6), thickness=scalar(24e-9))


def test_a_bond_is_as_thick_as_it_is_said_to_be():
    """And all there is beside the wall, nothing farther up."""
    b = np.asarray(share(BOND, SCALES, GRID))
    assert b.sum(axis=-1) * 4e-9 == pytest.approx(24e-9)
    assert b[0, 0] == 1.0 and np.all(b[:, 8:] == 0.0)


def test_a_bond_is_the_weaker_of_itself_and_the_coating():
    never, weak = jnp.full(GRID.shape, 1e15 / SCALES.stress), jnp.full(GRID.shape, 1e6 / SCALES.stress)
    assert float(bonded(never, BOND, SCALES, GRID)[0, 0]) * SCALES.stress == pytest.approx(10e6)
    assert float(bonded(weak, BOND, SCALES, GRID)[0, 0]) < float(weak[0, 0])
    np.testing.assert_array_equal(bonded(weak, BOND, SCALES, GRID)[:, 8:], weak[:, 8:])


@pytest.mark.parametrize("own_strength", [1e15, 20e6])
def test_what_a_bond_yields_is_not_strain_of_the_coating(own_strength):
    """A sheared coating that itself never yields keeps its elastic strain alone; one that does shares what flows."""
    own = jnp.full(GRID.shape, own_strength / SCALES.stress)
    flow = MaxwellYield(scalar(1e15), bonded(own, BOND, SCALES, GRID))
    shear = jnp.asarray(4e9 / SCALES.stress)
    phase = Phase(jnp.ones(GRID.shape), 2 * shear, shear, flow, jnp.zeros((4, *GRID.shape)), rides=True)
    none = jnp.zeros(GRID.shape)
    sheared = jnp.stack([none + 0.05])
    strain = Strain(jnp.zeros((3, *GRID.shape)), sheared, sheared**2, sheared, none)
    response = phase.respond(strain, jnp.asarray(1.0))
    kept = 0.5 * sheared[0] - slip(phase, response, BOND, SCALES, GRID)[3]
    elastic = response.stress[3] / (2 * shear)
    plastic = 0.5 * sheared[0] - elastic
    expected = elastic + plastic * bonded(own, BOND, SCALES, GRID) / own
    np.testing.assert_allclose(kept, expected, rtol=1e-9)
    if own_strength > 1e12:
        np.testing.assert_allclose(kept[:, 0], elastic[:, 0], rtol=1e-3)
