"""The staggered rectilinear grid: shape and spacing."""

import math

import equinox as eqx
import jax.numpy as jnp

from interphase.arrays import CellVectors


class Grid(eqx.Module):
    """A box of equal cells: periodic in plane, bounded along the last axis (the electrode normal).

    **Arguments:**

    - `shape`: number of cells per axis, normal last; 2-D (plane strain) or 3-D.
    - `spacing`: edge lengths of a cell per axis [-, in units of `Scales.length`].
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    spacing: tuple[float, ...] = eqx.field(static=True)

    def __check_init__(self):
        if len(self.shape) not in (2, 3) or len(self.shape) != len(self.spacing):
            raise ValueError("a grid needs two or three axes and one spacing per axis")

    @property
    def dim(self) -> int:
        return len(self.shape)

    @property
    def axes(self) -> range:
        """The grid axes as negative indices, so that component axes in front do not matter; -1 is the normal."""
        return range(-self.dim, 0)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of axes (a, b), a < b, in which shear components are stored."""
        return [(a, b) for a in self.axes for b in self.axes if a < b]

    @property
    def cell_volume(self) -> float:
        return math.prod(self.spacing)

    @property
    def area(self) -> float:
        """Projected electrode area [-]."""
        return math.prod(n * h for n, h in zip(self.shape[:-1], self.spacing[:-1], strict=True))

    @property
    def shape_in_plane(self) -> int:
        """Number of columns."""
        return math.prod(self.shape[:-1])

    @property
    def height(self) -> float:
        return self.shape[-1] * self.spacing[-1]

    def cell_centres(self) -> CellVectors:
        """Position of every cell centre, origin at a corner of the box on the collector [-]."""
        ticks = [(jnp.arange(n) + 0.5) * h for n, h in zip(self.shape, self.spacing, strict=True)]
        return jnp.stack(jnp.meshgrid(*ticks, indexing="ij"))
