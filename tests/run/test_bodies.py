"""Bodies of coating are counted across the periodic seams, and coating left in the lithium is found."""

import numpy as np
import pytest

from interphase.run.bodies import REACH, count_bodies, left_behind

THREE = (24, 24, 40)
TWO = (24, 40)


def filled(shape, *boxes):
    """Ones in boxes given as slices, zero elsewhere."""
    field = np.zeros(shape)
    for box in boxes:
        field[box] = 1.0
    return field


@pytest.mark.parametrize(
    "shape, boxes, num",
    [
        (TWO, [], 0),
        (TWO, [np.s_[:, 10:20]], 1),
        (TWO, [np.s_[3:9, 10:20]], 1),
        (TWO, [np.s_[:4, 10:20], np.s_[20:, 10:20]], 1),  # one body, cut by the seam
        (TWO, [np.s_[:4, 10:14], np.s_[20:, 20:24]], 2),  # both touch the seam, at different heights
        (TWO, [np.s_[:, :4], np.s_[:, 36:]], 2),  # the normal is not periodic
        (TWO, [np.s_[:4, 10:20], np.s_[8:12, 10:20], np.s_[20:, 10:20]], 2),
        (TWO, [np.s_[:4, 10:12], np.s_[:4, 18:20], np.s_[20:, 10:20]], 1),  # joined only beyond the seam
        (THREE, [np.s_[:, :, 10:20]], 1),
        (THREE, [np.s_[:4, :4, 10:20], np.s_[20:, :4, 10:20], np.s_[:4, 20:, 10:20], np.s_[20:, 20:, 10:20]], 1),
        (THREE, [np.s_[:4, :4, 10:20], np.s_[20:, 20:, 10:20]], 2),  # only a corner in common
    ],
)
def test_bodies_are_counted_across_the_seams(shape, boxes, num):
    coating = filled(shape, *boxes)
    assert count_bodies(coating) == num
    # Where the box is cut does not matter.
    for axis in range(len(shape) - 1):
        assert count_bodies(np.roll(coating, 7, axis)) == num


@pytest.mark.parametrize("shape", [TWO, THREE])
def test_what_lies_deep_in_the_lithium_is_left_behind(shape):
    """Not what is near the coating's body, as the diffuse interface is, nor what lies outside the lithium."""
    lithium, coating = filled(shape, np.s_[..., :20]), filled(shape, np.s_[..., 20:30])
    assert left_behind(coating, lithium) == 0.0
    near, deep, outside = coating.copy(), coating.copy(), coating.copy()
    near[..., 20 - REACH] = 0.4
    deep[..., 20 - REACH - 2] = 0.4
    outside[..., 38] = 0.4
    assert left_behind(near, lithium) == 0.0
    assert left_behind(deep, lithium) == pytest.approx(0.4)
    assert left_behind(outside, lithium) == 0.0


def test_distance_to_the_body_is_measured_across_the_seam():
    lithium, coating = np.ones(TWO), filled(TWO, np.s_[20:, 10:20])
    coating[2, 15] = 0.4
    assert left_behind(coating, lithium) == 0.0
    coating[10, 15] = 0.3
    assert left_behind(coating, lithium) == pytest.approx(0.3)


def test_without_a_body_every_trace_counts():
    lithium, coating = np.ones(TWO), np.full(TWO, 0.1)
    assert left_behind(coating, lithium) == pytest.approx(0.1)
