"""Nuclei on a bare collector: caps of balls, of cylinders in 2-D, that meet the plane z = 0 at a contact angle. SI.

    d(x) = min_k |x − c_k| − R_k,    c_k = R_k cos θ_k below the plane        height R(1 − cos θ), base R sin θ

They grow as half balls whatever they begin as: plating moves a surface along its normal, and what that makes of a
contact line meets the wall at a right angle. Capillarity holds another angle up to a size of γΩ/F|η|, 15 nm at 4.5 mV.
So the wall says nothing about the angle: it is a plane of symmetry for the lithium.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Cells
from interphase.grid.grid import Grid

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

    def distance(self, grid: Grid, length: float) -> Cells:
        """Signed distances of all cell centres to the lithium [-]."""
        points = jnp.moveaxis(grid.cell_centres(), 0, -1)[..., None, :] * length
        apart, period = points[..., :-1] - self.centre, jnp.asarray(self.period)
        apart = apart - period * jnp.round(apart / period)
        above = points[..., -1] + self.radius * jnp.cos(self.contact_angle)
        away = jnp.sqrt(jnp.sum(apart**2, axis=-1) + above**2 + TINY)
        return jnp.min(away - self.radius, axis=-1) / length
