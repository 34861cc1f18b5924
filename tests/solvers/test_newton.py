"""Newton's method: quadratic convergence, failure as a value, and derivatives of the root."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from cells import random
from interphase.solvers.newton import AbstractLinearisation, AbstractRootProblem, Newton, nearest

SIZE = 12
MATRIX = 4 * jnp.eye(SIZE) + 0.3 * random(0, SIZE, SIZE)


class Given(AbstractLinearisation):
    """A matrix inverse (or a number) that is at hand."""

    matrix: Array

    def solve(self, residual, tolerance):
        return self.inverse(residual, tolerance), jnp.ones((), jnp.int32)

    def inverse(self, residual, tolerance):
        return jnp.dot(self.matrix, residual)


class Cubic(AbstractRootProblem):
    """M u + s u³ = b, with the exact Jacobian's inverse or a blunt one."""

    stiffness: Array
    load: Array
    exact: bool = eqx.field(static=True, default=True)

    def residual(self, unknowns):
        return MATRIX @ unknowns + self.stiffness * unknowns**3 - self.load

    def prepare(self, unknowns):
        return jnp.linalg.inv(MATRIX)

    def linearised(self, unknowns, prepared):
        if not self.exact:
            return Given(prepared)
        return Given(jnp.linalg.inv(MATRIX + jnp.diag(3 * self.stiffness * unknowns**2)))


class Kink(AbstractRootProblem):
    """arctan(5u) = level: the full Newton step from afar diverges; a level beyond π/2 has no root at all."""

    level: Array

    def residual(self, unknowns):
        return jnp.arctan(5 * unknowns) - self.level

    def prepare(self, unknowns):
        return unknowns

    def linearised(self, unknowns, prepared):
        return Given((1 + 25 * unknowns**2) / 5)


class Rounded(Cubic):
    """The cubic where the last digits of the residual mean nothing."""

    def residual(self, unknowns):
        return super().residual(unknowns) + 1e-7 * jnp.sin(1e9 * unknowns)

    def round_off(self, unknowns):
        return 1e-7 * jnp.sqrt(1.0 * SIZE)


def cubic(stiffness=0.5, exact=True):
    return Cubic(jnp.asarray(stiffness), random(1, SIZE), exact)


def test_root_and_quadratic_convergence():
    """The error after each step is bounded by a constant times the square of the one before."""
    problem = cubic(2.0)
    exact, report = Newton(tolerance=1e-13, most_steps=30).solve(problem, jnp.zeros(SIZE))
    assert float(report.residual) <= 1e-13
    errors = []
    for steps in range(1, 5):
        root, _ = Newton(tolerance=0.0, most_steps=steps).solve(problem, jnp.zeros(SIZE))
        errors.append(float(jnp.linalg.norm(root - exact)))
    assert errors[0] > 1e-3 and errors[3] < 1e-9
    orders = [
        np.log(b / a) / np.log(a / z) for z, a, b in zip(errors, errors[1:], errors[2:], strict=False) if b > 1e-13
    ]
    assert orders and min(orders) > 1.8


def test_an_approximate_inverse_still_finds_the_root():
    """With the Jacobian frozen the convergence is linear but the root is the same."""
    root, report = Newton(tolerance=1e-10, most_steps=60).solve(cubic(exact=False), jnp.zeros(SIZE))
    exact, _ = Newton(tolerance=1e-12).solve(cubic(), jnp.zeros(SIZE))
    np.testing.assert_allclose(root, exact, atol=1e-9)
    assert int(report.steps) > 5 and int(report.linear_iterations) == int(report.steps)


def test_backtracking_saves_a_step_that_overshoots():
    """From u = 2 full steps of arctan(5u) = 0 diverge; halved ones converge."""
    root, report = Newton(tolerance=1e-10, most_steps=30).solve(Kink(jnp.asarray(0.0)), jnp.asarray(2.0))
    assert abs(float(root)) < 1e-9 and float(report.residual) <= 1e-10
    _, bold = Newton(tolerance=1e-10, most_steps=30, halvings=0).solve(Kink(jnp.asarray(0.0)), jnp.asarray(2.0))
    assert not float(bold.residual) <= 1e-10


def test_a_failed_solve_is_a_value():
    """Without a root the report's residual stays above the tolerance, nothing is raised."""
    settings = Newton(tolerance=1e-8, most_steps=7)
    _, report = jax.jit(settings.solve)(Kink(jnp.asarray(2.0)), jnp.asarray(0.5))
    assert float(report.residual) > 1e-8
    assert int(report.steps) == 7


def functional(stiffness, load):
    problem = Cubic(stiffness, load)
    root, _ = Newton(tolerance=1e-13, most_steps=30, adjoint_tolerance=1e-12).solve(problem, jnp.zeros(SIZE))
    return jnp.sum(jnp.sin(root) * jnp.arange(1.0, SIZE + 1))


@pytest.mark.parametrize("mode", [jax.jacfwd, jax.jacrev])
def test_derivative_of_the_root(mode):
    """Forward and reverse mode equal central differences to 1e-7, for a scalar parameter and for a vector."""
    stiffness, load = jnp.asarray(0.7), random(1, SIZE)
    by_stiffness, by_load = jax.jit(mode(functional, argnums=(0, 1)))(stiffness, load)
    value = jax.jit(functional)
    step = 1e-5
    difference = (value(stiffness + step, load) - value(stiffness - step, load)) / (2 * step)
    assert float(by_stiffness) == pytest.approx(float(difference), rel=1e-7)
    for k in range(0, SIZE, 5):
        nudge = jnp.zeros(SIZE).at[k].set(step)
        difference = (value(stiffness, load + nudge) - value(stiffness, load - nudge)) / (2 * step)
        assert float(by_load[k]) == pytest.approx(float(difference), rel=1e-7)


def test_the_start_carries_no_derivative():
    """The root does not depend on where the iteration began."""
    slope = jax.grad(lambda start: jnp.sum(Newton(tolerance=1e-12, most_steps=30).solve(cubic(), start)[0]))(
        jnp.zeros(SIZE)
    )
    assert not np.any(slope)


def test_the_guess_with_the_least_residual_is_taken():
    """Also beside one that is not finite; of a root itself nothing better is to be had."""
    problem = Cubic(jnp.asarray(0.5), random(1, SIZE))
    root, _ = Newton(tolerance=1e-12).solve(problem, jnp.zeros(SIZE))
    guesses = (jnp.zeros(SIZE), jnp.full(SIZE, jnp.inf), root + 1e-3, root + 1.0)
    np.testing.assert_array_equal(nearest(problem, guesses), guesses[2])
    np.testing.assert_array_equal(nearest(problem, (*guesses, root)), root)


def test_digits_that_mean_nothing_are_not_chased():
    """Below round-off the iteration stops, and what it reports meets the tolerance."""
    rounded = Rounded(jnp.asarray(0.5), random(1, SIZE))
    found, report = Newton(tolerance=1e-12, most_steps=30).solve(rounded, jnp.zeros(SIZE))
    exact, plain = Newton(tolerance=1e-12, most_steps=30).solve(cubic(), jnp.zeros(SIZE))
    assert int(report.steps) <= int(plain.steps)
    assert float(report.residual) <= 1e-12
    np.testing.assert_allclose(found, exact, atol=3e-7)
