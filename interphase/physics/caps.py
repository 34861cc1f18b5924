"""Nuclei on a bare collector: caps of balls, of cylinders in 2-D, that meet the plane z = 0 at a contact angle. SI.

    d(x) = min_k |x − c_k| − R_k,    c_k = R_k cos θ_k below the plane        height R(1 − cos θ), base R sin θ

They grow as half balls whatever they begin as: plating moves a surface along its normal, and what that makes of a
contact line meets the wall at a right angle. Capillarity holds another angle up to a size of γΩ/F|η|, 15 nm at 4.5 mV.
So the wall says nothing about the angle: it is a plane of symmetry for the lithium.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Cells
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.units import Number

TINY = 1e-30  # [m²] keeps roots differentiable


class Caps(eqx.Module):
    """Nuclei on a bare collector. SI.

    **Arguments:**

    - `radius`: of the balls, or cylinders, that they are caps of [m]; `contact_angle`: of each [rad].
    - `centre`: per nucleus and in-plane axis [m]; `period`: of the box per in-plane axis [m].
    """

    radius: Float[Array, " nuclei"]
    contact_angle: Float[Array, " nuclei"]
    centre: Float[Array, "nuclei axes"]
    period: tuple[float, ...] = eqx.field(static=True)

    def distance(self, grid: Grid, length: Number) -> Cells:
        """Signed distances of all cell centres to the lithium [-]."""
        *in_plane, height = grid.cell_centres() * length

        def nearer(nearest, cap):  # one by one: of many in 3-D there is no room for all at once
            radius, angle, centre = cap
            apart = [x - c for x, c in zip(in_plane, centre, strict=True)]
            apart = [a - period * jnp.round(a / period) for a, period in zip(apart, self.period, strict=True)]
            away = jnp.sqrt(summed(jnp.stack(apart) ** 2) + (height + radius * jnp.cos(angle)) ** 2 + TINY)
            return jnp.minimum(nearest, away - radius), None

        farthest = jnp.full_like(height, jnp.inf)
        distance, _ = jax.lax.scan(nearer, farthest, (self.radius, self.contact_angle, self.centre))
        return distance / length
