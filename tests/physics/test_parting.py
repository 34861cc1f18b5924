"""Lithium and what rides on it part as plating moves the surface: volumes to round-off, motion where it is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.grid.grid import Grid
from interphase.grid.stencils import average_to_faces, divergence
from interphase.physics.interface import Look, along_normals, bearing, counted
from interphase.physics.parting import Parting
from interphase.physics.start import step_down

WIDTH = 1.0
GRID = Grid((24, 40), (1.0, 1.0))
PLATED = 0.07  # cells


def surface(height):
    """Lithium below z = height(x), its look, and the volume that plating everywhere at the same speed adds."""
    x, z = GRID.cell_centres()
    lithium = step_down(z - height(x), WIDTH)
    look = Look.at(lithium, WIDTH, GRID)
    return Parting.at(lithium, look, False, WIDTH, GRID), PLATED * look.area


def flat(x):
    return 15.3 + 0 * x


def wavy(x):
    return 15.3 + 1.5 * jnp.cos(2 * jnp.pi * x / 24)


@pytest.mark.parametrize("height", [flat, wavy])
def test_what_rides_gains_the_plated_volume(height):
    """Near the surface ∇·(g V n Δt − ∇χ) is minus the plated volume of every cell, however it was plated."""
    parting, growth = surface(height)
    uneven = growth * (1 + 0.3 * jax.random.normal(jax.random.key(0), GRID.shape))
    lift = parting.lift(parting.advance(uneven), uneven)
    there = np.asarray(parting.near) == 1.0
    assert there.sum() > 100
    np.testing.assert_allclose(np.asarray(-divergence(lift, GRID))[there], np.asarray(uneven)[there], atol=1e-13)


def test_under_a_flat_film_all_is_lifted_alike():
    """The film rises by V Δt to the last of its foot, and the lithium below stays where it is."""
    parting, growth = surface(flat)
    parted = parting.parted(growth)
    ridden = np.asarray(counted(step_down(GRID.cell_centres()[1] - 15.3, WIDTH)))[0]
    mixture = PLATED * (1 - 0.5 * (ridden + np.roll(ridden, 1)))
    near = slice(12, 19)
    np.testing.assert_allclose((mixture + np.asarray(parted.riding.ahead)[1, 0])[near], PLATED, atol=1e-4 * PLATED)
    np.testing.assert_allclose((mixture + np.asarray(parted.resting.ahead)[1, 0])[near], 0.0, atol=1e-4 * PLATED)


def test_an_uneven_foot_moves_with_its_surface():
    """What is plated unevenly across the interface moves it as the same amount plated evenly does."""
    parting, growth = surface(flat)
    z = GRID.cell_centres()[1]
    tilted = growth * (1 + 0.2 * (z - 15.3))
    tilted = tilted * jnp.sum(growth) / jnp.sum(tilted)
    near = slice(12, 19)
    np.testing.assert_allclose(
        parting.advance(tilted)[1, :, near], parting.advance(growth)[1, :, near], rtol=0.01
    )  # fmt: skip


def test_sums_along_normals_cross_the_interface_once():
    """∫δ dn is one, from every cell near the surface, on a slope too."""
    parting, _ = surface(wavy)
    near = np.asarray(parting.near) == 1.0
    np.testing.assert_allclose(np.asarray(parting.area_across)[near], 1.0, rtol=0.03)
    (ones,) = along_normals(jnp.ones((1, *GRID.shape)), parting.nearest, parting.normal, WIDTH, GRID)
    np.testing.assert_allclose(ones, 10.0)  # five samples, two cells apart


def test_a_film_at_rest_keeps_its_foot_from_lithium_that_flows_along_it():
    """Only where what rides bears no load does the mixture flow; what rides is carried as if it did not."""
    parting, growth = surface(wavy)
    still = np.asarray(parting.bearing) > 1e-3
    flow = jnp.where(still, 0.0, 0.3 * jax.random.normal(jax.random.key(1), still.shape))
    nothing = jnp.zeros_like(growth)
    lift = parting.lift_as_one(flow, parting.parted(nothing).riding)
    foot = np.asarray(parting.bearing > 0) & ~still
    assert foot.sum() > 20
    np.testing.assert_allclose(np.asarray(flow + lift)[foot], 0.0, atol=0.3 * 0.03)
    np.testing.assert_allclose(np.asarray(flow + lift)[still], 0.0, atol=0.3 * 0.03)


def test_no_lithium_makes_room_for_the_outer_foot_of_a_film():
    """Where liquid slides along a film its outer foot moves with the film, and the liquid makes room for that."""
    parting, growth = surface(wavy)
    riding = parting.parted(growth).riding
    x, z = GRID.cell_centres()
    outer = step_down(z - wavy(x) - 12, WIDTH)
    sliding = jnp.zeros((2, *GRID.shape)).at[0].set(PLATED * (1 - outer) * jnp.cos(2 * jnp.pi * x / 24))
    film = jnp.stack([average_to_faces(bearing(outer - step_down(z - wavy(x), WIDTH)), a) ** 2 for a in GRID.axes])
    parting = eqx.tree_at(lambda p: p.bearing, parting, film)
    lift = parting.lift_as_one(sliding, riding)
    yielding = parting.yielding(lift, riding)
    beyond = np.asarray(z - wavy(x) > 7)
    assert np.abs(np.asarray(divergence(lift, GRID))[beyond]).max() > 1e-2 * PLATED
    assert np.abs(np.asarray(divergence(yielding, GRID))[beyond]).max() < 1e-12
    at_surface = np.broadcast_to(np.abs(z - wavy(x)) < 2, lift.shape)
    np.testing.assert_array_equal(np.asarray(yielding)[at_surface], np.asarray(lift)[at_surface])
