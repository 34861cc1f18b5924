"""A study ready to run, as one pytree; and its steps as one differentiable computation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from interphase.model import Model
from interphase.physics.measures import Measures
from interphase.physics.start import Surface, initial_state
from interphase.protocol import Protocol
from interphase.solvers.rollout import rollout
from interphase.state import State


class Case(eqx.Module):
    """What a run needs.

    **Arguments:**

    - `model`: grid, materials, numerics; change a number with `equinox.tree_at` and differentiate with respect to it.
    - `surface`: of the lithium at the start.
    - `protocol`: what is imposed.
    """

    model: Model
    surface: Surface
    protocol: Protocol

    def start(self) -> State:
        """The state at time zero."""
        model = self.model
        return initial_state(model.stack, self.surface, self.protocol.at(0.0), model.width, model.scales, model.grid)

    def rollout(self, schedule: Float[Array | np.ndarray, " steps"], segment: int | None = None) -> Measures:
        """Takes the steps of a schedule without leaving the device; differentiable in every number of the case.

        **Arguments:**

        - `schedule`: step sizes [s], such as those that a run chose.
        - `segment`: see `solvers.rollout`.

        **Returns:** measures after every step, stacked.
        """
        model = self.model

        def step(state, now):
            time, dt = now
            state, report = model.step(state, self.protocol.at(time), dt)
            return state, model.measure(model.synchronised(state), report)

        schedule = jax.lax.stop_gradient(jnp.asarray(schedule, self.protocol.duration.dtype))
        begins = jnp.cumsum(schedule) - schedule
        # Half a step on: sums of step sizes may fall a rounding error short of a protocol's boundary.
        _, measures = rollout(step, self.start(), (begins + 0.5 * schedule, schedule), segment)
        return measures
