"""What a film holds where it is itself: values a fixed way below its faces.

In the cells that a face runs through, film and lithium share one strain rate, and what the film remembers there is
mostly its neighbour's flow, and changes as the face moves through a cell. So values are looked up deeper,

    x' = x + m max(d − ψ, 0),    d = w (1 + λ)

with ψ the distance into the film, m its direction, and λ the lithium's share of what else is in the cell: two widths
below a face on lithium, one below a face on anything that remembers nothing.
"""

import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors
from interphase.grid.grid import Grid
from interphase.grid.stencils import centre_gradient
from interphase.physics.interface import between_cells, cell_places, distance, in_cells, unit

BELOW_ANY = 1.0  # face, in widths: there a film takes up three quarters of its cell
BELOW_LITHIUM = 2.0  # and there nine tenths: deeper, what bends a film of six cells would hardly be seen
TRACE = 1e-3  # of anything else in a cell, which says nothing of its neighbours


def from_within(fields: list[Cells], film: Cells, lithium: Cells, width: float, grid: Grid) -> Array:
    """Fields of a film as they are below its nearest face; stacked.

    **Arguments:** `film`, `lithium`: volume fractions; `width`: of their interfaces.
    """
    return between_cells(jnp.stack(fields), places_within(film, lithium, width, grid), grid)


def places_within(film: Cells, lithium: Cells, width: float, grid: Grid) -> CellVectors:
    """For every cell the place that speaks for it, in indices of cells; its own where the film is whole."""
    share = jnp.clip(lithium / (jnp.maximum(1 - film, 0.0) + TRACE), 0.0, 1.0)
    wanted = width * (BELOW_ANY + (BELOW_LITHIUM - BELOW_ANY) * share)
    into = distance(film, width)
    inward = unit(centre_gradient(into, grid))
    return cell_places(grid, film.dtype) + in_cells(inward * jnp.maximum(wanted - into, 0.0), grid)
