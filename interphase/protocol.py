"""What is imposed over time: a list of steps (plate, strip, rest) with a current or a potential, and a pressure.

A step lasts its duration, or until it meets a limit: a charge that has passed, a potential of the metal.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Scalar


class Drive(eqx.Module):
    """What the outside imposes at one instant, in SI.

    **Arguments:**

    - `current`: mean plating current density [A/m²]; ignored where `is_potentiostatic`.
    - `metal_potential`: against lithium in the reference electrolyte [V].
    - `pressure`: of the liquid or the plate [Pa].
    """

    current: Scalar
    metal_potential: Scalar
    is_potentiostatic: Array
    pressure: Scalar


class Protocol(eqx.Module):
    """Steps one after another, in SI.

    **Arguments:**

    - `duration`: of each step [s].
    - `current`: positive plates, negative strips, zero rests [A/m²].
    - `metal_potential`: [V]; used by the steps that are potentiostatic.
    - `pressure`: [Pa]. `pressure_ramp`: over which it goes there from that of the step before; zero for at once [s].
    - `capacity`: charge per area after which a potentiostatic step ends, infinite for none [C/m²].
    - `potential_limit`: at which a step ends that drives the metal there; infinite, of either sign, for none [V].
    - `steps_per_cycle`: the steps repeat after so many.
    """

    duration: Float[Array, " steps"]
    current: Float[Array, " steps"]
    metal_potential: Float[Array, " steps"]
    is_potentiostatic: Array
    pressure: Float[Array, " steps"]
    pressure_ramp: Float[Array, " steps"]
    capacity: Float[Array, " steps"]
    potential_limit: Float[Array, " steps"]
    steps_per_cycle: int = eqx.field(static=True)

    @property
    def ends(self) -> Float[Array, " steps"]:
        """Time at which each step ends [s]."""
        return jnp.cumsum(self.duration)

    def at(self, time: Scalar | float) -> Drive:
        """The drive at `time` [s]; at a boundary, that of the step that begins. The last step goes on for ever."""
        index = jnp.minimum(jnp.searchsorted(self.ends, time, side="right"), self.duration.shape[0] - 1)
        return self.step(index, time - (self.ends - self.duration)[index])

    def step(self, index: Array | int, elapsed: Scalar | float) -> Drive:
        """The drive of one step, `elapsed` [s] after it began."""
        ramp = self.pressure_ramp[index]
        before = self.pressure[jnp.maximum(index - 1, 0)]
        share = jnp.where(ramp > 0, jnp.clip(elapsed / jnp.where(ramp > 0, ramp, 1.0), 0.0, 1.0), 1.0)
        return Drive(
            self.current[index],
            self.metal_potential[index],
            self.is_potentiostatic[index],
            jnp.where(ramp > 0, before + share * (self.pressure[index] - before), self.pressure[index]),
        )

    def is_over(self, index: int, metal_potential: float, passed: float) -> bool:
        """Whether a step has met a limit.

        **Arguments:**

        - `metal_potential`: [V]; `passed`: charge since the step began, of either sign [C/m²].
        """
        current, limit = float(self.current[index]), float(self.potential_limit[index])
        # Plating drives the metal down, stripping up.
        beyond = metal_potential <= limit if current > 0 else metal_potential >= limit
        return beyond or abs(passed) >= float(self.capacity[index])
