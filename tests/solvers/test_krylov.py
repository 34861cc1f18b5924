"""Krylov solvers against dense solves, and what they say when they fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import random
from interphase.solvers.krylov import conjugate_gradients, dot, gmres

SIZE = 40


def identity(x):
    return x


def symmetric_positive(seed=0):
    matrix = random(seed, SIZE, SIZE)
    return matrix @ matrix.T + SIZE * jnp.eye(SIZE)


def test_dot_sums_over_leaves():
    """The inner product of two trees is the sum over their leaves."""
    assert float(dot((jnp.arange(3.0), jnp.ones(2)), (jnp.ones(3), 2 * jnp.ones(2)))) == 7.0


@pytest.mark.parametrize("preconditioned", [False, True])
def test_conjugate_gradients_solve_a_dense_system(preconditioned):
    """Agrees with a dense solve; the report is the true relative residual."""
    matrix, right_side = symmetric_positive(), random(1, SIZE)
    inverse_diagonal = 1 / jnp.diag(matrix) if preconditioned else 1.0
    x, report = jax.jit(
        lambda b: conjugate_gradients(lambda v: matrix @ v, b, lambda r: inverse_diagonal * r, tolerance=1e-11)
    )(right_side)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, right_side), rtol=1e-8, atol=1e-10)
    residual = jnp.linalg.norm(right_side - matrix @ x) / jnp.linalg.norm(right_side)
    assert float(report.residual) <= 1e-11 and float(residual) <= 2e-11
    assert 1 < int(report.iterations) <= SIZE + 5


def test_conjugate_gradients_end_after_as_many_steps_as_there_are_eigenvalues():
    """Three distinct eigenvalues take three iterations; an exact inverse as preconditioner takes one."""
    values = jnp.asarray([1.0, 5.0, 100.0])[jnp.arange(SIZE) % 3]
    right_side = random(1, SIZE)
    _, report = conjugate_gradients(lambda v: values * v, right_side, identity, tolerance=1e-10)
    assert int(report.iterations) == 3
    _, report = conjugate_gradients(lambda v: values * v, right_side, lambda r: r / values, tolerance=1e-10)
    assert int(report.iterations) == 1


def test_a_failed_solve_is_reported_not_raised():
    """With too few iterations allowed the residual stays above the tolerance and says so."""
    matrix = symmetric_positive()
    _, report = conjugate_gradients(lambda v: matrix @ v, random(1, SIZE), identity, tolerance=1e-12, most_iterations=2)
    assert int(report.iterations) == 2 and float(report.residual) > 1e-12
    _, report = gmres(lambda v: matrix @ v, random(1, SIZE), identity, 1e-12, basis_size=2, most_restarts=1)
    assert int(report.iterations) == 2 and float(report.residual) > 1e-12


def test_conjugate_gradients_take_trees():
    """The unknowns may be a tuple of arrays."""
    matrix, right_side = symmetric_positive(), (random(1, SIZE), jnp.asarray(3.0))
    x, _ = conjugate_gradients(lambda v: (matrix @ v[0], 5 * v[1]), right_side, identity, tolerance=1e-11)
    np.testing.assert_allclose(x[0], np.linalg.solve(matrix, right_side[0]), rtol=1e-8, atol=1e-10)
    assert float(x[1]) == pytest.approx(0.6, rel=1e-9)


def test_nothing_to_solve_is_zero():
    """A zero right side gives zero, without division by its norm."""
    for solver in (conjugate_gradients, gmres):
        x, report = solver(lambda v: 2.0 * v, jnp.zeros(5), identity)
        assert not np.any(x) and int(report.iterations) == 0 and float(report.residual) == 0.0


@pytest.mark.parametrize("basis_size, most_restarts", [(SIZE, 1), (15, 40)])
def test_gmres_solves_a_dense_unsymmetric_system(basis_size, most_restarts):
    """Agrees with a dense solve with a full basis and with restarts; the reported residual is the true one."""
    matrix, right_side = 3 * jnp.eye(SIZE) + random(0, SIZE, SIZE) / np.sqrt(SIZE), random(1, SIZE)
    solve = jax.jit(lambda b: gmres(lambda v: matrix @ v, b, identity, 1e-11, basis_size, most_restarts))
    x, report = solve(right_side)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, right_side), rtol=1e-7, atol=1e-9)
    residual = jnp.linalg.norm(right_side - matrix @ x) / jnp.linalg.norm(right_side)
    assert float(report.residual) == pytest.approx(float(residual), rel=1e-3)
    assert float(residual) <= 1e-11


def test_gmres_takes_trees_and_an_inner_iteration_as_preconditioner():
    """Flexible: the preconditioner may be a solve to loose tolerance, the unknowns a tuple."""
    matrix = symmetric_positive()
    skew = random(3, SIZE, SIZE)
    operator_matrix = matrix + 2 * (skew - skew.T)

    def operator(x):
        vector, number = x
        return operator_matrix @ vector + number, jnp.sum(vector) + 50 * number

    def preconditioner(r):
        return conjugate_gradients(lambda v: matrix @ v, r[0], identity, tolerance=1e-1)[0], r[1] / 50

    right_side = random(1, SIZE), jnp.asarray(2.0)
    x, report = gmres(operator, right_side, preconditioner, 1e-10)
    dense = np.block([[np.asarray(operator_matrix), np.ones((SIZE, 1))], [np.ones((1, SIZE)), np.full((1, 1), 50.0)]])
    exact = np.linalg.solve(dense, np.append(right_side[0], right_side[1]))
    np.testing.assert_allclose(np.append(x[0], x[1]), exact, rtol=1e-6, atol=1e-9)
    assert int(report.iterations) < 40
