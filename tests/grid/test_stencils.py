"""Adjoint pairs, conservation and symmetry of the differences and averages, in 2-D and 3-D."""

import jax.numpy as jnp
import numpy as np
import pytest
from cells import cube, random
from hypothesis import given
from hypothesis import strategies as st
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

grids = st.one_of(
    st.tuples(st.integers(2, 7), st.integers(2, 7)), st.tuples(st.integers(2, 5), st.integers(2, 5), st.integers(2, 5))
).map(lambda shape: Grid(shape, (0.7, 1.3, 1.0)[-len(shape) :]))
with_thin_axes = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5)).map(
    lambda shape: Grid(shape, (0.7, 1.3, 1.0))
)


def on_faces(seed, grid):
    """A random face field that does not move on the lower wall."""
    return random(seed, grid.dim, *grid.shape).at[-1, ..., 0].set(0.0)


def on_edges(seed, grid):
    """Random edge values, zero on the walls."""
    edges = random(seed, len(grid.pairs), *grid.shape)
    return jnp.stack([e.at[..., 0].set(0.0) if pair[1] == -1 else e for e, pair in zip(edges, grid.pairs, strict=True)])


def product(a, b):
    return float(jnp.vdot(a, b))


@given(st.one_of(grids, with_thin_axes))
def test_force_is_the_adjoint_of_the_strains(grid):
    """⟨σ, ε(u)⟩ = ⟨force(σ), u⟩ for any stress and any displacement."""
    u, normal, shear = on_faces(0, grid), random(1, grid.dim, *grid.shape), on_edges(2, grid)
    work = product(normal, normal_strain(u, grid)) + product(shear, shear_strain(u, grid))
    assert product(force(normal, shear, grid), u) == pytest.approx(work, rel=1e-12, abs=1e-12)


@given(grids, st.floats(-3, 3))
def test_divergence_theorem(grid, above):
    """The outflow of all cells together is what leaves through the walls."""
    flux = on_faces(0, grid)
    leaving = above * grid.area
    total = float(jnp.sum(divergence(flux, grid, above=above))) * grid.cell_volume
    assert total == pytest.approx(leaving, abs=1e-11)


@given(grids)
def test_divergence_is_minus_the_adjoint_of_the_difference(grid):
    """⟨div q, p⟩ = −⟨q, grad p⟩ when nothing passes the walls."""
    flux, pressure = on_faces(0, grid), random(1, *grid.shape)
    gradient = jnp.stack([difference_to_faces(pressure, grid, a) for a in grid.axes])
    assert product(divergence(flux, grid), pressure) == pytest.approx(-product(flux, gradient), abs=1e-11)


@given(grids)
def test_edges_to_cells_and_cells_to_edges_are_adjoint(grid):
    """⟨edges_to_cells e, c⟩ = ⟨e, cells_to_edges c⟩ for edges that are zero on the walls."""
    for pair, edges in zip(grid.pairs, on_edges(0, grid), strict=True):
        cells = random(1, *grid.shape)
        here, there = product(edges_to_cells(edges, pair), cells), product(edges, cells_to_edges(cells, pair))
        assert here == pytest.approx(there, abs=1e-12)


@given(st.one_of(grids, with_thin_axes), st.integers(1, 3))
def test_smoothing_conserves_and_is_symmetric(grid, passes):
    """The sum stays, constants stay, and ⟨Sa, b⟩ = ⟨a, Sb⟩."""
    a, b = random(0, *grid.shape), random(1, *grid.shape)
    smoothed = smooth(a, grid, passes)
    assert float(jnp.sum(smoothed)) == pytest.approx(float(jnp.sum(a)), abs=1e-12)
    assert product(smoothed, b) == pytest.approx(product(a, smooth(b, grid, passes)), abs=1e-12)
    np.testing.assert_allclose(smooth(jnp.ones(grid.shape), grid, passes), 1.0, rtol=1e-14)
    assert float(jnp.max(smoothed)) <= float(jnp.max(a)) and float(jnp.min(smoothed)) >= float(jnp.min(a))


@given(grids)
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
