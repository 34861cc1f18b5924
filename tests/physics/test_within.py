"""What is reported of a film does not depend on where its faces lie between the cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.grid.grid import Grid
from interphase.physics.measures import inside, smooth_maximum
from interphase.physics.within import BELOW_ANY, BELOW_LITHIUM, from_within

GRID = Grid((24, 40), (1.0, 1.0))
WIDTH = 1.0
SLANT = 0.15  # waves over the box: no face lies along the cells everywhere
OUTLIER = 5.0  # times what the film holds: what cells remember that its neighbour shares


def height(grid):
    """Above the inner face of a film that lies over a gentle wave."""
    x, *_, z = grid.cell_centres()
    return z - SLANT * grid.shape[0] * jnp.sin(2 * jnp.pi * x / grid.shape[0]) / 2


def film(start, thickness, grid=GRID):
    """Film, lithium below it, and a strain that falls outward, much larger in the cells of the inner face."""
    above = height(grid) - start
    fraction = 0.5 * (jnp.tanh(above / (2 * WIDTH)) - jnp.tanh((above - thickness) / (2 * WIDTH)))
    lithium = 0.5 - 0.5 * jnp.tanh(above / (2 * WIDTH))
    strain = 0.01 * (2 - above / thickness)
    return fraction, lithium, strain * (1 + OUTLIER * jnp.exp(-2 * jnp.maximum(above, -4.0)))


def largest(start, thickness=14.0, grid=GRID, looks=from_within):
    fraction, lithium, strain = film(start, thickness, grid)
    (held,) = looks([strain], fraction, lithium, WIDTH, grid)
    return smooth_maximum(held, inside(fraction))


def of_cells(fields, *_):
    return fields


STARTS = 10 + np.linspace(0, 1, 17)


def test_the_largest_strain_does_not_change_as_faces_move_through_cells():
    seen = np.array([float(largest(start)) for start in STARTS])
    of_own_cells = np.array([float(largest(start, looks=of_cells)) for start in STARTS])
    assert np.ptp(seen) < 0.01 * seen.mean()
    assert np.ptp(of_own_cells) > 0.1 * of_own_cells.mean()


def test_its_slope_is_that_of_larger_changes():
    slopes = np.array([float(jax.grad(largest, argnums=1)(start, 14.0)) for start in STARTS])
    wide = float(largest(10.0, 14.7) - largest(10.0, 13.3)) / 1.4
    assert slopes == pytest.approx(wide, rel=0.15)


def test_it_is_looked_up_two_widths_from_lithium_and_one_from_the_rest():
    fraction, lithium, _ = film(10.0, 14.0)
    above = height(GRID) - 10.0
    (seen,) = from_within([above], fraction, lithium, WIDTH, GRID)
    upright = np.sqrt(1 + (SLANT * np.pi * np.cos(2 * np.pi * np.asarray(GRID.cell_centres()[0]) / GRID.shape[0])) ** 2)
    inner, outer = (np.abs(np.asarray(above) - face) < 0.5 for face in (0.0, 14.0))
    assert (np.asarray(seen) / upright)[inner] == pytest.approx(BELOW_LITHIUM * WIDTH, abs=0.3)
    assert ((14.0 - np.asarray(seen)) / upright)[outer] == pytest.approx(BELOW_ANY * WIDTH, abs=0.3)


def test_in_space_as_in_the_plane():
    grid = Grid((24, 2, 40), (1.0, 1.0, 1.0))
    assert float(largest(10.3, grid=grid)) == pytest.approx(float(largest(10.3)), rel=1e-9)


def test_whole_film_keeps_its_own_values():
    fraction, lithium, strain = film(10.0, 14.0)
    (seen,) = from_within([strain], fraction, lithium, WIDTH, GRID)
    above = np.asarray(height(GRID) - 10.0)
    whole = (above > 3.5) & (above < 11)
    assert np.asarray(seen)[whole] == pytest.approx(np.asarray(strain)[whole], rel=1e-12)
