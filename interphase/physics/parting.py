"""How lithium, and what rides on it, part from the mixture where they share a cell.

Plating moves the lithium's surface forward by V Δt along its normal n while the lithium itself stays where it is. In
the diffuse interface what rides is ahead of the mixture by g(ξ) V n Δt, the lithium behind it by (1−g) V n Δt (see
`phases`), so that no phase is strained by what only parts the two. V is the mean of i over the interface, taken along
the straight normal through every cell; what this leaves of the plated volume is made up by a potential flow,

    u_riding = u + g V n Δt − ∇χ,    ∇²χ = iδ Δt + ∇·(g V n Δt) near the surface,

which is part of the mixture's motion: strain of a stiff film comes from u_riding alone. Were it taken from u and the
plated strain iδ n⊗n, which differ from it by what the grid leaves, a film of 77 GPa on a bump would be stressed by
twenty times what the lithium below, which flows at 1 MPa, can bear.

The foot of a film lies in cells that are nearly all lithium and bears no load; in the balance it goes with the lithium
that flows there. It is carried with the film instead: else lithium that flows along a stiff film would wear it off.

Faces that may part from the lithium move as the solid behind them: what opens in the cells they lie in, cell by cell,
would leave them uneven.
"""

import equinox as eqx
import jax.numpy as jnp

from interphase.arrays import Cells, CellVectors, Faces
from interphase.grid.grid import Grid
from interphase.grid.poisson import inverse_laplacian
from interphase.grid.stencils import average_to_faces, difference_to_faces, divergence
from interphase.physics.interface import (
    STRIDE,
    Look,
    along_normals,
    bearing,
    continued_from,
    counted,
    on_faces,
    smooth_step,
)

SCARCE = 1e-6  # surface across an interface below which there is none
POOR = 0.01  # squared share below which the motion of what bears load is continued from its neighbours
FOOT_CELLS = 4  # as far
CORE = (0.8, 0.98)  # fraction of what rides between which faces that may part begin to move as the solid behind them
FACE_CELLS = 6  # as far
NEAR = (4.0, 5.5)  # widths from the surface up to which, and from which on no longer, plated volume is made up


class Ride(eqx.Module):
    """How far a phase is ahead of the mixture in a step, on faces, and what of the growth that already holds."""

    ahead: Faces
    growth: Cells


class Parted(eqx.Module):
    """How phases part in a step that plates a certain growth.

    **Arguments:**

    - `advance`: V n Δt; `resting`, `riding`: of the lithium, and of what rides on it.
    """

    advance: CellVectors
    resting: Ride
    riding: Ride


class Parting(eqx.Module):
    """The lithium surface of a step.

    **Arguments:**

    - `ridden`: g(ξ); `nearest`, `normal`: of `Look`; `area_across`: δ summed along the normal through every cell.
    - `narrowing`: what keeps V n without divergence beside a curved surface, 1 + Kψ with K of the surface itself.
    - `near`: one near the surface, zero far from it.
    - `bearing`: squared share with which what rides bears load, on faces; of faces that may part, that of their solid.
    - `may_part`: whether a gap may open between the lithium and what rides on it.
    - `is_bare`: whether the lower wall is bare beside the lithium, so that nothing can come through it.
    """

    grid: Grid
    ridden: Cells
    nearest: CellVectors
    normal: CellVectors
    area_across: Cells
    narrowing: Cells
    near: Cells
    bearing: Faces
    width: float = eqx.field(static=True)
    may_part: bool = eqx.field(static=True)
    is_bare: bool = eqx.field(static=True)

    @staticmethod
    def at(beneath: Cells, look: Look, may_part: bool, width: float, grid: Grid, is_bare: bool = False) -> "Parting":
        """
        **Arguments:** `beneath`: fraction of the lithium; of all that is beneath what rides where a gap may open.
        """
        surface = jnp.stack([look.area, look.area * look.curvature])
        across, bent = along_normals(surface, look.nearest, look.normal, width, grid, _stride(may_part))
        narrowing = 1 + jnp.clip(bent / (across + SCARCE) * look.depth, -0.5, 0.5)
        near = 1 - smooth_step(jnp.abs(look.depth) / width, *NEAR)
        share = smooth_step(1 - beneath, *CORE) if may_part else bearing(1 - beneath)
        squared = jnp.stack([average_to_faces(share, a) ** 2 for a in grid.axes])
        places = (look.nearest, look.normal, across, narrowing, near)
        return Parting(grid, counted(beneath), *places, squared, width, may_part, is_bare)

    def parted(self, growth: Cells) -> Parted:
        """When the surface gains `growth` [volume fraction]."""
        advance = self.advance(growth)
        resting = on_faces((self.ridden - 1) * advance, self.grid)
        lift = self.lift(advance, growth)
        riding = Ride(lift, -divergence(lift, self.grid) if self.is_bare else growth)
        return Parted(advance, Ride(resting, -divergence(resting, self.grid)), riding)

    def advance(self, growth: Cells) -> CellVectors:
        """V n Δt: how far the surface comes forward, the same all along its normal."""
        stride = _stride(self.may_part)
        (across,) = along_normals(growth[None], self.nearest, self.normal, self.width, self.grid, stride)
        return across / (self.area_across + SCARCE) * self.narrowing * self.normal

    def lift(self, advance: CellVectors, growth: Cells) -> Faces:
        """g V n Δt − ∇χ, which gains just `growth` of volume near the surface."""
        grid = self.grid
        lift = on_faces(self.ridden * advance, grid)
        missing = self.near * (growth + divergence(lift, grid))
        if self.is_bare:
            missing = missing - self.near * jnp.sum(missing) / (jnp.sum(self.near) + SCARCE)
        # What is missing on the whole comes through the lower wall, where nothing rides.
        level = jnp.mean(missing, axis=tuple(range(grid.dim - 1)), keepdims=True)
        below = jnp.cumsum(level[..., ::-1], axis=-1)[..., ::-1] * grid.spacing[-1]
        flow = inverse_laplacian(missing - level, grid)
        lift = lift - jnp.stack([difference_to_faces(flow, grid, a) for a in grid.axes])
        return lift.at[-1].add(below).at[-1, ..., 0].set(0.0)

    def lift_as_one(self, displacement: Faces, riding: Ride) -> Faces:
        """The lift with which all that rides is carried: its foot moves as the part of it does that bears load.

        Far from that part it moves with the surface as a whole.
        """
        grid = self.grid
        whole = jnp.zeros_like(displacement).at[-1].set(jnp.sum(riding.growth) * grid.cell_volume / grid.area)
        apart = displacement + riding.ahead - whole
        kept = self.bearing / (self.bearing + POOR)
        apart = continued_from(self.bearing, kept, apart, grid, FACE_CELLS if self.may_part else FOOT_CELLS)
        return (whole + apart - displacement).at[-1, ..., 0].set(0.0)

    def yielding(self, lift: Faces, riding: Ride) -> Faces:
        """The part of such a lift that the lithium makes room for.

        The inner foot of a film slides through lithium, the outer one through what fills the rest. Where there is no
        lithium it would otherwise be taken below nothing, or grown, as the outer foot slides.
        """
        if self.may_part:
            return lift
        near = jnp.stack([average_to_faces(self.near, a) for a in self.grid.axes])
        return riding.ahead + near * (lift - riding.ahead)


def _stride(may_part: bool) -> int:
    """Openings may alternate from cell to cell; sums over every other cell would keep that."""
    return 1 if may_part else STRIDE
