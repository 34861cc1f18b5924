"""Where steps land: rows, ends of the protocol's steps, and limits that bring them forward."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interphase.run.timetable import Timetable

DURATIONS = st.lists(st.floats(0.1, 1e4), min_size=1, max_size=6)


@given(DURATIONS, st.integers(2, 50))
def test_steps_land_on_every_row_and_every_end(durations, rows):
    table = Timetable(np.array(durations), rows)
    time, landed = 0.0, []
    while time < table.end:
        time = table.next_stop(time)
        assert table.is_stop(time)
        landed.append(time)
    assert landed[-1] == table.end == pytest.approx(sum(durations))
    assert set(table.ends) <= set(landed)
    assert len(landed) <= rows + len(durations)
    assert np.min(np.diff([0.0, *landed])) > 0


def test_at_a_boundary_the_next_step_is_under_way():
    table = Timetable(np.array([10.0, 20.0, 5.0]), 7)
    assert [table.step_at(time) for time in (0.0, 9.999, 10.0, 29.9, 30.0, 35.0)] == [0, 0, 1, 1, 2, 2]
    assert [table.began(step) for step in range(3)] == [0.0, 10.0, 30.0]


@given(DURATIONS, st.data())
def test_a_step_that_ends_early_brings_forward_all_that_follow(durations, data):
    table = Timetable(np.array(durations), 10)
    step = data.draw(st.integers(0, len(durations) - 1))
    share = data.draw(st.floats(0.01, 0.99))
    time = table.began(step) + share * durations[step]
    table.end_early(step, time)
    assert table.ends[step] == time
    assert table.is_stop(time)
    np.testing.assert_allclose(np.diff(table.ends)[step:], durations[step + 1 :], rtol=1e-6)
    assert table.step_at(time) == min(step + 1, len(durations) - 1)


def test_a_run_that_goes_on_knows_the_ends_it_came_to():
    table, again = (Timetable(np.array([10.0, 20.0, 5.0]), 7) for _ in range(2))
    table.end_early(0, 3.25)
    again.restore(np.array(table.ends.tolist()))
    np.testing.assert_array_equal(again.stops, table.stops)
