"""Adjoint pairs, conservation and symmetry of the differences and averages, in 2-D and 3-D."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import cube, random
from interphase.grid.boundary import MIRROR
from interphase.grid.grid import Grid
from interphase.grid.stencils import (
    average_to_faces,
    cells_to_edges,
    centre_gradient,
    difference_to_faces,
    divergence,
    edges_to_cells,
    force,
    inverse_spacing,
    normal_strain,
    shear_strain,
    smooth,
)

grids = st.sampled_from([Grid((5, 4), (0.7, 1.0)), Grid((3, 2, 5), (0.7, 1.3, 1.0))])
with_thin_axes = st.just(Grid((1, 4, 3), (0.7, 1.3, 1.0)))
seeds = st.integers(0, 1000)


def on_faces(seed, grid):
    """A random face field that does not move on the lower wall."""
    return random(seed, grid.dim, *grid.shape).at[-1, ..., 0].set(0.0)


def on_edges(seed, grid):
    """Random edge values, zero on the walls."""
    edges = random(seed, len(grid.pairs), *grid.shape)
    return jnp.stack([e.at[..., 0].set(0.0) if pair[1] == -1 else e for e, pair in zip(edges, grid.pairs, strict=True)])


def product(a, b):
    return jnp.vdot(a, b)


@eqx.filter_jit
def work_of_force(grid, seed):
    u, normal, shear = on_faces(seed, grid), random(seed + 1, grid.dim, *grid.shape), on_edges(seed + 2, grid)
    work = product(normal, normal_strain(u, grid)) + product(shear, shear_strain(u, grid))
    return product(force(normal, shear, grid), u), work


@given(st.one_of(grids, with_thin_axes), seeds)
def test_force_is_the_adjoint_of_the_strains(grid, seed):
    """⟨σ, ε(u)⟩ = ⟨force(σ), u⟩ for any stress and any displacement."""
    outside, inside = work_of_force(grid, jnp.asarray(seed))
    assert float(outside) == pytest.approx(float(inside), rel=1e-12, abs=1e-12)


@eqx.filter_jit
def outflow(grid, seed, above):
    return jnp.sum(divergence(on_faces(seed, grid), grid, above=above)) * grid.cell_volume


@given(grids, seeds, st.floats(-3, 3))
def test_divergence_theorem(grid, seed, above):
    """The outflow of all cells together is what leaves through the walls."""
    assert float(outflow(grid, jnp.asarray(seed), jnp.asarray(above))) == pytest.approx(above * grid.area, abs=1e-11)


@eqx.filter_jit
def work_of_flux(grid, seed):
    flux, pressure = on_faces(seed, grid), random(seed + 1, *grid.shape)
    gradient = jnp.stack([difference_to_faces(pressure, grid, a) for a in grid.axes])
    return product(divergence(flux, grid), pressure), -product(flux, gradient)


@given(grids, seeds)
def test_divergence_is_minus_the_adjoint_of_the_difference(grid, seed):
    """⟨div q, p⟩ = −⟨q, grad p⟩ when nothing passes the walls."""
    left, right = work_of_flux(grid, jnp.asarray(seed))
    assert float(left) == pytest.approx(float(right), abs=1e-11)


@eqx.filter_jit
def edges_against_cells(grid, seed):
    cells = random(seed + 1, *grid.shape)
    sides = []
    for pair, edges in zip(grid.pairs, on_edges(seed, grid), strict=True):
        sides.append((product(edges_to_cells(edges, pair), cells), product(edges, cells_to_edges(cells, pair))))
    return jnp.asarray(sides)


@given(grids, seeds)
def test_edges_to_cells_and_cells_to_edges_are_adjoint(grid, seed):
    """⟨edges_to_cells e, c⟩ = ⟨e, cells_to_edges c⟩ for edges that are zero on the walls."""
    sides = edges_against_cells(grid, jnp.asarray(seed))
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], atol=1e-12)


@eqx.filter_jit
def smoothed_pair(grid, seed, passes):
    a, b = random(seed, *grid.shape), random(seed + 1, *grid.shape)
    return a, b, smooth(a, grid, passes), smooth(b, grid, passes), smooth(jnp.ones(grid.shape), grid, passes)


@given(st.one_of(grids, with_thin_axes), seeds, st.sampled_from([1, 3]))
def test_smoothing_conserves_and_is_symmetric(grid, seed, passes):
    """The sum stays, constants stay, nothing overshoots, and ⟨Sa, b⟩ = ⟨a, Sb⟩."""
    a, b, smooth_a, smooth_b, constant = (np.asarray(x) for x in smoothed_pair(grid, jnp.asarray(seed), passes))
    assert smooth_a.sum() == pytest.approx(a.sum(), abs=1e-12)
    assert np.vdot(smooth_a, b) == pytest.approx(np.vdot(a, smooth_b), abs=1e-12)
    np.testing.assert_allclose(constant, 1.0, rtol=1e-14)
    assert smooth_a.max() <= a.max() and smooth_a.min() >= a.min()
    assert not np.allclose(smooth_a, a)


@pytest.mark.parametrize("grid", [Grid((5, 4), (0.7, 1.0)), Grid((3, 4, 5), (0.7, 1.3, 1.0))])
def test_rigid_motion_has_no_strain(grid):
    """In-plane translations strain nothing; a uniform stretch along the normal gives its own strain."""
    translation = jnp.zeros((grid.dim, *grid.shape)).at[:-1].set(1.7)
    assert float(jnp.max(jnp.abs(normal_strain(translation, grid)))) == 0.0
    assert float(jnp.max(jnp.abs(shear_strain(translation, grid)))) == 0.0
    lower = jnp.arange(grid.shape[-1]) * grid.spacing[-1]
    stretch = jnp.zeros((grid.dim, *grid.shape)).at[-1].set(0.01 * lower)
    strain = normal_strain(stretch, grid, 0.01 * grid.height)
    np.testing.assert_allclose(strain[-1], 0.01, rtol=1e-12)
    assert float(jnp.max(jnp.abs(strain[:-1]))) == 0.0
    assert float(jnp.max(jnp.abs(shear_strain(stretch, grid)))) == 0.0


def test_an_axis_of_one_cell_has_no_differences():
    """Nothing varies along an axis of one cell."""
    grid = Grid((1, 4), (1.0, 1.0))
    assert inverse_spacing(grid, -2) == 0.0
    assert float(jnp.max(jnp.abs(centre_gradient(random(0, 1, 4), grid)[0]))) == 0.0


@pytest.mark.parametrize("dim", [2, 3])
def test_second_order(dim):
    """Central gradients, face differences and averages of a smooth field err by h²: a quarter on halving the cells."""
    cells = (16, 32) if dim == 3 else (32, 64)
    errors = []
    for n in cells:
        grid = cube(n, dim)
        x = grid.cell_centres()
        wave = jnp.cos(2 * jnp.pi * x[0]) * jnp.cos(jnp.pi * x[-1])
        slope = -jnp.pi * jnp.cos(2 * jnp.pi * x[0]) * jnp.sin(jnp.pi * x[-1])
        at_face = jnp.cos(2 * jnp.pi * x[0]) * jnp.cos(jnp.pi * (x[-1] - 0.5 / n))
        slope_at_face = -jnp.pi * jnp.cos(2 * jnp.pi * x[0]) * jnp.sin(jnp.pi * (x[-1] - 0.5 / n))
        errors.append(
            [
                jnp.max(jnp.abs(centre_gradient(wave, grid)[-1] - slope)),
                jnp.max(jnp.abs(difference_to_faces(wave, grid, -1, MIRROR) - slope_at_face)),
                jnp.max(jnp.abs(average_to_faces(wave, -1, MIRROR) - at_face)),
            ]
        )
    orders = np.log2(np.asarray(errors[0]) / np.asarray(errors[1]))
    np.testing.assert_allclose(orders, 2.0, atol=0.2)
