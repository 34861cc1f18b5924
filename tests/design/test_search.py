"""The search on problems whose optimum is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.optimize import minimize

from interphase.design.descent import Constraints, first_curvature, least, updated
from interphase.design.problem import Judgement
from interphase.design.search import CONVERGED, RUNNING, Search, Settings, advance, begin, start_points

TOLERANCE = 1e-6


def judged(objective, constraints) -> Judgement:
    constraints = jnp.atleast_1d(jnp.asarray(constraints, float))
    return Judgement(jnp.asarray(objective), jnp.zeros(1), jnp.zeros(1), constraints, jnp.zeros(()))


def searched(function, constraints, start, settings: Settings, most: int = 200) -> tuple[Search, int]:
    """Runs a search on `function(u)` under `constraints(u) ≤ 0`."""
    point = jnp.asarray(start, float)
    constraints = constraints or (lambda u: jnp.zeros(0))

    @jax.jit
    def evaluate(u):
        held = lambda u: jnp.atleast_1d(constraints(u))  # noqa: E731
        return judged(function(u), held(u)), jax.grad(function)(u), jax.jacfwd(held)(u)

    step = jax.jit(lambda s, *found: advance(s, *found, settings, TOLERANCE))
    search = begin(point, evaluate(point)[0], settings)
    for count in range(most):
        if int(search.status) != RUNNING:
            return search, count
        search, _ = step(search, *evaluate(search.trial))
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


def test_a_constraint_needs_few_evaluations():
    """A long valley along a curved constraint: what the constraint adds is known, so nothing has to be learnt of it."""

    def function(u):
        return 0.5 * (u[0] - 0.9) ** 2 + 2 * (u[1] - 0.2) ** 2 - 0.3 * u[2] + 0.05 * jnp.sum(u) ** 2

    def beyond(u):
        return 5 * (u[2] - 0.8 + 0.6 * u[0] ** 2)

    search, count = searched(function, beyond, [0.2, 0.8, 0.1], Settings(tolerance=1e-3))
    assert int(search.status) == CONVERGED
    assert count <= 20
    best = minimize(
        function, [0.5, 0.5, 0.5], method="SLSQP", bounds=[(0, 1)] * 3, tol=1e-12,
        constraints={"type": "ineq", "fun": lambda u: -beyond(u)},
    )  # fmt: skip
    np.testing.assert_allclose(search.point, best.x, atol=2e-3)


@given(some.integers(0, 10_000))
def test_the_model_is_least_where_its_slope_is_blocked(seed):
    """Within the box the slope of the convex model is zero, at its sides it leads out."""
    random = np.random.default_rng(seed)
    n, m = random.integers(1, 8), random.integers(0, 5)
    root = random.normal(size=(n, n))
    curvature = root @ root.T + 0.05 * np.eye(n)
    slope, lower, upper = random.normal(size=n), -random.uniform(0, 1, n), random.uniform(0, 1, n)
    constraints = Constraints(
        jnp.asarray(random.normal(size=m)), jnp.asarray(random.normal(size=(m, n))),
        jnp.asarray(random.uniform(0, 1, m)), jnp.asarray(10 ** random.uniform(-1, 3)),
    )  # fmt: skip
    step = np.asarray(jax.jit(least)(jnp.asarray(slope), jnp.asarray(curvature), constraints, lower, upper))
    downhill = -(slope + curvature @ step + np.asarray(constraints.slope(jnp.asarray(step))))
    scale = np.linalg.norm(slope) + float(jnp.linalg.norm(constraints.slope(jnp.zeros(n))))
    left = np.clip(step + downhill, lower, upper) - step
    assert np.linalg.norm(left) <= 1e-6 * scale


def test_curvature_is_gathered_and_stays_positive():
    """Of a quadratic it becomes the Hessian; along a step that curves downward it is damped."""
    hessian = np.array([[4.0, 1.0], [1.0, 3.0]])
    curvature = first_curvature(jnp.ones(2))
    for k in range(12):
        step = jnp.asarray([[1.0, 0.2], [-0.3, 1.0]][k % 2])
        curvature = updated(curvature, step, hessian @ step, jnp.asarray(k == 0))
    np.testing.assert_allclose(curvature, hessian, atol=1e-3)
    curvature = updated(curvature, jnp.asarray([1.0, 0.0]), jnp.asarray([-5.0, 0.0]), jnp.asarray(False))
    assert np.linalg.eigvalsh(curvature).min() > 0


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
    after, verdict = advance(search, poor, jnp.ones(2), jnp.zeros((0, 2)), Settings(), TOLERANCE)
    assert not bool(verdict.takes)
    assert int(after.rejected) == 1
    assert int(after.taken) == 0


def test_searches_in_a_batch_are_those_alone():
    """A start's path does not depend on its neighbours."""
    settings = Settings(tolerance=1e-6)
    starts = jnp.asarray([[0.9, 0.1], [0.2, 0.2], [0.5, 0.95]])
    shape = judged(0.0, [])
    evaluate = jax.vmap(jax.value_and_grad(bowl))
    searches = jax.vmap(lambda s: begin(s, shape, settings))(starts)
    none = jnp.zeros((0, 2))
    move = jax.vmap(lambda s, v, g: advance(s, judged(v, []), g, none, settings, TOLERANCE)[0])
    for _ in range(12):
        searches = move(searches, *evaluate(searches.trial))
    alone = begin(starts[1], shape, settings)
    for _ in range(12):
        value, gradient = jax.value_and_grad(bowl)(alone.trial)
        alone, _ = advance(alone, judged(value, []), gradient, none, settings, TOLERANCE)
    np.testing.assert_allclose(searches.point[1], alone.point, rtol=1e-12)


def test_starts_are_the_same_for_the_same_seed_and_spread():
    first, again, other = (start_points(3, 8, seed, None) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.min() >= 0.1
    assert first.max() <= 0.9
    assert np.ptp(first, axis=0).min() > 0.5
