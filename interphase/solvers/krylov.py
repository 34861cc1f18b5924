"""Krylov solvers that return how they fared, and linear solves that differentiate through the answer, not the loop."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

Operator = Callable[[PyTree], PyTree]


class SolveReport(eqx.Module):
    """How a solve went: iterations used, final residual over the norm of the right side."""

    iterations: Array
    residual: Array


def dot(a: PyTree, b: PyTree) -> Array:
    # A barrier: on a CPU the sum of a product takes ten times as long as the product and then its sum.
    products = jax.lax.optimization_barrier(jax.tree.map(jnp.multiply, a, b))
    # The zero has no precision of its own: the sum keeps that of the products.
    return sum((jnp.sum(product) for product in jax.tree.leaves(products)), jnp.asarray(0.0))


def add(a: PyTree, factor: Array | float, b: PyTree) -> PyTree:
    """a + factor·b."""
    return jax.tree.map(lambda x, y: x + factor * y, a, b)


def conjugate_gradients(
    operator: Operator,
    right_side: PyTree,
    preconditioner: Operator,
    tolerance: float = 1e-8,
    most_iterations: int = 200,
) -> tuple[PyTree, SolveReport]:
    """Preconditioned conjugate gradients for a symmetric positive (semi)definite operator, from zero.

    **Arguments:**

    - `tolerance`: stop when ‖r‖ ≤ tolerance·‖right side‖.

    **Returns:** the solution and a report. A report with a residual above the tolerance is a failed solve.
    """
    scale = jnp.sqrt(dot(right_side, right_side))
    scale = jnp.where(scale == 0, 1.0, scale)

    def unfinished(carry):
        _, residual, _, _, count = carry
        return (jnp.sqrt(dot(residual, residual)) > tolerance * scale) & (count < most_iterations)

    def iterate(carry):
        x, residual, direction, previous, count = carry
        z = preconditioner(residual)
        product = dot(residual, z)
        direction = add(z, jnp.where(count == 0, 0.0, product / previous), direction)
        image = jax.lax.optimization_barrier(operator(direction))
        step = product / dot(direction, image)
        return add(x, step, direction), add(residual, -step, image), direction, product, count + 1

    zero = jax.tree.map(jnp.zeros_like, right_side)
    carry = (zero, right_side, zero, jnp.ones_like(scale), jnp.zeros((), jnp.int32))
    x, residual, _, _, count = jax.lax.while_loop(unfinished, iterate, carry)
    return x, SolveReport(count, jnp.sqrt(dot(residual, residual)) / scale)


def gmres(
    operator: Operator,
    right_side: PyTree,
    preconditioner: Operator,
    tolerance: float | Array = 1e-6,
    basis_size: int = 20,
    most_restarts: int = 5,
) -> tuple[PyTree, SolveReport]:
    """Restarted flexible GMRES with right preconditioning; the residual it reports is the true one.

    The first guess is zero. The preconditioner may itself be an iteration. Orthogonalisation is modified Gram–Schmidt,
    row by row: products with the whole basis would read, and copy, what is not filled yet. Rotations are Givens'.
    Source: Saad, Iterative Methods for Sparse Linear Systems, alg. 9.6.
    """
    flat_right_side, unravel = ravel_pytree(right_side)
    dtype = flat_right_side.dtype
    scale = jnp.linalg.norm(flat_right_side)
    scale = jnp.where(scale == 0, 1.0, scale)

    def row(matrix, k):
        return jax.lax.dynamic_index_in_dim(matrix, k, keepdims=False)

    def put(matrix, vector, k):
        return jax.lax.dynamic_update_index_in_dim(matrix, vector, k, 0)

    def arnoldi(carry):
        basis, directions, hessenberg, rotations, projected, size = carry
        direction = preconditioner(unravel(jax.lax.optimization_barrier(row(basis, size))))
        directions = put(directions, ravel_pytree(direction)[0], size)
        # A barrier: what puts the vector together would compute the operator's last stencil again.
        vector = ravel_pytree(jax.lax.optimization_barrier(operator(direction)))[0]

        def orthogonalise(k, carry):
            basis, vector, column = jax.lax.optimization_barrier(carry)
            overlap = dot(row(basis, k), vector)
            return basis, vector - overlap * row(basis, k), column.at[k].set(overlap)

        column = jnp.zeros(basis_size + 1, dtype)
        basis, vector, column = jax.lax.fori_loop(0, size + 1, orthogonalise, (basis, vector, column))
        norm = jnp.linalg.norm(vector)
        basis = put(basis, vector / jnp.where(norm == 0, 1.0, norm), size + 1)
        column = column.at[size + 1].set(norm)

        def rotate(k, column):
            cosine, sine = rotations[k]
            first, second = column[k], column[k + 1]
            return column.at[k].set(cosine * first + sine * second).at[k + 1].set(cosine * second - sine * first)

        column = jax.lax.fori_loop(0, size, rotate, column)
        first, second = column[size], column[size + 1]
        radius = jnp.hypot(first, second)
        radius = jnp.where(radius == 0, 1.0, radius)
        cosine, sine = first / radius, second / radius
        rotations = rotations.at[size].set(jnp.stack([cosine, sine]))
        hessenberg = hessenberg.at[size].set(column.at[size].set(radius).at[size + 1].set(0.0))
        projected = projected.at[size + 1].set(-sine * projected[size]).at[size].multiply(cosine)
        return basis, directions, hessenberg, rotations, projected, size + 1

    def unfinished(carry):
        *_, projected, size = carry
        return (jnp.abs(projected[size]) > tolerance * scale) & (size < basis_size)

    def restart(carry):
        x, residual, count, restarts = carry
        norm = jnp.linalg.norm(residual)
        start = (
            jnp.zeros((basis_size + 1, residual.size), dtype).at[0].set(residual / jnp.where(norm == 0, 1.0, norm)),
            jnp.zeros((basis_size, residual.size), dtype),
            jnp.eye(basis_size, basis_size + 1, dtype=dtype),  # row k holds column k of the matrix
            jnp.zeros((basis_size, 2), dtype),
            jnp.zeros(basis_size + 1, dtype).at[0].set(norm),
            jnp.zeros((), jnp.int32),
        )
        _, directions, hessenberg, _, projected, size = jax.lax.while_loop(unfinished, arnoldi, start)
        used = jnp.arange(basis_size) < size
        coefficients = jax.scipy.linalg.solve_triangular(
            hessenberg[:, :-1].T, jnp.where(used, projected[:-1], 0.0), lower=False
        )
        coefficients = jnp.where(used, coefficients, 0.0)
        x = jax.lax.fori_loop(0, size, lambda k, x: x + coefficients[k] * directions[k], x)
        residual = flat_right_side - ravel_pytree(operator(unravel(x)))[0]
        return x, residual, count + size, restarts + 1

    def unsolved(carry):
        _, residual, _, restarts = carry
        return (jnp.linalg.norm(residual) > tolerance * scale) & (restarts < most_restarts)

    zero = jnp.zeros((), jnp.int32)
    x, residual, count, _ = jax.lax.while_loop(
        unsolved, restart, (jnp.zeros_like(flat_right_side), flat_right_side, zero, zero)
    )
    return unravel(x), SolveReport(count, jnp.linalg.norm(residual) / scale)
