"""What is imposed over time: a list of steps (plate, strip, rest) with a current or a potential, and a pressure."""

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
    - `pressure`: [Pa].
    """

    duration: Float[Array, " steps"]
    current: Float[Array, " steps"]
    metal_potential: Float[Array, " steps"]
    is_potentiostatic: Array
    pressure: Float[Array, " steps"]

    @property
    def ends(self) -> Float[Array, " steps"]:
        """Time at which each step ends [s]."""
        return jnp.cumsum(self.duration)

    def at(self, time: Scalar | float) -> Drive:
        """The drive at `time` [s]; at a boundary, that of the step that begins. The last step goes on for ever."""
        index = jnp.minimum(jnp.searchsorted(self.ends, time, side="right"), self.duration.shape[0] - 1)
        return Drive(
            self.current[index],
            self.metal_potential[index],
            self.is_potentiostatic[index],
            self.pressure[index],
        )
