"""∇²x = b in cells by Fourier transform: periodic in plane, no flux through the walls; exact to round-off."""

import jax.numpy as jnp
import jax.scipy.fft

from interphase.arrays import Cells
from interphase.grid.grid import Grid


def inverse_laplacian(right_side: Cells, grid: Grid) -> Cells:
    """x with ∇²x = b and mean zero; the mean of b, for which there is no such x, is left out."""
    in_plane = tuple(range(grid.dim - 1))
    transformed = jnp.fft.rfftn(jax.scipy.fft.dct(right_side, axis=-1), axes=in_plane)
    eigenvalues = jnp.zeros((), right_side.dtype)
    for axis, (n, h) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
        turns = jnp.arange(n, dtype=right_side.dtype) / (n if axis in in_plane else 2 * n)
        along = -4 / h**2 * jnp.sin(jnp.pi * turns[: transformed.shape[axis]]) ** 2
        eigenvalues = eigenvalues + along.reshape([-1 if a == axis else 1 for a in range(grid.dim)])
    solved = transformed / jnp.where(eigenvalues == 0, jnp.inf, eigenvalues)
    shape = [grid.shape[axis] for axis in in_plane]
    return jax.scipy.fft.idct(jnp.fft.irfftn(solved, shape, axes=in_plane), axis=-1)
