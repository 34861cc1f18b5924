"""Lateral defects of a coating: a random map over the material's own in-plane positions.

    p(y) = p₀ exp(a g(y)),    g: Gaussian random field, zero mean, unit variance, covariance exp(−r²/2ℓ²)

An amplitude a = 0 leaves a property uniform.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from interphase.arrays import Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed

SHORTEST_WAVE = 6.0  # kℓ of the shortest wave of a map: e⁻⁹ of the longest, and longer than two cells where ℓ is


class Mosaic(eqx.Module):
    """A map g and the log-amplitude per property.

    **Arguments:**

    - `map`: g on the in-plane cells, zero mean, unit variance [-].
    - `modulus`, `ionic_conductivity`, `thickness`: amplitudes a [-]; 0 leaves a property uniform.
    """

    map: Float[Array, "*plane"]
    modulus: Scalar
    ionic_conductivity: Scalar
    thickness: Scalar

    def at(self, position: Float[Array, "axes *places"], grid: Grid) -> Array:
        """g at in-plane positions [in units of `Scales.length`], linear between cell centres, periodic."""
        index = [p / h - 0.5 for p, h in zip(position, grid.spacing[:-1], strict=True)]
        return jax.scipy.ndimage.map_coordinates(self.map, index, order=1, mode="wrap")


def random_map(key: Array, shape: tuple[int, ...], spacing: tuple[float, ...], correlation_length: float) -> Array:
    """A sample of g on a periodic plane, at the centres of its cells: a sum of waves with random amplitudes.

    The amplitudes depend on the size of the plane, not on its cells: a finer grid sees the same film.

    **Arguments:**

    - `key`: of `jax.random`; the same key gives the same map, in single precision as in double.
    - `spacing`, `correlation_length`: ℓ, in one unit of length.
    """
    wavenumbers, waves = [], []
    for n, h in zip(shape, spacing, strict=True):
        most = math.floor(SHORTEST_WAVE * n * h / (2 * math.pi * correlation_length))
        wavenumbers.append(2 * jnp.pi * jnp.arange(-most, most + 1) / (n * h))
        waves.append(jnp.exp(1j * wavenumbers[-1] * (jnp.arange(n)[:, None] + 0.5) * h))
    square = summed(jnp.stack(jnp.meshgrid(*wavenumbers, indexing="ij")) ** 2)
    with jax.enable_x64(True):  # of one key the same film in either precision
        real, imaginary = np.asarray(jax.random.normal(key, (2, *square.shape)))
    # The square root of the Gaussian's spectrum filters white noise into that covariance; the mean is no wave.
    amplitude = (real + 1j * imaginary) * jnp.where(square == 0, 0.0, jnp.exp(-square * correlation_length**2 / 4))
    amplitude = 0.5 * (amplitude + jnp.conj(jnp.flip(amplitude)))  # of a real field
    field = amplitude / jnp.sqrt(jnp.sum(jnp.abs(amplitude) ** 2))
    for wave in waves:  # every turn sums over the leading axis and puts the places last
        field = jnp.tensordot(field, wave, axes=(0, 1))
    return jnp.real(field)
