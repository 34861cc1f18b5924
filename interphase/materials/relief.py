"""The face of a solid electrolyte before lithium has flowed to it: uneven, and cracked. SI unless said otherwise.

    gap  g(y) = h max(m(y) − m_q, 0),    crack  |x − [mouth, mouth + a − w/2]| < w/2

m is a Gaussian map of zero mean and unit variance (`mosaic.random_map`) and m_q the level below which lie the q of the
faces that meet when the solid is laid on the lithium: what stood out farther has pressed itself flat. A crack of width
w and depth a has a round tip; in three dimensions it is a slit along the second axis.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.units import Number

LIP = 0.5  # of a crack's width: radius of the edges at its mouth; at a sharp one lithium would flow at any rate
BEGINS = 0.5  # of a crack's width: how deep in it lithium no longer counts as what bulges before its mouth


class Unevenness(eqx.Module):
    """How far the solid's face stands back from the lithium.

    **Arguments:**

    - `height`: h, of root mean square, had nothing been pressed flat [m].
    - `map`: max(m − m_q, 0) on the in-plane cells [-].
    """

    height: Scalar
    map: Float[Array, "*plane"]

    @staticmethod
    def pressed_flat(height: Scalar, map: Float[Array, "*plane"], touching: float) -> "Unevenness":
        """Of a Gaussian map, with the share q of the faces that meets at first."""
        return Unevenness(height, jnp.maximum(map - jnp.quantile(map, touching), 0.0))


class Cracks(eqx.Module):
    """Cracks in the solid's face.

    **Arguments:**

    - `width`: w, `depth`: a, `centre`: along the first axis, per crack [m].
    - `mouth`: height of the face above the lower wall at the start [m]. `period`: of the box along the first axis [m].
    """

    width: Float[Array, " cracks"]
    depth: Float[Array, " cracks"]
    centre: Float[Array, " cracks"]
    mouth: Scalar
    period: float = eqx.field(static=True)

    def distances(self, grid: Grid, length: Number, risen: Array | float = 0.0) -> Float[Array, "cracks *grid"]:
        """Signed distance of all cell centres to the walls of every crack, negative between them and on down [-].

        **Arguments:**

        - `length`: of `Scales` [m]; `risen`: how far the solid has, since the start [-].
        """
        across, along = self._apart(grid, length, risen)
        half = 0.5 * self._spread(self.width, grid)
        beyond = jnp.maximum(along - self._spread(self.depth, grid) + half, 0.0)
        return (jnp.sqrt(across**2 + beyond**2 + 1e-30) - half) / length

    def cut(self, distance: Cells, grid: Grid, length: Number) -> Cells:
        """Signed distance to the cracked solid, negative beside it, from that to the solid without cracks [-]."""
        for width, walls in zip(self.width / length, self.distances(grid, length), strict=True):
            lip = LIP * width
            short = jnp.maximum(lip - distance, 0.0) ** 2 + jnp.maximum(lip - walls, 0.0) ** 2
            distance = jnp.maximum(jnp.minimum(distance, walls), lip) - jnp.sqrt(short + 1e-30)
        return distance

    def inside(self, grid: Grid, length: Number, risen: Array | float) -> Float[Array, "cracks *grid"]:
        """One in a crack deeper than `BEGINS` of its width, zero elsewhere, a share in cells that its walls cut."""
        along = self._apart(grid, length, risen)[1] / length
        begins = BEGINS * self._spread(self.width, grid) / length
        within = jnp.clip(0.5 - self.distances(grid, length, risen) / max(grid.spacing), 0.0, 1.0)
        return within * jnp.clip(0.5 + (along - begins) / grid.spacing[-1], 0.0, 1.0)

    def _apart(self, grid: Grid, length: Number, risen: Array | float) -> tuple[Array, Array]:
        """From the middle of every crack's mouth to all cell centres: along the first axis, and up [m]."""
        centres = grid.cell_centres()[:, None] * length
        across = centres[0] - self._spread(self.centre, grid)
        return across - self.period * jnp.round(across / self.period), centres[-1] - self.mouth - risen * length

    def _spread(self, values: Float[Array, " cracks"], grid: Grid) -> Array:
        return values.reshape(-1, *[1] * grid.dim)


class Relief(eqx.Module):
    """The face of the solid at the start; `None` for what it has not."""

    unevenness: Unevenness | None
    cracks: Cracks | None

    def distance_to_solid(self, distance: Cells, grid: Grid, length: Number) -> Cells:
        """Signed distance to the solid's face, negative beneath it, from that to the lithium's surface [-].

        **Arguments:** `length`: of `Scales` [m].
        """
        if self.unevenness is not None:
            gap = self.unevenness.height / length * self.unevenness.map
            steepness = jnp.zeros_like(gap)
            for axis, spacing in enumerate(grid.spacing[:-1]):
                steepness = steepness + ((jnp.roll(gap, -1, axis) - jnp.roll(gap, 1, axis)) / (2 * spacing)) ** 2
            from_face = (distance - gap[..., None]) / jnp.sqrt(1 + steepness)[..., None]
            distance = jnp.minimum(distance, from_face)
        if self.cracks is not None:
            distance = self.cracks.cut(distance, grid, length)
        return distance
