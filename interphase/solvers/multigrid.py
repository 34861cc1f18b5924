"""A geometric multigrid V-cycle with Chebyshev–Jacobi smoothing, for symmetric operators on the staggered grid.

An operator knows how to apply itself, its diagonal, and its coarse twin; the cycle knows nothing else.
The cycle is symmetric, so it can precondition conjugate gradients.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.grid.boundary import MIRROR, after, before

SMALLEST_GRID = 64  # cells; below this a dense inverse is cheaper than another level


class AbstractGridOperator(eqx.Module):
    """A symmetric positive (semi)definite operator that can be rediscretised on a grid with half the cells."""

    @abc.abstractmethod
    def __call__(self, x: Array) -> Array: ...

    @abc.abstractmethod
    def diagonal(self) -> Array: ...

    @abc.abstractmethod
    def coarsened(self) -> "AbstractGridOperator": ...

    @abc.abstractmethod
    def restrict(self, fine: Array) -> Array: ...

    @abc.abstractmethod
    def prolong(self, coarse: Array) -> Array: ...

    @abc.abstractmethod
    def null_modes(self) -> list[Array]:
        """Vectors on which the operator vanishes, orthogonal to one another."""

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Cells per axis."""


class Smoothing(eqx.Module):
    """First-kind Chebyshev–Jacobi sweeps on [λmax/divisor, λmax], the same number before and after.

    **Arguments:**

    - `sweeps`: per side.
    - `divisor`: how much of the spectrum of D⁻¹A the smoother is asked to damp.
    - `largest`: bound λmax of the spectrum of D⁻¹A.
    - `more_on_coarse`: sweeps by which every coarser level has more, where they cost next to nothing.
    """

    sweeps: int = eqx.field(static=True)
    divisor: float = eqx.field(static=True)
    largest: float = eqx.field(static=True, default=2.0)
    more_on_coarse: int = eqx.field(static=True, default=0)

    def on_coarser(self) -> "Smoothing":
        """For the next level: what a Chebyshev polynomial damps grows as the square of its degree."""
        sweeps = self.sweeps + self.more_on_coarse
        return Smoothing(sweeps, self.divisor * (sweeps / self.sweeps) ** 2, self.largest, self.more_on_coarse)

    def __call__(self, operator, inverse_diagonal: Array, right_side: Array, x: Array | None) -> Array:
        momentum, weight = self._coefficients(right_side.dtype)
        update = jnp.zeros_like(right_side)
        first = 0
        if x is None:  # the first sweep from zero needs no operator
            update = weight[0] * inverse_diagonal * right_side
            x, first = update, 1

        def sweep(k, carry):
            # Without the barrier XLA recomputes every earlier sweep inside the next one's stencil.
            x, update = jax.lax.optimization_barrier(carry)
            update = momentum[k] * update + weight[k] * inverse_diagonal * (right_side - operator(x))
            return x + update, update

        x, _ = jax.lax.fori_loop(first, self.sweeps, sweep, (x, update))
        return jax.lax.optimization_barrier(x)

    def _coefficients(self, dtype) -> tuple[Array, Array]:
        """x ← x + u with u ← momentum·u + weight·D⁻¹r: Saad, Iterative Methods for Sparse Linear Systems, alg. 12.1."""
        upper, lower = self.largest, self.largest / self.divisor
        centre, half_width = (upper + lower) / 2, (upper - lower) / 2
        ratio = centre / half_width
        momentum, weight, previous = [0.0], [1 / centre], 1 / ratio
        for _ in range(self.sweeps - 1):
            current = 1 / (2 * ratio - previous)
            momentum.append(current * previous)
            weight.append(2 * current / half_width)
            previous = current
        return jnp.asarray(momentum, dtype), jnp.asarray(weight, dtype)


class Multigrid(eqx.Module):
    """Operators from fine to coarse with what the cycle needs of each. Build with `build`, apply like a function."""

    operators: tuple
    inverse_diagonals: tuple[Array, ...]
    coarsest_inverse: Array
    smoothing: Smoothing

    @staticmethod
    def build(operator: AbstractGridOperator, smoothing: Smoothing, precision=None) -> "Multigrid":
        """Sets up all levels.

        **Arguments:**

        - `precision`: dtype of the cycle; single precision halves its time and costs no iterations.
        """
        widest = operator.diagonal().dtype
        if precision is not None:
            operator = _cast(operator, precision)
        operators = [operator]
        while can_coarsen(operators[-1].shape):
            operators.append(operators[-1].coarsened())
        return Multigrid(
            tuple(operators),
            tuple(1 / level.diagonal() for level in operators),
            _dense_inverse(_cast(operators[-1], widest)).astype(operators[-1].diagonal().dtype),
            smoothing,
        )

    def __call__(self, right_side: Array) -> Array:
        dtype = self.coarsest_inverse.dtype
        return self._cycle(0, self.smoothing, right_side.astype(dtype)).astype(right_side.dtype)

    def _cycle(self, level: int, smoothing: Smoothing, right_side: Array) -> Array:
        operator, inverse_diagonal = self.operators[level], self.inverse_diagonals[level]
        if level == len(self.operators) - 1:
            return (self.coarsest_inverse @ right_side.ravel()).reshape(right_side.shape)
        x = smoothing(operator, inverse_diagonal, right_side, None)
        residual = jax.lax.optimization_barrier(right_side - operator(x))
        on_coarse = jax.lax.optimization_barrier(operator.restrict(residual))
        correction = self._cycle(level + 1, smoothing.on_coarser(), on_coarse)
        x = jax.lax.optimization_barrier(x + operator.prolong(correction))
        return smoothing(operator, inverse_diagonal, right_side, x)


def can_coarsen(shape: tuple[int, ...]) -> bool:
    cells = 1
    for n in shape:
        cells *= n
    return cells > SMALLEST_GRID and any(halves(shape))


def halves(shape: tuple[int, ...]) -> tuple[bool, ...]:
    """Which axes a coarser grid halves: the even ones, keeping two cells along the normal."""
    return tuple(n % 2 == 0 and (n > 2 or axis < len(shape) - 1) for axis, n in enumerate(shape))


def coarsest_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The grid on which the cycle inverts densely; large when the cell counts have few factors of two."""
    while can_coarsen(shape):
        shape = tuple(n // 2 if half else n for n, half in zip(shape, halves(shape), strict=True))
    return shape


def _cast(operator: AbstractGridOperator, dtype) -> AbstractGridOperator:
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, operator)


def _dense_inverse(operator: AbstractGridOperator) -> Array:
    """Inverse with null modes, and places that are no unknowns, shifted to the largest diagonal entry."""
    diagonal = operator.diagonal()
    columns = jax.vmap(lambda e: operator(e.reshape(diagonal.shape)).ravel())(
        jnp.eye(diagonal.size, dtype=diagonal.dtype)
    ).T
    scale = jnp.max(diagonal)
    columns = columns + jnp.diag(jnp.where(jnp.diag(columns) == 0, scale, 0.0))
    for mode in operator.null_modes():
        mode = mode.ravel()
        columns = columns + scale * jnp.outer(mode, mode) / jnp.sum(mode)
    return jnp.linalg.inv(columns)


# --- transfers along one axis ---------------------------------------------------------------------------------------


def split(x: Array, axis: int) -> tuple[Array, Array]:
    """Even and odd entries along a (negative) axis."""
    axis += x.ndim
    pairs = x.reshape(*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
    return jax.lax.index_in_dim(pairs, 0, axis + 1, False), jax.lax.index_in_dim(pairs, 1, axis + 1, False)


def interleave(even: Array, odd: Array, axis: int) -> Array:
    axis += even.ndim
    stacked = jnp.stack([even, odd], axis + 1)
    return stacked.reshape(*even.shape[:axis], 2 * even.shape[axis], *even.shape[axis + 1 :])


def coarsen_cells(x: Array, axis: int) -> Array:
    """Mean of two cells."""
    even, odd = split(x, axis)
    return 0.5 * (even + odd)


def prolong_cells_linear(coarse: Array, axis: int) -> Array:
    """¾–¼ interpolation between cell centres; mirrored at walls."""
    return interleave(
        0.75 * coarse + 0.25 * before(coarse, axis, MIRROR), 0.75 * coarse + 0.25 * after(coarse, axis, MIRROR), axis
    )


def restrict_cells_linear(fine: Array, axis: int) -> Array:
    """Half the transpose of `prolong_cells_linear`."""
    even, odd = split(fine, axis)
    if axis == -1:  # the mirrored ghost gives the wall cells their own share back
        from_above = after(even, axis, odd[..., -1:])
        from_below = before(odd, axis, even[..., :1])
    else:
        from_above, from_below = after(even, axis), before(odd, axis)
    return 0.5 * (0.75 * (even + odd) + 0.25 * (from_above + from_below))


def prolong_nodes_linear(coarse: Array, axis: int) -> Array:
    """Linear interpolation along the axis on which the unknowns are nodes; zero beyond the upper wall."""
    return interleave(coarse, 0.5 * (coarse + after(coarse, axis, 0.0)), axis)


def restrict_nodes_linear(fine: Array, axis: int) -> Array:
    """Half the transpose of `prolong_nodes_linear`."""
    even, odd = split(fine, axis)
    return 0.5 * (even + 0.5 * (odd + before(odd, axis, 0.0)))
