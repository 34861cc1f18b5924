"""When a gradient counts as off."""

import pytest

from interphase.verbs.gradients import Comparison, worst


def comparison(reverse: float, forward: float, central: float, largest: float = 1.0) -> Comparison:
    return Comparison("a term", "a number", reverse, forward, central, None, largest)


def test_either_mode_that_is_off_is_told():
    right, reverse, forward = comparison(1.0, 1.0, 1.0), comparison(1.1, 1.0, 1.0), comparison(1.0, 0.8, 1.0)
    assert worst([right]) is None
    assert worst([right, reverse]) is reverse
    assert worst([reverse, forward, right]) is forward
    assert (reverse.error, forward.error) == (pytest.approx(0.1), pytest.approx(0.2))


def test_a_small_slope_is_measured_by_the_largest_of_its_term():
    assert comparison(3e-6, 2e-6, 2e-6, largest=1.0).error == pytest.approx(1e-3)
    assert comparison(3e-6, 2e-6, 2e-6, largest=2e-6).error == pytest.approx(0.5)
    assert comparison(0.0, 0.0, 0.0, largest=0.0).error == 0
