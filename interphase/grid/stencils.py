"""Differences and averages between cells, faces and edges; second order, written once for 2-D and 3-D.

Shape letters: a field may carry component axes in front of the grid axes.
"""

import functools
import operator

import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors, Edges, Faces
from interphase.grid.boundary import MIRROR, Wall, after, before, pad
from interphase.grid.grid import Grid


def inverse_spacing(grid: Grid, axis: int) -> float:
    """1/h, and 0 along an axis of one cell, where nothing can vary."""
    return 0.0 if grid.shape[axis] == 1 else 1.0 / grid.spacing[axis]


def difference_to_faces(cells: Cells, grid: Grid, axis: int, below: Wall = MIRROR) -> Cells:
    """∂f/∂x_axis at lower faces."""
    return (cells - before(cells, axis, below)) * inverse_spacing(grid, axis)


def average_to_faces(cells: Array, axis: int, below: Wall = MIRROR) -> Array:
    return 0.5 * (cells + before(cells, axis, below))


def average_to_cells(faces: Array, axis: int, above: Wall) -> Array:
    return 0.5 * (faces + after(faces, axis, above))


def centre_gradient(cells: Cells, grid: Grid) -> CellVectors:
    """Central differences; zero normal derivative at the walls."""
    return jnp.stack(
        [0.5 * inverse_spacing(grid, a) * (after(cells, a, MIRROR) - before(cells, a, MIRROR)) for a in grid.axes]
    )


def divergence(faces: Faces, grid: Grid, above: Wall = 0.0) -> Cells:
    """Net outflow of a cell per volume; `above` is the normal component at the upper wall."""
    total = jnp.zeros_like(faces[0])
    for a in grid.axes:
        total = total + (after(faces[a], a, above if a == -1 else 0.0) - faces[a]) * inverse_spacing(grid, a)
    return total


def normal_strain(displacement: Faces, grid: Grid, plate: Array | float = 0.0) -> CellVectors:
    """Normal strains ε_aa in cells of a face field whose normal component at the upper wall is `plate`."""
    return jnp.stack(
        [
            (after(displacement[a], a, plate if a == -1 else 0.0) - displacement[a]) * inverse_spacing(grid, a)
            for a in grid.axes
        ]
    )


def shear_strain(displacement: Faces, grid: Grid) -> Edges:
    """Engineering shears γ_ab = ∂_a u_b + ∂_b u_a at lower edges; zero at the walls (rollers)."""
    shears = []
    for a, b in grid.pairs:
        shear = difference_to_faces(displacement[a], grid, b) + difference_to_faces(displacement[b], grid, a)
        shears.append(shear.at[..., 0].set(0.0) if b == -1 else shear)
    return jnp.stack(shears)


def force(normal_stress: CellVectors, shear_stress: Edges, grid: Grid) -> Faces:
    """−∇·σ at lower faces: minus the adjoint of the strains. Zero on the lower wall, which does not move."""
    # A barrier: every face would otherwise compute the stresses of both its neighbours again.
    normal_stress, shear_stress = jax.lax.optimization_barrier((normal_stress, shear_stress))
    forces = []
    for a in grid.axes:
        total = -difference_to_faces(normal_stress[a], grid, a, 0.0)
        for (b, c), shear in zip(grid.pairs, shear_stress, strict=True):
            if a in (b, c):
                other = c if a == b else b
                total = total - (after(shear, other) - shear) * inverse_spacing(grid, other)
        forces.append(total.at[..., 0].set(0.0) if a == -1 else total)
    return jnp.stack(forces)


def summed(components: Array) -> Array:
    """Sum over the leading axis, term by term: a reduction is no part of the loop around it on a CPU, and slower."""
    return functools.reduce(operator.add, components)


def edges_to_cells(edges: Array, pair: tuple[int, int]) -> Cells:
    """Mean over the four edges of a cell; walls carry no shear."""
    for axis in pair:
        edges = 0.5 * (edges + after(edges, axis, 0.0))
    return edges


def cells_to_edges(cells: Array, pair: tuple[int, int]) -> Array:
    """Mean over the four cells around a lower edge: the adjoint of `edges_to_cells`; zero on the walls."""
    for axis in pair:
        cells = 0.5 * (cells + before(cells, axis, 0.0))
    return cells.at[..., 0].set(0.0) if pair[1] == -1 else cells


def smooth(cells: Array, grid: Grid, passes: int = 1) -> Array:
    """Binomial average [1 2 1]/4 along every axis, `passes` times; symmetric and conserving."""
    for _ in range(passes):
        padded = pad(cells, grid.dim, MIRROR, MIRROR)
        for a in grid.axes:
            axis, inner = padded.ndim + a, padded.shape[a] - 2
            lower, here, upper = (jax.lax.slice_in_dim(padded, k, inner + k, axis=axis) for k in range(3))
            padded = 0.5 * here + 0.25 * (lower + upper) if grid.shape[a] > 1 else here
        cells = padded
    return cells
