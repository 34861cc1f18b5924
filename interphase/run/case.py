"""A study ready to run, as one pytree; and its steps as one differentiable computation."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from interphase.model import Model
from interphase.physics.caps import Caps
from interphase.physics.measures import Measures
from interphase.physics.start import Surface, initial_state
from interphase.protocol import Protocol
from interphase.solvers.rollout import rollout
from interphase.state import State

Schedule = Float[Array | np.ndarray, " steps"]


class Case(eqx.Module):
    """What a run needs.

    **Arguments:**

    - `model`: grid, materials, numerics; change a number with `equinox.tree_at` and differentiate with respect to it.
    - `surface`: of the lithium at the start, or its nuclei on a bare collector.
    - `protocol`: what is imposed.
    """

    model: Model
    surface: Surface | Caps
    protocol: Protocol

    def start(self) -> State:
        """The state at time zero."""
        model = self.model
        return initial_state(model.stack, self.surface, self.protocol.at(0.0), model.width, model.scales, model.grid)

    def rollout(self, schedule: Schedule, segment: int | None = None) -> Measures:
        """Takes the steps of a schedule without leaving the device; differentiable in every number of the case.

        **Arguments:**

        - `schedule`: step sizes [s], such as those that a run chose. A step of the protocol lasts its duration here:
          where a limit may end it, put the `durations` of the run's outcome into `protocol.duration`.
        - `segment`: see `solvers.rollout`.

        **Returns:** measures after every step, stacked.
        """
        return self.observed(schedule, segment).measures

    def observed(self, schedule: Schedule, segment: int | None = None) -> "Course":
        """`rollout`, with how well every step was solved."""
        model = self.model

        def step(state, now):
            time, dt = now
            state, report = model.step(state, self.protocol.at(time), dt)
            residual = jax.lax.stop_gradient(report.balance.residual)
            return state, (model.measure(model.synchronised(state), report), residual)

        schedule = jax.lax.stop_gradient(jnp.asarray(schedule, self.protocol.duration.dtype))
        begins = jnp.cumsum(schedule) - schedule
        # Half a step on: sums of step sizes may fall a rounding error short of a protocol's boundary.
        _, (measures, residual) = rollout(step, self.start(), (begins + 0.5 * schedule, schedule), segment)
        return Course(self, schedule, measures, residual)


def stacked(cases: Sequence[Case]) -> Case:
    """Cases that differ in numbers alone, as one with a leading axis, to be run in a batch.

        batch = stacked([load(study, f"cell.temperature={t} K")[0] for t in (273, 298, 333)])
        states = equinox.filter_vmap(lambda case: case.start())(batch)

    A Python number that is the same in all of them stays one.

    **Raises:** `ValueError` where they differ in more, such as the grid, its size or layers, or there are none.
    """
    if not cases:
        raise ValueError("there are no cases to stack; give at least one")

    def together(*leaves):
        is_shared = not eqx.is_array(leaves[0]) and all(leaf == leaves[0] for leaf in leaves)
        return leaves[0] if is_shared else jnp.stack(leaves)

    try:
        return jax.tree.map(together, *cases)
    except ValueError as error:
        raise ValueError(f"cannot stack cases that differ in more than numbers: {error}") from error


class Course(eqx.Module):
    """A case and what became of it.

    **Arguments:**

    - `schedule`: step sizes [s]; `measures`: after every step, stacked.
    - `residual`: of the coupled balance at every step; above the tolerance the step has failed.
    """

    case: Case
    schedule: Array
    measures: Measures
    residual: Array
