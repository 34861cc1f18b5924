"""Principal values of symmetric tensors held as a stress."""

import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed


def largest_principal(tensor: Stresses, grid: Grid) -> Cells:
    """Largest eigenvalue of a symmetric tensor held as a stress."""
    if grid.dim == 2:
        mean, half = _in_plane(tensor)
        return jnp.maximum(mean + half, tensor[2])
    mean, radius, angle = _on_circle(tensor)
    return mean + 2 * radius * jnp.cos(angle)


def principal_values(tensor: Stresses) -> Array:
    """All three eigenvalues of a symmetric tensor held as a stress, along a leading axis."""
    if tensor.shape[0] == 4:
        mean, half = _in_plane(tensor)
        return jnp.stack([mean + half, mean - half, tensor[2]])
    mean, radius, angle = _on_circle(tensor)
    return jnp.stack([mean + 2 * radius * jnp.cos(angle - 2 * jnp.pi * k / 3) for k in range(3)])


def _in_plane(tensor: Stresses) -> tuple[Cells, Cells]:
    """Centre and radius of Mohr's circle of a 2-D tensor."""
    mean, half = 0.5 * (tensor[0] + tensor[1]), 0.5 * (tensor[0] - tensor[1])
    return mean, jnp.sqrt(half**2 + tensor[3] ** 2 + 1e-30)


def _on_circle(tensor: Stresses) -> tuple[Cells, Cells, Cells]:
    """Mean, radius and angle that give the eigenvalues of a 3-D tensor.

    The trigonometric formula (Smith, Comm. ACM 4 (1961) 168), kept off its corners for the sake of gradients.
    """
    xy, xz, yz = tensor[3:]  # as `Grid.pairs` has them
    mean = summed(tensor[:3]) / 3
    a, b, c = tensor[:3] - mean
    radius = jnp.sqrt((a**2 + b**2 + c**2) / 6 + (xy**2 + xz**2 + yz**2) / 3 + 1e-30)
    determinant = a * b * c + 2 * xy * xz * yz - a * yz**2 - b * xz**2 - c * xy**2
    cosine = jnp.clip(determinant / (2 * radius**3), -1.0, 1.0) * (1 - 1e-6)
    return mean, radius, jnp.arccos(cosine) / 3
