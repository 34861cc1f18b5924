"""Where a quadratic model of the augmented Lagrangian is least within a box.

    m(d) = g·d + ½ d·B d + Σ_j max(0, λ_j + ρ (c_j + A_j d))²/2ρ,        l ≤ d ≤ h

g is the slope of the objective, B the curvature of J + λ·c. What the penalty adds, which bends by far the most, is
known and stays known when λ and ρ change. B is gathered from gradients, damped so that it stays positive definite.
Sources: Nocedal & Wright, Numerical Optimization, procedure 18.2 (damped BFGS), eq. 6.20 (its first scale), alg. 16.4
(predictor and corrector); Al-Baali, J. Optim. Theory Appl. 96 (1998) 533 (scaling down only).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from interphase.arrays import Scalar
from interphase.design.variables import Point

Curvature = Float[Array, "variables variables"]

DAMPING = 0.2  # of the curvature along a step, the least that an update may leave
NEWTON_STEPS = 40  # through the interior; some fifteen suffice
CAUTION = 0.995  # of the way to the nearest side


class Constraints(eqx.Module):
    """What the augmented Lagrangian adds, to first order in the constraints.

    **Arguments:**

    - `values`: c, positive where broken; `slopes`: A, `(constraints, variables)`.
    - `multipliers`: λ; `penalty`: ρ.
    """

    values: Float[Array, " constraints"]
    slopes: Float[Array, "constraints variables"]
    multipliers: Float[Array, " constraints"]
    penalty: Scalar

    def pressed(self, step: Point) -> Float[Array, " constraints"]:
        """max(0, λ + ρ (c + A d))."""
        return jnp.maximum(self.multipliers + self.penalty * (self.values + self.slopes @ step), 0.0)

    def share(self, step: Point) -> Scalar:
        """Of the augmented Lagrangian."""
        return jnp.sum(self.pressed(step) ** 2 - self.multipliers**2) / (2 * self.penalty)

    def slope(self, step: Point) -> Point:
        """Of the share."""
        return self.pressed(step) @ self.slopes


def first_curvature(slope: Point) -> Curvature:
    """Before anything is known: a step no longer than the side of the cube."""
    return jnp.maximum(1.0, jnp.linalg.norm(slope)) * jnp.eye(slope.shape[0], dtype=slope.dtype)


def updated(curvature: Curvature, step: Point, change: Point, is_first: Bool[Array, ""]) -> Curvature:
    """B after a step along which the gradient changed.

    **Arguments:**

    - `is_first`: nothing was gathered before, so the change also sets the scale.
    """
    along = jnp.vdot(step, change)
    scale = jnp.vdot(change, change) / jnp.where(along > 0, along, 1.0)
    scaled = scale * jnp.eye(step.shape[0], dtype=step.dtype)
    curvature = jnp.where(is_first & (along > 0), scaled, curvature)
    before = jnp.vdot(step, curvature @ step)
    moved = before > 0
    # Where the objective has become flatter along the step, it has in other directions, too.
    found = along / jnp.where(moved, before, 1.0)
    curvature *= jnp.where(moved & (found > 0), jnp.clip(found, DAMPING, 1.0), 1.0)
    bent = curvature @ step
    before = jnp.vdot(step, bent)
    damped = along < DAMPING * before
    weight = jnp.where(damped, (1 - DAMPING) * before / jnp.where(damped, before - along, 1.0), 1.0)
    change = weight * change + (1 - weight) * bent
    after = jnp.vdot(step, change)
    fresh = jnp.outer(change, change) / jnp.where(moved, after, 1.0) - jnp.outer(bent, bent) / jnp.where(
        moved, before, 1.0
    )
    return curvature + jnp.where(moved, fresh, 0.0)


def least(slope: Point, curvature: Curvature, constraints: Constraints, lower: Point, upper: Point) -> Point:
    """The step d that makes the model least.

    With t_j ≥ c_j + A_j d + λ_j/ρ in place of the kinks it is a quadratic program in x = (d, t),

        ½ x·P x + q·x  under  G x + s = b,  s ≥ 0,        multipliers z ≥ 0,

    which Mehrotra's predictor and corrector lead through its interior.

    **Arguments:**

    - `slope`: g; `lower`, `upper`: l < h.
    """
    n, m = constraints.slopes.shape[1], constraints.slopes.shape[0]
    quadratic = jax.scipy.linalg.block_diag(curvature, constraints.penalty * jnp.eye(m, dtype=slope.dtype))
    linear = jnp.concatenate([slope, jnp.zeros(m, slope.dtype)])
    box = jnp.eye(n, n + m, dtype=slope.dtype)
    kinks = jnp.hstack([constraints.slopes, -jnp.eye(m, dtype=slope.dtype)])
    sides = jnp.concatenate([box, -box, kinks])
    bound = jnp.concatenate([upper, -lower, -constraints.values - constraints.multipliers / constraints.penalty])

    def longest(values, change):
        """The largest step that keeps all values above zero, at most one."""
        return jnp.minimum(1.0, jnp.min(jnp.where(change < 0, -values / jnp.where(change < 0, change, 1.0), jnp.inf)))

    def improve(_, state):
        x, slack, dual = state
        out_of_balance = quadratic @ x + linear + sides.T @ dual
        out_of_place = sides @ x + slack - bound
        gap = jnp.vdot(slack, dual) / slack.size
        matrix = quadratic + (sides.T * (dual / slack)) @ sides
        factor = jax.scipy.linalg.cho_factor(matrix)

        def toward(complementarity):
            pull = (dual * out_of_place - complementarity) / slack
            move = jax.scipy.linalg.cho_solve(factor, -out_of_balance - sides.T @ pull)
            of_slack = -out_of_place - sides @ move
            return move, of_slack, -(complementarity + dual * of_slack) / slack

        _, of_slack, of_dual = toward(slack * dual)
        length = jnp.minimum(longest(slack, of_slack), longest(dual, of_dual))
        left = jnp.vdot(slack + length * of_slack, dual + length * of_dual) / slack.size
        centred = slack * dual + of_slack * of_dual - gap * (left / gap) ** 3
        move, of_slack, of_dual = toward(centred)
        length = CAUTION * jnp.minimum(longest(slack, of_slack), longest(dual, of_dual))
        better = (x + length * move, slack + length * of_slack, dual + length * of_dual)
        goes_on = (gap > smallest) & jnp.all(jnp.isfinite(better[0]))
        return jax.tree.map(lambda a, b: jnp.where(goes_on, a, b), better, state)

    # From the middle of the box, with slack to spare.
    start = jnp.concatenate([0.5 * (lower + upper), jnp.zeros(m, slope.dtype)])
    size = jnp.linalg.norm(slope) + jnp.linalg.norm(constraints.slope(jnp.zeros_like(slope))) + 1e-30
    smallest = jnp.finfo(slope.dtype).eps * size
    slack = jnp.maximum(bound - sides @ start, 0.1)
    x, _, _ = jax.lax.fori_loop(0, NEWTON_STEPS, improve, (start, slack, size * jnp.ones_like(slack)))
    return jnp.clip(x[:n], lower, upper)
