"""Lateral defects of a coating: a random map over the material's own in-plane positions.

    p(y) = p₀ exp(a g(y)),    g: Gaussian random field, zero mean, unit variance, covariance exp(−r²/2ℓ²)

An amplitude a = 0 leaves a property uniform.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Scalar
from interphase.grid.grid import Grid


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
    """A sample of g on a periodic plane.

    **Arguments:**

    - `key`: of `jax.random`; the same key gives the same map.
    - `spacing`, `correlation_length`: ℓ, in one unit of length.
    """
    noise = jax.random.normal(key, shape)
    square = jnp.zeros(shape)
    for axis, (n, h) in enumerate(zip(shape, spacing, strict=True)):
        wavenumber = 2 * jnp.pi * jnp.fft.fftfreq(n, h)
        square = square + wavenumber.reshape([-1 if a == axis else 1 for a in range(len(shape))]) ** 2
    # The square root of the Gaussian's spectrum filters white noise into that covariance.
    field = jnp.real(jnp.fft.ifftn(jnp.fft.fftn(noise) * jnp.exp(-square * correlation_length**2 / 4)))
    field = field - jnp.mean(field)
    return field / jnp.std(field)
