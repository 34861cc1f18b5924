"""Many steps in one traced computation, for derivatives: a scan of scans that keeps only the state between segments.

Reverse mode through n steps then holds √n states and the residuals of √n steps, and computes every step twice.
Source: Griewank & Walther, Evaluating Derivatives, ch. 12 (two-level checkpointing).
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import PyTree


def rollout(
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]], state: PyTree, inputs: PyTree, segment: int | None = None
) -> tuple[PyTree, PyTree]:
    """Applies `step(state, input) -> (state, output)` along the leading axis of `inputs`.

    **Arguments:**

    - `segment`: steps between kept states; about the square root of their number if `None`.

    **Returns:** the last state and the outputs, stacked.
    """
    num_steps = jax.tree.leaves(inputs)[0].shape[0]
    segment = segment or max(1, round(math.sqrt(num_steps)))
    whole = num_steps // segment * segment
    segments = jax.tree.map(lambda x: x[:whole].reshape(whole // segment, segment, *x.shape[1:]), inputs)
    rest = jax.tree.map(lambda x: x[whole:], inputs)
    inner = jax.checkpoint(step)

    @jax.checkpoint
    def advance(state, some):
        return jax.lax.scan(inner, state, some)

    state, outputs = jax.lax.scan(advance, state, segments)
    outputs = jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), outputs)
    if whole == num_steps:
        return state, outputs
    state, last = jax.lax.scan(inner, state, rest)
    return state, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), outputs, last)
