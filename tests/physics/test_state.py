"""The first guess of a balance is continued from the last three."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.physics.start import LONG_AGO
from interphase.state import Recent, Solution


def solution(value):
    number = jnp.asarray(value)
    return Solution(number * jnp.ones((2, 2, 2)), number, number * jnp.ones((2, 2)), number * jnp.ones((2, 2)), number)


def recent(values, steps):
    return Recent(tuple(solution(v) for v in values), tuple(jnp.asarray(s) for s in steps))


def test_a_parabola_is_continued_exactly():
    """Balances sit in the middle of their steps, which need not be of one size."""
    steps, following = (0.3, 0.5, 0.2), 0.4
    middles = np.array([0.7 + 0.15, 0.2 + 0.25, 0.1])
    parabola = np.polynomial.Polynomial([1.0, -2.0, 3.0])
    guess = recent(parabola(middles), steps).continued(jnp.asarray(following))
    for leaf in jax.tree.leaves(guess):
        np.testing.assert_allclose(leaf, parabola(1.0 + following / 2), rtol=1e-12)


@pytest.mark.parametrize(("values", "steps", "expected"), [
    ((5.0, 5.0, 5.0), (LONG_AGO,) * 3, 5.0),
    ((7.0, 5.0, 5.0), (0.2, LONG_AGO, LONG_AGO), 7.0),
    ((9.0, 7.0, 5.0), (0.2, 0.2, LONG_AGO), 11.0),
])  # fmt: skip
def test_what_was_long_ago_is_not_continued(values, steps, expected):
    """The first step has no past, the second only a value, the third only a slope."""
    guess = recent(values, steps).continued(jnp.asarray(0.2))
    np.testing.assert_allclose(guess.metal_potential, expected, rtol=1e-12)


def test_guesses_are_the_parabola_the_line_and_the_last():
    steps, following = (0.3, 0.5, 0.2), 0.4
    middles = np.array([0.7 + 0.15, 0.2 + 0.25, 0.1])
    line = np.polynomial.Polynomial([1.0, -2.0])
    bent = (*line(middles[:2]), 5.0)
    parabola, straight, last = recent(bent, steps).guesses(jnp.asarray(following))
    np.testing.assert_allclose(straight.affinity, line(1.0 + following / 2), rtol=1e-12)
    np.testing.assert_allclose(last.affinity, bent[0], rtol=1e-12)
    fitted = np.polynomial.Polynomial.fit(middles, bent, 2)
    np.testing.assert_allclose(parabola.affinity, fitted(1.0 + following / 2), rtol=1e-12)
