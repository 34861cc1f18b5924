"""Newton's method with an approximate inverse and a line search; the implicit function theorem differentiates the root.

The loop itself carries no derivatives. Those of the root u(p) of R(u, p) = 0 are −J⁻¹ ∂R/∂p, a linear solve with the
exact Jacobian, done only when somebody differentiates, in forward or in reverse mode.
"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from interphase.solvers.krylov import dot, gmres

AIM = 0.8  # of the tolerance: where the last linear solve of the loop is meant to end
ENOUGH = 0.25  # of the residual: a step that leaves less is taken as it is
REFINEMENT = 1e-3  # of the norm that an inexact inverse leaves, in every iteration of a solve that carries derivatives
REFINEMENTS = 10  # of which it takes three or four
ROOT = "root"  # the name under which a policy of `jax.checkpoint` may keep what a solve has found


class NewtonReport(eqx.Module):
    """How the iteration fared.

    **Arguments:**

    - `steps`: Newton steps taken; `linear_iterations`: of all linear solves.
    - `residual`: its final norm; where round-off leaves more than the tolerance, times the latter over the former.
    """

    steps: Array
    linear_iterations: Array
    residual: Array


class AbstractLinearisation(eqx.Module):
    """The Jacobian J at some unknowns, nearly: inside the loop it need not be exact."""

    @abc.abstractmethod
    def solve(self, residual: PyTree, tolerance: Array) -> tuple[PyTree, Array]:
        """J⁻¹ residual, to `tolerance` of the residual's norm, and the inner iterations that took."""

    @abc.abstractmethod
    def inverse(self, residual: PyTree, tolerance: float) -> PyTree:
        """J⁻¹ residual as a map that can be transposed, to `tolerance` but for what is not exact in J itself."""


class AbstractRootProblem(eqx.Module):
    """A system of equations; its own arrays are the parameters p by which the root may be differentiated."""

    @abc.abstractmethod
    def residual(self, unknowns: PyTree) -> PyTree:
        """R(u), of the structure of the unknowns, every part scaled so that a norm of one is a gross error."""

    def round_off(self, unknowns: PyTree) -> Array | float:
        """Norm of the residual that round-off alone leaves at such unknowns; zero where it does not matter."""
        return 0.0

    def locally_solved(self, unknowns: PyTree) -> PyTree:
        """The unknowns, those of local laws nearer to what these ask for with all others as they are."""
        return unknowns

    @abc.abstractmethod
    def prepare(self, unknowns: PyTree) -> PyTree:
        """What is costly and may stay as it is for all iterations, such as multigrid hierarchies."""

    @abc.abstractmethod
    def linearised(self, unknowns: PyTree, prepared: PyTree) -> AbstractLinearisation: ...


class Newton(eqx.Module):
    """Settings of the iteration.

    **Arguments:**

    - `tolerance`: accepted norm of the residual.
    - `most_steps`: after which the solve is reported as failed (its residual is then above the tolerance).
    - `forcing`: bounds of the relative tolerance of the linear solves inside the loop; between them it is what takes
      the residual just below `tolerance`.
    - `halvings`: of a step, at most, in search of the least residual along it.
    - `adjoint_tolerance`: of the linear solves that carry derivatives.
    - `prepares_anew`: in every iteration, where what is prepared at the start would soon be out of date.
    """

    tolerance: float = eqx.field(static=True, default=1e-4)
    most_steps: int = eqx.field(static=True, default=15)
    forcing: tuple[float, float] = eqx.field(static=True, default=(1e-3, 1e-1))
    halvings: int = eqx.field(static=True, default=5)
    adjoint_tolerance: float = eqx.field(static=True, default=1e-8)
    prepares_anew: bool = eqx.field(static=True, default=False)

    def solve(self, problem: AbstractRootProblem, start: PyTree) -> tuple[PyTree, NewtonReport]:
        """The root nearest to `start`, and how the iteration fared. A failed solve is not raised."""
        unknowns, report = _iterate(self, jax.lax.stop_gradient(problem), jax.lax.stop_gradient(start))
        return _implicit(problem, checkpoint_name(unknowns, ROOT), self), report


def nearest(problem: AbstractRootProblem, guesses: tuple[PyTree, ...]) -> PyTree:
    """Of several first guesses, local laws solved, the one that leaves the least residual."""
    problem, stacked = jax.lax.stop_gradient((problem, jax.tree.map(lambda *parts: jnp.stack(parts), *guesses)))
    stacked = jax.lax.map(problem.locally_solved, stacked)
    sizes = jax.lax.map(lambda guess: _norm(problem.residual(guess)), stacked)
    best = jnp.argmin(jnp.where(jnp.isfinite(sizes), sizes, jnp.inf))
    return jax.tree.map(lambda parts: parts[best], stacked)


def _norm(residual: PyTree) -> Array:
    return jnp.sqrt(dot(residual, residual))


def _iterate(settings: Newton, problem: AbstractRootProblem, start: PyTree) -> tuple[PyTree, NewtonReport]:
    def allowed(unknowns):
        return jnp.maximum(settings.tolerance, problem.round_off(unknowns))

    def unfinished(carry):
        unknowns, _, size, steps, _ = carry
        return (size > allowed(unknowns)) & (steps < settings.most_steps) & jnp.isfinite(size)

    def iterate(carry):
        unknowns, residual, size, steps, count = carry
        forcing = jnp.clip(AIM * allowed(unknowns) / size, *settings.forcing)
        step, iterations = linearised(unknowns, steps).solve(residual, forcing)

        def attempt(length):
            moved = problem.locally_solved(jax.tree.map(lambda x, d: x - length * d, unknowns, step))
            residual = problem.residual(moved)
            return moved, residual, _norm(residual)

        unknowns, residual, size = _least_along(attempt, (unknowns, residual, size), settings.halvings)
        return unknowns, residual, size, steps + 1, count + iterations

    prepared = None if settings.prepares_anew else problem.prepare(start)
    # Shares with `prepared` what both are made of; often it is the only one.
    first = None if prepared is None else problem.linearised(start, prepared)

    def linearised(unknowns, steps):
        if prepared is None:
            return problem.linearised(unknowns, problem.prepare(unknowns))
        return jax.lax.cond(steps == 0, lambda: first, lambda: problem.linearised(unknowns, prepared))

    zero = jnp.zeros((), jnp.int32)
    residual = problem.residual(start)
    carry = (start, residual, _norm(residual), zero, zero)
    unknowns, _, size, steps, count = jax.lax.while_loop(unfinished, iterate, carry)
    least = problem.round_off(unknowns)
    size = jnp.where(least > settings.tolerance, size * settings.tolerance / jnp.maximum(least, 1e-30), size)
    return unknowns, NewtonReport(steps, count, size)


def _least_along(attempt: Callable, here: tuple[PyTree, PyTree, Array], halvings: int) -> tuple[PyTree, PyTree, Array]:
    """The best of full step, half, quarter, …: as short as still gains something, were the full one not good enough.

    The first decrease is not good enough where laws have corners (lithium about to flow, faces about to part): one that
    gains a tenth at full length often gains nine at half.

    **Arguments:**

    - `attempt`: unknowns, residual and its norm at a length; `here`: at length zero.
    """
    *_, size = here

    def worth_a_try(trial):
        length, (*_, least), latest = trial
        gaining = ~(least < size) | (latest <= least)
        return gaining & ~(least < ENOUGH * size) & (length > 0.5**halvings)

    def shorten(trial):
        length, best, _ = trial
        moved = attempt(length / 2)
        better = moved[-1] < best[-1]
        return length / 2, jax.tree.map(lambda new, old: jnp.where(better, new, old), moved, best), moved[-1]

    # Starting from length 2 lets one traced body serve the full step and all its halvings.
    nothing = (*here[:2], jnp.inf + size)
    _, best, _ = jax.lax.while_loop(worth_a_try, shorten, (jnp.asarray(2.0, size.dtype), nothing, jnp.inf + size))
    return best


@eqx.filter_custom_jvp
def _implicit(problem: AbstractRootProblem, unknowns: PyTree, settings: Newton) -> PyTree:
    return unknowns


@_implicit.def_jvp
def _implicit_jvp(primals, tangents):
    problem, unknowns, settings = primals
    problem_tangent, _, _ = tangents
    residual, change = eqx.filter_jvp(lambda p: p.residual(unknowns), (problem,), (problem_tangent,))
    change = jax.tree.map(lambda r, c: jnp.zeros_like(r) if c is None else c, residual, change)
    frozen = jax.lax.stop_gradient(problem)
    _, jacobian = jax.linearize(frozen.residual, unknowns)
    linearisation = frozen.linearised(unknowns, frozen.prepare(unknowns))
    # The solve is of one vector: as a part of its own, a row that no parameter enters would have no derivative.
    right_side, unravel = ravel_pytree(change)

    def flat(linear):
        return lambda x: ravel_pytree(linear(unravel(x)))[0]

    inverse = flat(lambda r: linearisation.inverse(r, REFINEMENT))

    def refined(matvec, right_side, inverse):
        return gmres(matvec, right_side, inverse, settings.adjoint_tolerance, basis_size=REFINEMENTS)[0]

    def solve(matvec, right_side):
        return refined(matvec, right_side, inverse)

    def transpose_solve(vecmat, right_side):
        transposed = jax.linear_transpose(inverse, right_side)
        return refined(vecmat, right_side, lambda r: transposed(r)[0])

    response = jax.lax.custom_linear_solve(flat(jacobian), right_side, solve, transpose_solve)
    return unknowns, unravel(-response)
