"""Principal values of symmetric tensors held as a stress."""

import jax.numpy as jnp

from interphase.arrays import Cells, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed


def largest_principal(tensor: Stresses, grid: Grid) -> Cells:
    """Largest eigenvalue of a symmetric tensor held as a stress.

    In 3-D by the trigonometric formula (Smith, Comm. ACM 4 (1961) 168), kept off its corners for the sake of gradients.
    """
    if grid.dim == 2:
        mean, half = 0.5 * (tensor[0] + tensor[1]), 0.5 * (tensor[0] - tensor[1])
        in_plane = mean + jnp.sqrt(half**2 + tensor[3] ** 2 + 1e-30)
        return jnp.maximum(in_plane, tensor[2])
    shear = dict(zip(grid.pairs, tensor[3:], strict=True))
    xy, xz, yz = shear[-3, -2], shear[-3, -1], shear[-2, -1]
    mean = summed(tensor[:3]) / 3
    a, b, c = tensor[:3] - mean
    radius = jnp.sqrt((a**2 + b**2 + c**2) / 6 + (xy**2 + xz**2 + yz**2) / 3 + 1e-30)
    determinant = a * b * c + 2 * xy * xz * yz - a * yz**2 - b * xz**2 - c * xy**2
    cosine = jnp.clip(determinant / (2 * radius**3), -1.0, 1.0) * (1 - 1e-6)
    return mean + 2 * radius * jnp.cos(jnp.arccos(cosine) / 3)
