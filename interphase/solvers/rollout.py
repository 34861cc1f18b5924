"""Many steps in one traced computation, for derivatives, in memory that is chosen.

Reverse mode needs every state again, last to first. Kept are those between segments; the states within a segment are
computed again when the sweep comes to it. Roots that the solves of a step found stay with its state, so the third time,
when the step is differentiated, nothing is solved but the adjoint.
Source: Griewank & Walther, Evaluating Derivatives, ch. 12 (two-level checkpointing).
"""

import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from interphase.solvers.newton import ROOT

STRETCH = 2  # of the number of segments over the steps in one, at most


def divisible(num_steps: int) -> int:
    """The least number from `num_steps` on that can be cut into segments of about its square root."""
    return next(n for n in itertools.count(num_steps) if _near_root(n))


def kept_states(num_steps: int, segment: int | None = None) -> int:
    """States that `rollout` keeps at a time when it is differentiated."""
    segment = _segment(num_steps, segment)
    return num_steps if segment == 1 else -(-num_steps // segment) + segment


def _segment(num_steps: int, segment: int | None) -> int:
    return segment or _near_root(num_steps) or max(1, math.isqrt(num_steps))


def _near_root(num_steps: int) -> int | None:
    """The divisor nearest below the square root, if the segments are not too many then."""
    root = math.isqrt(num_steps)
    return next((d for d in range(root, 0, -1) if num_steps % d == 0 and num_steps <= STRETCH * d * d), None)


def rollout(
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]], state: PyTree, inputs: PyTree, segment: int | None = None
) -> tuple[PyTree, PyTree]:
    """Applies `step(state, input) -> (state, output)` along the leading axis of `inputs`.

    **Arguments:**

    - `segment`: steps between kept states; about the square root of their number, which needs the least memory, if
      `None`. With 1 every state is kept and no step is taken twice. It should divide the number of steps: filling up
      the last segment costs half as much again (see `divisible`).

    **Returns:** the last state and the outputs, stacked.
    """
    num_steps = jax.tree.leaves(inputs)[0].shape[0]
    segment = _segment(num_steps, segment)
    keep_roots = jax.checkpoint_policies.save_only_these_names(ROOT)
    # A scan keeps forward and backward passes apart without the help of `prevent_cse`.
    if segment == 1:
        return jax.lax.scan(jax.checkpoint(step, policy=keep_roots, prevent_cse=False), state, inputs)

    # The last segment is filled up with steps not taken: a scan of its own for the rest would be compiled once more.
    num_segments = -(-num_steps // segment)
    padded = num_segments * segment
    first = jax.tree.map(lambda x: x[0], inputs)
    outputs = jax.eval_shape(step, state, first)[1]

    def idle(state, _):
        return state, jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), outputs)

    def maybe(state, now):
        is_real, given = now
        if padded == num_steps:
            return step(state, given)
        return jax.lax.cond(is_real, step, idle, state, given)

    def advance(state, some):
        return jax.lax.scan(jax.checkpoint(maybe, policy=keep_roots, prevent_cse=False), state, some)

    def segmented(x):
        x = jnp.concatenate([x, jnp.repeat(x[-1:], padded - num_steps, axis=0)])
        return x.reshape(num_segments, segment, *x.shape[1:])

    is_real = (jnp.arange(padded) < num_steps).reshape(num_segments, segment)
    state, outputs = jax.lax.scan(
        jax.checkpoint(advance, prevent_cse=False), state, (is_real, jax.tree.map(segmented, inputs))
    )
    return state, jax.tree.map(lambda x: x.reshape(padded, *x.shape[2:])[:num_steps], outputs)
