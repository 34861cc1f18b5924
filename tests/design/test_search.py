"""The search on problems whose optimum is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.design.problem import Judgement
from interphase.design.search import CONVERGED, RUNNING, Search, Settings, advance, begin, start_points

TOLERANCE = 1e-6


def judged(objective, constraints) -> Judgement:
    constraints = jnp.atleast_1d(jnp.asarray(constraints, float))
    return Judgement(jnp.asarray(objective), jnp.zeros(1), jnp.zeros(1), constraints, jnp.zeros(()))


def searched(function, constraints, start, settings: Settings, most: int = 200) -> tuple[Search, int]:
    """Runs a search on `function(u)` under `constraints(u) ≤ 0`."""
    point = jnp.asarray(start, float)

    def lagrangian(u, multipliers, penalty):
        c = jnp.atleast_1d(constraints(u)) if constraints else jnp.zeros(0)
        pressed = jnp.maximum(multipliers + penalty * c, 0.0)
        return function(u) + jnp.sum(pressed**2 - multipliers**2) / (2 * penalty), judged(function(u), c)

    evaluate = jax.jit(jax.value_and_grad(lagrangian, has_aux=True))
    step = jax.jit(lambda s, v, g, j: advance(s, v, g, j, settings, TOLERANCE))
    shape = lagrangian(point, jnp.zeros(1 if constraints else 0), 1.0)[1]
    search = begin(point, shape, settings)
    for count in range(most):
        if int(search.status) != RUNNING:
            return search, count
        (value, judgement), gradient = evaluate(search.trial, search.multipliers, search.penalty)
        search, _ = step(search, value, gradient, judgement)
    return search, most


def bowl(u):
    """An ill-conditioned quadratic with its minimum at (0.3, 0.7)."""
    return 100 * (u[0] - 0.3) ** 2 + (u[1] - 0.7) ** 2 + 5 * (u[0] - 0.3) * (u[1] - 0.7)


def test_quasi_newton_finds_the_minimum_of_a_quadratic():
    search, count = searched(bowl, None, [0.9, 0.1], Settings(tolerance=1e-6))
    assert int(search.status) == CONVERGED
    np.testing.assert_allclose(search.point, [0.3, 0.7], atol=1e-4)
    assert count < 30


def test_an_optimum_at_a_bound_is_one():
    """Downhill leads out of the cube: the projected gradient is zero there and the search ends."""
    search, _ = searched(lambda u: (u[0] + 0.5) ** 2 + (u[1] - 0.4) ** 2, None, [0.5, 0.9], Settings(tolerance=1e-6))
    assert int(search.status) == CONVERGED
    np.testing.assert_allclose(search.point, [0.0, 0.4], atol=1e-4)


def test_adam_finds_the_minimum():
    settings = Settings(method="adam", tolerance=1e-3, evaluations=400, learning_rate=0.05)
    search, _ = searched(lambda u: jnp.sum((u - jnp.asarray([0.3, 0.7])) ** 2), None, [0.9, 0.1], settings, 400)
    np.testing.assert_allclose(search.point, [0.3, 0.7], atol=2e-3)


def test_a_constraint_is_kept_and_its_multiplier_is_the_shadow_price():
    """The point of the disc u₀² + u₁² ≤ ½ nearest to the corner (1, 1) is (½, ½), with multiplier 1."""
    search, count = searched(
        lambda u: jnp.sum((u - 1) ** 2), lambda u: jnp.sum(u**2) - 0.5, [0.9, 0.1], Settings(tolerance=1e-4)
    )
    assert count < 100
    assert int(search.status) == CONVERGED
    np.testing.assert_allclose(search.point, [0.5, 0.5], atol=2e-3)
    assert float(search.multipliers[0]) == pytest.approx(1.0, rel=0.02)
    assert float(search.judgement.constraints[0]) < 1e-3


def test_what_cannot_be_computed_is_rejected_and_counted():
    """Beyond u₀ = 0.6 nothing is finite; the search turns back and still arrives."""

    def function(u):
        return jnp.where(u[0] > 0.6, jnp.nan, 1.0) * (10 * (u[0] - 0.55) ** 2 + (u[1] - 0.5) ** 2)

    search, _ = searched(function, None, [0.1, 0.1], Settings(tolerance=1e-6))
    assert np.isfinite(float(search.value))
    np.testing.assert_allclose(search.point, [0.55, 0.5], atol=1e-3)


def test_an_unsolved_run_is_never_taken():
    search = begin(jnp.full(2, 0.5), judged(0.0, []), Settings())
    poor = judged(0.0, [])
    poor = Judgement(poor.objective, poor.shares, poor.terms, poor.constraints, jnp.asarray(1.0))
    after, takes = advance(search, jnp.asarray(0.0), jnp.ones(2), poor, Settings(), TOLERANCE)
    assert not bool(takes)
    assert int(after.rejected) == 1
    assert int(after.taken) == 0


def test_searches_in_a_batch_are_those_alone():
    """A start's path does not depend on its neighbours."""
    settings = Settings(tolerance=1e-6)
    starts = jnp.asarray([[0.9, 0.1], [0.2, 0.2], [0.5, 0.95]])
    shape = judged(0.0, [])
    evaluate = jax.vmap(jax.value_and_grad(bowl))
    searches = jax.vmap(lambda s: begin(s, shape, settings))(starts)
    move = jax.vmap(lambda s, v, g: advance(s, v, g, judged(v, []), settings, TOLERANCE)[0])
    for _ in range(12):
        searches = move(searches, *evaluate(searches.trial))
    alone = begin(starts[1], shape, settings)
    for _ in range(12):
        value, gradient = jax.value_and_grad(bowl)(alone.trial)
        alone, _ = advance(alone, value, gradient, judged(value, []), settings, TOLERANCE)
    np.testing.assert_allclose(searches.point[1], alone.point, rtol=1e-12)


def test_starts_are_the_same_for_the_same_seed_and_spread():
    first, again, other = (start_points(3, 8, seed, None) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.min() >= 0.1
    assert first.max() <= 0.9
    assert np.ptp(first, axis=0).min() > 0.5
