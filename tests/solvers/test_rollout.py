"""Many steps in one computation: the same numbers and derivatives as a plain loop, whatever is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from interphase.solvers.rollout import divisible, kept_states, rollout


def logistic(state, growth):
    state = state + growth * state * (1 - state)
    return state, state**2


def looped(state, inputs):
    outputs = []
    for growth in inputs:
        state, output = logistic(state, growth)
        outputs.append(output)
    return state, jnp.stack(outputs)


@pytest.mark.parametrize("num_steps", [1, 2, 7, 12, 13])  # 7 and 13 fill their last segment up
@pytest.mark.parametrize("segment", [None, 1, 3, 20])
def test_a_rollout_is_a_loop(num_steps, segment):
    state, inputs = jnp.array([0.1, 0.3]), jnp.linspace(0.2, 0.5, num_steps)

    def total(take):
        def of(state, inputs):
            last, outputs = take(state, inputs)
            return jnp.sum(last) + jnp.sum(outputs * jnp.arange(num_steps)[:, None])

        return jax.jit(jax.value_and_grad(of, argnums=(0, 1)))(state, inputs)

    ours, plain = total(lambda s, x: rollout(logistic, s, x, segment)), total(looped)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@given(some.integers(1, 5000))
def test_few_steps_more_can_be_cut_into_segments_of_the_root(num_steps):
    cut = divisible(num_steps)
    assert num_steps <= cut <= num_steps + max(2, 0.1 * num_steps)
    assert kept_states(cut) <= 1.07 * 2 * np.sqrt(cut)
    assert kept_states(cut, segment=1) == cut
