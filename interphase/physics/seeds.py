"""Nuclei as a start: at random places of the collector, with number and size from the law of nucleation. SI.

    n = N A,    r = √(−ln(1−X) / πN)        N nuclei per area when they cover the share X

A nucleus is a bump with the volume of a half ball of radius r, of a half cylinder in 2-D, where a line crosses √N of
them per length. None begins on another: places are drawn one by one and passed over where one is nearer than r.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from interphase.materials.coating import Coating
from interphase.materials.stack import Stack
from interphase.materials.substrate import Cover, Ground, Site, Substrate
from interphase.physics.nucleation import growth

CANDIDATES = 200  # places drawn per nucleus, at most


def nuclei_at(site: Site, cover: Cover | None, overpotential: float, coverage: float) -> tuple[float, float]:
    """Nuclei per area [1/m²] and the radius of half balls that cover a share of the substrate [m]."""
    density = float(jax.jit(density_at)(site, cover, jnp.asarray(overpotential), jnp.asarray(coverage)))
    return density, float(np.sqrt(-np.log1p(-coverage) / (np.pi * density))) if density > 0 else np.inf


def density_at(site: Site, cover: Cover | None, overpotential: Array, coverage: Array) -> Array:
    """Nuclei per area when they cover a share of the substrate [1/m²]; differentiable."""
    course = growth(site, cover, overpotential)
    return jnp.interp(coverage, course.coverage, course.density)


def expected_density(stack: Stack) -> Array:
    """Nuclei per area that the stack's own numbers let form [1/m²]; differentiable in all of them."""
    substrate = stack.substrate
    assert substrate is not None
    return density_at(*place_on(stack, substrate), substrate.overpotential, substrate.coverage)


def place_on(stack: Stack, ground: Substrate | Ground) -> tuple[Site, Cover | None]:
    """Where a nucleus would form, and what lies over it."""
    conductor = stack.electrolyte or stack.solid_electrolyte
    assert conductor is not None
    site = Site(
        contact_angle=ground.contact_angle,
        site_density=ground.site_density,
        surface_energy=stack.lithium.surface_energy,
        molar_volume=ground.molar_volume,
        exchange_current=conductor.exchange_current,
        transfer_coefficient=stack.transfer_coefficient,
        temperature=stack.temperature,
    )
    return site, None if stack.coating is None else cover_of(stack.coating, ground)


def cover_of(coating: Coating, substrate: Substrate | Ground) -> Cover:
    """The inner face of a coating with the thickness of all: what a nucleus meets first."""
    inner = coating.layers[0]
    return Cover(
        thickness=coating.thickness,
        modulus=inner.modulus[0],
        poisson_ratio=inner.poisson_ratio[0],
        yield_strength=inner.yield_strength[0],
        toughness=inner.toughness[0],
        tension=jnp.zeros_like(coating.thickness),
        ionic_conductivity=inner.ionic_conductivity[0],
        yields=substrate.cover_yields,
        cracks=substrate.cover_cracks,
    )


def expected_number(density: float, period: tuple[float, ...]) -> float:
    """Nuclei in a box, of a line or a plane."""
    return float(np.prod(period)) * density ** (len(period) / 2)


def random_places(key: Array, number: int, period: tuple[float, ...], apart: float) -> np.ndarray:
    """Places on a periodic plane, `apart` from one another at least [m]; as many as there is room for.

    **Arguments:**

    - `key`: of `jax.random`; the same key gives the same places on any number of devices.
    """
    with jax.enable_x64(True):  # of one key the same places in either precision
        drawn = np.asarray(jax.random.uniform(key, (CANDIDATES * number, len(period)))) * np.asarray(period)
    taken: list[np.ndarray] = []
    for place in drawn:
        between = place - np.asarray(taken).reshape(-1, len(period))
        between -= np.asarray(period) * np.round(between / np.asarray(period))
        if np.all(np.sum(between**2, axis=1) >= apart**2):
            taken.append(place)
        if len(taken) == number:
            break
    return np.asarray(taken).reshape(-1, len(period))


def bump_of(radius: float, in_plane: int) -> tuple[float, float]:
    """Height and standard deviation of a Gaussian with the height and volume of a half ball, or half cylinder [m]."""
    return radius, radius * (np.sqrt(1 / 3) if in_plane == 2 else np.sqrt(np.pi / 8))
