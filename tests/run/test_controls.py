"""Steps land on the stops without slivers, and grow and shrink within their bounds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from interphase.run.controls import GROWTH, Controls, StepSize


def controls(**changes) -> Controls:
    return Controls(
        **{
            "courant": 0.2, "stress_change": 20e6, "first_step": 0.01, "largest_step": None, "smallest_step": 1e-6,
            "tolerance": 1e-4, "rows": 60, "frames": 30, "checkpoint_steps": 100,
        }
        | changes
    )  # fmt: skip


@given(proposed=some.floats(1e-3, 1e3), time=some.floats(0, 1e4), rest=some.floats(1e-2, 1e3))
def test_a_stop_is_reached_exactly_and_without_a_sliver(proposed, time, rest):
    stop, size = time + rest, StepSize(proposed)
    dt = size.until(time, stop)
    assert 0 < dt <= max(proposed, (stop - time) / 2) * (1 + 1e-12)
    if proposed >= stop - time:
        assert dt == stop - time
    else:
        assert dt <= proposed
        assert stop - time - dt >= min(dt, (stop - time) / 2) * (1 - 1e-12)  # what is left is no smaller than the step


@given(proposed=some.floats(1e-3, 1e3), taken=some.floats(1e-3, 1e3), longest=some.floats(1e-3, 1e3))
def test_a_step_grows_by_no_more_than_its_bounds(proposed, taken, longest):
    size = StepSize(proposed)
    size.accept(taken, longest, controls(largest_step=5.0))
    assert size.proposed <= min(longest, 5.0)
    assert size.proposed <= GROWTH * max(taken, proposed)


def test_a_step_cut_short_by_a_stop_does_not_shrink_the_next():
    size = StepSize(1.0)
    size.accept(size.until(0.0, 0.01), math.inf, controls())
    assert size.proposed >= 1.0


def test_a_rejected_step_is_taken_at_half_the_size():
    size = StepSize(1.0)
    size.reject(0.5)
    assert size.until(0.0, 10.0) == pytest.approx(0.25)
