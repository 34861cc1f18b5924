"""Neighbours across the box, and the padded windows that fused stencils read instead."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import random
from interphase.grid.boundary import MIRROR, after, before, pad, window

shapes = st.sampled_from([(3, 4), (1, 5), (4, 1), (2, 3, 5)])
walls = st.sampled_from([0.0, 2.5, MIRROR])


@given(shapes, walls)
def test_before_and_after_are_rolls_with_a_wall_along_the_normal(shape, wall):
    """In plane they are periodic shifts; along the normal the value beyond the wall enters."""
    field = random(0, 2, *shape)
    for axis in range(-len(shape), 0):
        down, up = np.roll(field, 1, axis), np.roll(field, -1, axis)
        if axis == -1:
            down[..., 0] = field[..., 0] if wall == MIRROR else wall
            up[..., -1] = field[..., -1] if wall == MIRROR else wall
        np.testing.assert_array_equal(before(field, axis, wall), down)
        np.testing.assert_array_equal(after(field, axis, wall), up)


def test_a_plane_of_numbers_may_lie_beyond_the_wall():
    """A wall may be an array with one value per column."""
    field, plane = random(0, 3, 4), random(1, 3, 1)
    np.testing.assert_array_equal(before(field, -1, plane)[:, :1], plane)
    np.testing.assert_array_equal(after(field, -1, plane)[:, -1:], plane)


@given(shapes, walls, walls)
def test_windows_of_a_padded_field_are_its_neighbours(shape, below, above):
    """A window moved by one cell equals `before` and `after`, in every direction and for leading component axes."""
    dim = len(shape)
    field = random(3, 2, *shape)
    padded = pad(field, dim, below, above)
    assert padded.shape == (2, *(n + 2 for n in shape))
    np.testing.assert_array_equal(window(padded, dim), field)
    for axis in range(-dim, 0):
        np.testing.assert_array_equal(window(padded, dim, {axis: -1}), before(field, axis, below))
        np.testing.assert_array_equal(window(padded, dim, {axis: 1}), after(field, axis, above))


@given(shapes)
def test_larger_windows_hold_the_cell_before_the_first(shape):
    """With `start` -1 and `extra` 1 a window covers the cells -1 … n-1."""
    dim = len(shape)
    field = random(4, *shape)
    larger = window(pad(field, dim), dim, {}, -1, 1)
    assert larger.shape == tuple(n + 1 for n in shape)
    np.testing.assert_array_equal(larger[(slice(1, None),) * dim], field)
    np.testing.assert_array_equal(larger[(0,) + (slice(1, None),) * (dim - 1)], jnp.roll(field, 1, 0)[0])


@pytest.mark.parametrize("corner", [(-1, -1), (1, 1), (-1, 1)])
def test_diagonal_windows_are_neighbours_of_neighbours(corner):
    """Corners of the padding hold what two shifts one after the other would bring."""
    field = random(5, 4, 6)
    first = before(field, -2) if corner[0] == -1 else after(field, -2)
    second = before(first, -1) if corner[1] == -1 else after(first, -1)
    np.testing.assert_array_equal(window(pad(field, 2), 2, {-2: corner[0], -1: corner[1]}), second)
