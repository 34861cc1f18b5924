"""Many steps in one traced computation, for derivatives, in memory that is chosen.

Reverse mode needs every state again, last to first. Kept are those between segments; the states within a segment are
computed again when the sweep comes to it. Roots that the solves of a step found stay with its state, so the third time,
when the step is differentiated, nothing is solved but the adjoint.
Source: Griewank & Walther, Evaluating Derivatives, ch. 12 (two-level checkpointing).
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from interphase.solvers.newton import ROOT


def rollout(
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]], state: PyTree, inputs: PyTree, segment: int | None = None
) -> tuple[PyTree, PyTree]:
    """Applies `step(state, input) -> (state, output)` along the leading axis of `inputs`.

    **Arguments:**

    - `segment`: steps between kept states; about the square root of their number, which needs the least memory, if
      `None`. With 1 every state is kept and no step is taken twice.

    **Returns:** the last state and the outputs, stacked.
    """
    num_steps = jax.tree.leaves(inputs)[0].shape[0]
    segment = segment or max(1, math.isqrt(num_steps))
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
