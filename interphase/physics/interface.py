"""Where the surface of a carried phase is: distance, normal, curvature, area.

    f = ½[1 + tanh(ψ/2w)],   n = −∇ψ/|∇ψ|,   K = ∇·n,   δ = |∇g(f)|

ψ is the distance into the phase, n points out of it, K > 0 on a bump; g is `counted`. Lengths in units of
`Scales.length`.
"""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors, Faces
from interphase.grid.boundary import after
from interphase.grid.grid import Grid
from interphase.grid.stencils import (
    average_to_faces,
    centre_gradient,
    difference_to_faces,
    inverse_spacing,
    smooth,
    summed,
)

REACH = 8.0  # distances saturate smoothly at this many widths; a hard stop there makes design slopes jump
FLAT = 0.22  # |∇ψ| below which a place has no direction
REACTING = 5.0  # widths from the surface beyond which nothing reacts: the profile is below a third of `TRACE`
CORRECTIONS = 2  # of where the surface is
TAIL = 1e-6  # gradients of the fraction below this are round-off, not surface
TRACE = 0.02  # below it there is no surface; six cells from a surface the profile is at 0.0025
FOOT = (0.05, 0.25)  # of a profile that bears no load, and from which on it bears all of it
STRIDE = 2  # cells between samples along a normal; what that leaves of a profile one cell wide is below 1 %
EDGE = 4.0  # widths from the surface to where the profile is down to `TRACE`
ABSENT = 1e-8  # weight below which there is nothing to continue
BODY = 0.1  # above it all of the profile counts


def raw_distance(fraction: Cells, width: float) -> Cells:
    """ψ = w ln[f/(1−f)] of a fraction with a tanh profile, as far as round-off lets it reach."""
    return width * jnp.log(odds(fraction))


def odds(fraction: Cells) -> Cells:
    """f/(1−f), bounded away from zero and infinity by round-off."""
    inside = jnp.clip(fraction, 0.0, 1.0)
    tiny = 1e-10 if fraction.dtype == jnp.float64 else 1e-6
    return (inside + tiny) / (1 - inside + tiny)


def distance(fraction: Cells, width: float) -> Cells:
    """ψ saturating smoothly at ±`REACH` widths."""
    raw = raw_distance(fraction, width) / (REACH * width)
    return width * REACH * raw / eighth_root(1 + raw**8)


def unit(vector: CellVectors) -> CellVectors:
    """Direction of a gradient of magnitude about one; fades to zero where the gradient does."""
    size = summed(vector**2)
    return vector / eighth_root(size**4 + FLAT**8)


def eighth_root(x: Array) -> Array:
    """x^{1/8} by square roots, which cost a fraction of a power."""
    return jnp.sqrt(jnp.sqrt(jnp.sqrt(x)))


def normal(fraction: Cells, width: float, grid: Grid) -> CellVectors:
    """Unit vector out of the phase in cells; zero far from its surface."""
    return -unit(centre_gradient(distance(fraction, width), grid))


def area_density(fraction: Cells, grid: Grid) -> Cells:
    """Surface area per volume δ = |∇g(f)| [per length]; a flat surface sums to exactly its area."""
    square = summed(centre_gradient(counted(fraction), grid) ** 2)
    return jnp.sqrt(square + TAIL**2) - TAIL


def counted(fraction: Cells, trace: float = TRACE, body: float = BODY) -> Cells:
    """g(f) with g(0) = 0, g(1) = 1, g(f) + g(1−f) = 1, constant where either side is but a trace.

        g' ∝ S(f) + S(1−f) − 1,    S rising smoothly from 0 at `trace` to 1 at `body`

    A trace of lithium is no surface. Beyond a resistive coating, where the driving force is many RT/F larger, the far
    tail of the profile would otherwise react, short-circuit the coating and grow into droplets.
    """

    def rise(f):  # ∫S
        t = jnp.clip((f - trace) / (body - trace), 0.0, 1.0)
        return (body - trace) * (t**3 - 0.5 * t**4) + jnp.maximum(f - body, 0.0)

    inside = jnp.clip(fraction, 0.0, 1.0)
    whole = 1 - 0.5 * (trace + body)
    share = (rise(inside) + whole - rise(1 - inside) - inside) / (2 * whole - 1)
    return jnp.clip(share, 0.0, 1.0)  # a last digit beyond one would make a conductance of what is left negative


def bearing(fraction: Cells) -> Cells:
    """The share of a cell with which a phase resists: the foot of its profile moves with what else is there."""
    return counted(fraction, *FOOT)


def face_normals(fraction: Cells, width: float, grid: Grid) -> list[CellVectors]:
    """The whole unit normal at the lower faces of every axis, from the compact gradient there."""
    psi = distance(fraction, width)
    centre = centre_gradient(psi, grid)
    normals = []
    for a in grid.axes:
        gradient = [difference_to_faces(psi, grid, a) if b == a else average_to_faces(centre[b], a) for b in grid.axes]
        normals.append(-unit(jnp.stack(gradient)))
    return normals


def curvature(fraction: Cells, width: float, grid: Grid) -> Cells:
    """K = ∇·n in cells [per length]; 1/r on a cylinder, 2/r on a sphere of the phase."""
    total = jnp.zeros_like(fraction)
    for a, normals in zip(grid.axes, face_normals(fraction, width, grid), strict=True):
        outward = normals[a]
        above = outward[..., -1:] if a == -1 else 0.0
        total = total + (after(outward, a, above) - outward) * inverse_spacing(grid, a)
    return total


def dyad(vector: CellVectors, grid: Grid) -> Array:
    """n⊗n + (1−|n|²)I/d as a stress holds its components; its trace is exactly one."""
    rest = (1 - summed(vector**2)) / grid.dim
    normals = vector**2 + rest
    if grid.dim == 2:
        normals = jnp.concatenate([normals, jnp.zeros_like(normals[:1])])
    return jnp.concatenate([normals, jnp.stack([vector[a] * vector[b] for a, b in grid.pairs])])


def continued_off(per_volume: Cells, area: Cells, grid: Grid) -> Cells:
    """A surface density i from i δ, carried a few cells off the surface; beyond, its mean over the surface."""
    mean = jnp.sum(per_volume) / (jnp.sum(area) + 1e-30)
    return (smooth(per_volume, grid, 3) + 1e-9 * mean) / (smooth(area, grid, 3) + 1e-9)


def continued_from(weight: Array, kept: Array, values: Array, grid: Grid, cells: int) -> Array:
    """Values continued `cells` beyond where they have weight, towards zero where none is near.

    **Arguments:** `kept`: how much of its own value a place keeps; it takes the rest as the weighted mean around it.
    """
    for _ in range(cells):
        spread = smooth(weight, grid)
        values = kept * values + (1 - kept) * smooth(weight * values, grid) / (spread + ABSENT)
        weight = kept * weight + (1 - kept) * spread
    return values


def smooth_step(x: Array, start: float | Array, end: float | Array) -> Array:
    """Zero up to `start`, one from `end` on."""
    t = jnp.clip((x - start) / (end - start), 0.0, 1.0)
    return t**2 * (3 - 2 * t)


def along_normals(
    fields: Array, nearest: CellVectors, normal: CellVectors, width: float, grid: Grid, stride: int = STRIDE
) -> Array:
    """Sums of fields along the straight normal through every cell, across all of a diffuse interface.

    **Arguments:**

    - `fields`: of shape `(count, *grid)`; between cells they are interpolated linearly.
    - `nearest`: where each normal meets the surface, in indices of cells; samples lie evenly to both sides.
    - `stride`: cells between samples; with two, what alternates from cell to cell is not averaged out.
    """
    step, beside = in_cells(normal, grid), math.ceil(EDGE * width / stride)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def sampled(k, total):
        return total + between_cells(fields, nearest + stride * (k - beside) * step, grid)

    return stride * jax.lax.fori_loop(0, 2 * beside + 1, sampled, jnp.zeros_like(fields))


def cell_places(grid: Grid, dtype) -> CellVectors:
    """The indices of every cell."""
    return jnp.stack(jnp.meshgrid(*[jnp.arange(n, dtype=dtype) for n in grid.shape], indexing="ij"))


def in_cells(vector: CellVectors, grid: Grid) -> CellVectors:
    """A length as a difference of indices."""
    return vector / jnp.asarray(grid.spacing, vector.dtype).reshape(-1, *[1] * (vector.ndim - 1))


def between_cells(fields: Array, places: CellVectors, grid: Grid) -> Array:
    """Fields of shape `(count, *grid)` at any number of indices, interpolated linearly; beyond the walls as at them."""
    flat = fields.reshape(fields.shape[0], -1)
    shape = places.shape[1:]
    corners: list[tuple[Array, Array]] = [(jnp.zeros(shape, jnp.int32), jnp.ones(shape, fields.dtype))]
    for axis, n in zip(grid.axes, grid.shape, strict=True):
        at = jnp.clip(places[axis], 0.0, n - 1.0) if axis == -1 else places[axis]
        share, lower = at - jnp.floor(at), jnp.floor(at).astype(jnp.int32)
        upper = jnp.minimum(lower + 1, n - 1) if axis == -1 else wrapped(lower + 1, n)
        lower = lower if axis == -1 else wrapped(lower, n)
        corners = [
            (index * n + one, weight * part)
            for index, weight in corners
            for one, part in ((lower, 1 - share), (upper, share))
        ]
    none = jnp.zeros((fields.shape[0], *shape), fields.dtype)
    return sum((weight * jnp.take(flat, index, axis=1, mode="clip") for index, weight in corners), none)


def wrapped(index: Array, n: int) -> Array:
    """An index modulo n. Of a power of two that is its last bits; a division takes longer than all else of a place."""
    return index & (n - 1) if n & (n - 1) == 0 else index % n


def nearest_places(raw: Cells, depth: Cells, normal: CellVectors, width: float, grid: Grid) -> CellVectors:
    """Where the straight normal through every cell near the surface meets ψ = 0, in indices of cells.

    The first guess is the cell's own ψ. Motion leaves that of the foot a few hundredths of a cell off, which under a
    resistive film is many times what drives the reaction; ψ beside the surface is better, and the same for all.
    """
    here, step = cell_places(grid, raw.dtype), in_cells(normal, grid)
    away = jnp.clip(raw / width, -REACTING, REACTING) * width
    for _ in range(CORRECTIONS):
        away = away + between_cells(depth[None], here + away * step, grid)[0]
    return here + jnp.clip(away, -2 * REACTING * width, 2 * REACTING * width) * step


def on_faces(vector: CellVectors, grid: Grid) -> Faces:
    """A vector field's normal component on lower faces, none through the lower wall."""
    faces = jnp.stack([average_to_faces(component, a) for a, component in zip(grid.axes, vector, strict=True)])
    return faces.at[-1, ..., 0].set(0.0)


class Look(eqx.Module):
    """The lithium surface: distance into it, outward normal, n⊗n, area density, curvature [-].

    **Arguments:** `nearest`: where on the surface the normal through every cell meets it, in indices of cells.
    """

    depth: Cells
    normal: CellVectors
    nearest: CellVectors
    direction: Array
    area: Cells
    curvature: Cells

    @staticmethod
    def at(lithium: Cells, width: float, grid: Grid) -> "Look":
        outward = normal(lithium, width, grid)
        depth = distance(lithium, width)
        return Look(
            depth,
            outward,
            nearest_places(raw_distance(lithium, width), depth, outward, width, grid),
            dyad(outward, grid),
            area_density(lithium, grid),
            curvature(lithium, width, grid),
        )
