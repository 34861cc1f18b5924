"""Nucleation of lithium on a substrate, perhaps under a film: rate, growth, and how many nuclei there will be. SI.

    ΔG(r) = f(θ) ∫ S r^{d−1} μ dr,    μ(r) = (d−1)γ/r + p(r) − F|η|/Ω        excess energy per volume of lithium
    J     = N_s Z β* e^{−ΔG*/k_B T},  μ(r*) = 0
    ṙ     = (Ω/F) i,                  i = i₀₀ [e^{α𝒜} − e^{−(1−α)𝒜}],  𝒜 RT = −Ωμ − F ρ(r) i
    Ṅ     = J e^{−A},                 A = ∫ J π r(t−t')² dt'                  covered, overlaps counted twice

r: radius of curvature of a cap; S = 4π of a ball (d = 3), 2π of a cylinder (d = 2); f: the cap's share of it. η is the
size of the overpotential that plates. p: what the film takes to give way; ρ: resistance of the film about the nucleus.
Only balls nucleate: of a cylinder, energies are per length. Nuclei are counted as caps and grow as half balls.
Sources: Kalikmanov, Nucleation Theory (2013), ch. 3; Avrami, J. Chem. Phys. 8 (1940) 212.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from interphase.arrays import Scalar
from interphase.materials.substrate import Cover, Site
from interphase.physics.reaction import affinity_for, bounded_exponential
from interphase.units import FARADAY, GAS_CONSTANT

AVOGADRO = 6.02214076e23  # [1/mol]
SHARPNESS = 4.0  # with which the least of several pressures is taken
BISECTIONS = 60
WIDEST = 30.0  # ln of the largest radius looked at over the smallest
LARGEST_NUCLEUS = 1e-3  # [m]; long before, the substrate is covered
SMALLEST_GAIN = 1e-12  # of the first radius
NUM_RADII = 3000  # on which a growing nucleus is followed
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


# --- shape ------------------------------------------------------------------------------------------------------------


def share_of_ball(angle: Array, dim: int = 3) -> Array:
    """f(θ): volume, and energy, of a cap over those of the whole ball or cylinder."""
    cosine = jnp.cos(angle)
    if dim == 2:
        return (angle - jnp.sin(angle) * cosine) / jnp.pi
    return (2 + cosine) * (1 - cosine) ** 2 / 4


def measure_of_unit_sphere(dim: int) -> float:
    return 4 * np.pi if dim == 3 else 2 * np.pi


# --- what holds a nucleus back ----------------------------------------------------------------------------------------


def film_pressure(cover: Cover, radius: Array, angle: Array, dim: int = 3) -> Array:
    """p(r): under which a film makes room for a cap, by bulging, indentation or cracking, whichever costs least [Pa].

    Bulging of a membrane over a cap of base a and height w (a strip in 2-D), opening of a cavity in a yielding solid
    (Hill 1950; of an elastic one, 5E/6, the neo-Hookean ball's), a crack of size a along the film's lower face
    (Sneddon's penny, Griffith's strip).
    """
    base, slope = radius * jnp.sin(angle), jnp.tan(angle / 2)  # w/a
    modulus, nu = cover.modulus, cover.poisson_ratio
    if dim == 3:
        bulging = 4 * cover.tension * slope + 8 / 3 * modulus / (1 - nu) * slope**3
        cavity = 2 / 3 * cover.yield_strength * (1 + jnp.log(modulus / (3 * (1 - nu) * cover.yield_strength)))
        crack = jnp.pi * modulus * cover.toughness / (4 * (1 - nu**2) * base)
    else:
        bulging = 2 * cover.tension * slope + 4 / 3 * modulus / (1 - nu**2) * slope**3
        shear_strength = cover.yield_strength / np.sqrt(3)
        cavity = shear_strength * (1 + jnp.log(modulus / (2 * (1 + nu) * shear_strength)))
        crack = modulus * cover.toughness / (jnp.pi * (1 - nu**2) * base)
    ways = [bulging * cover.thickness / base, cavity if cover.yields else 5 / 6 * modulus]
    if cover.cracks:
        ways.append(jnp.sqrt(crack))
    least = sum((way ** (-SHARPNESS) for way in ways), jnp.zeros_like(base))
    return least ** (-1 / SHARPNESS)


def excess(site: Site, cover: Cover | None, overpotential: Array, radius: Array, dim: int = 3) -> Array:
    """μ(r) [J/m³]: above zero a nucleus shrinks."""
    held = (dim - 1) * site.surface_energy / radius - FARADAY * overpotential / site.molar_volume
    return held if cover is None else held + film_pressure(cover, radius, site.contact_angle, dim)


def critical_radius(site: Site, cover: Cover | None, overpotential: Array, dim: int = 3) -> Array:
    """r*, where μ = 0 [m]; without a film (d−1)γΩ/F|η|."""
    bare = (dim - 1) * site.surface_energy * site.molar_volume / (FARADAY * overpotential)
    if cover is None:
        return bare
    frozen = jax.lax.stop_gradient((site, cover, overpotential))

    def halve(_, bounds):
        lower, upper = bounds
        middle = 0.5 * (lower + upper)
        shrinks = excess(*frozen, jnp.exp(middle), dim) > 0
        return jnp.where(shrinks, middle, lower), jnp.where(shrinks, upper, middle)

    lowest = jax.lax.stop_gradient(jnp.log(bare))  # under a film r* is larger than without
    lower, _ = jax.lax.fori_loop(0, BISECTIONS, halve, (lowest, lowest + WIDEST))
    root = jnp.exp(lower)
    # A last step of Newton's method carries the derivatives that bisection has not.
    slope = jax.grad(lambda r: excess(*frozen, r, dim))(root)
    return root - excess(site, cover, overpotential, root, dim) / slope


def barrier(site: Site, cover: Cover | None, overpotential: Array, dim: int = 3) -> Array:
    """ΔG* [J], of a cylinder [J/m]."""
    top = critical_radius(site, cover, overpotential, dim)
    radii = top * 0.5 * (NODES + 1)
    slopes = radii ** (dim - 1) * jax.vmap(lambda r: excess(site, cover, overpotential, r, dim))(radii)
    share = share_of_ball(site.contact_angle, dim) * measure_of_unit_sphere(dim)
    return share * 0.5 * top * jnp.sum(WEIGHTS * slopes)


class Rate(eqx.Module):
    """How fast nuclei form.

    **Arguments:**

    - `critical_radius`: r* [m]; `barrier`: ΔG*/k_B T; `zeldovich`: Z, the share that does not fall back.
    - `attachment`: β* [1/s]; `rate`: J [1/m²s].
    - `first_radius`: at which a nucleus is one k_B T down the far side and counts as growing [m].
    """

    critical_radius: Scalar
    barrier: Scalar
    zeldovich: Scalar
    attachment: Scalar
    rate: Scalar
    first_radius: Scalar


def nucleation_rate(site: Site, cover: Cover | None, overpotential: Array) -> Rate:
    """J and what it is made of, of balls."""
    radius = critical_radius(site, cover, overpotential)
    thermal = GAS_CONSTANT * site.temperature / AVOGADRO
    atom = site.molar_volume / AVOGADRO
    share = share_of_ball(site.contact_angle) * measure_of_unit_sphere(3)
    # Per radius; dΔG/dn = v μ, so d²ΔG/dn² = v² μ'/(f S r²).
    curvature = -jax.grad(lambda r: excess(site, cover, overpotential, r))(radius)
    zeldovich = atom * jnp.sqrt(curvature / (2 * jnp.pi * thermal * share)) / radius
    cap = 2 * jnp.pi * radius**2 * (1 - jnp.cos(site.contact_angle))
    potential = GAS_CONSTANT * site.temperature / FARADAY
    attempts = site.exchange_current / (FARADAY / AVOGADRO) * cap
    attachment = attempts * bounded_exponential(site.transfer_coefficient * overpotential / potential)
    height = barrier(site, cover, overpotential) / thermal
    return Rate(
        critical_radius=radius,
        barrier=height,
        zeldovich=zeldovich,
        attachment=attachment,
        rate=site.site_density * zeldovich * attachment * jnp.exp(-height),
        first_radius=radius + jnp.sqrt(2 * thermal / (share * curvature)) / radius,
    )


# --- growth -----------------------------------------------------------------------------------------------------------


def film_resistance(cover: Cover | None, radius: Array, dim: int = 3) -> Array:
    """ρ(r): of the way through the film to a half ball below it, per area of the half ball [Ω m²].

    The current spreads: r/κ where the film is thick, t/κ where it is thin.
    """
    if cover is None:
        return jnp.zeros_like(radius)
    if dim == 2:
        return radius * jnp.log1p(cover.thickness / radius) / cover.ionic_conductivity
    return 1 / (cover.ionic_conductivity * (1 / radius + 1 / cover.thickness))


def plating_current(site: Site, cover: Cover | None, overpotential: Array, radius: Array, dim: int = 3) -> Array:
    """i on a growing half ball [A/m²]."""
    potential = GAS_CONSTANT * site.temperature / FARADAY
    drive = -excess(site, cover, overpotential, radius, dim) * site.molar_volume / (GAS_CONSTANT * site.temperature)
    load = film_resistance(cover, radius, dim) * site.exchange_current / potential
    return site.exchange_current * loaded_current(drive, load, site.transfer_coefficient)


def loaded_current(drive: Array, load: Array, transfer_coefficient: Array) -> Array:
    """i/i₀₀ with 𝒜(i) + `load` i = `drive`, by Newton's method on i; the left side rises and is smooth [-]."""
    drive, load = jnp.broadcast_arrays(drive, load)
    alpha = transfer_coefficient

    def current(affinity):
        return bounded_exponential(alpha * affinity) - bounded_exponential(-(1 - alpha) * affinity)

    def slope(affinity):
        return jax.jvp(current, (affinity,), (jnp.ones_like(affinity),))[1]

    frozen_drive, frozen_load = jax.lax.stop_gradient((drive, load))
    # Of two bounds, no drop over the film and no drop over the reaction, the one nearer to zero.
    film_bound = affinity_for(frozen_drive / jnp.maximum(frozen_load, 1e-12), 1.0, alpha)
    affinity = jnp.where(jnp.abs(film_bound) < jnp.abs(frozen_drive), film_bound, frozen_drive)

    def improve(_, affinity):
        excess = affinity + frozen_load * current(affinity) - frozen_drive
        return affinity - excess / (1 + frozen_load * slope(affinity))

    affinity = jax.lax.stop_gradient(jax.lax.fori_loop(0, 40, improve, affinity))
    step = (affinity + load * current(affinity) - drive) / (1 + load * slope(affinity))
    return current(affinity - step)


# --- how many ---------------------------------------------------------------------------------------------------------


class Growth(eqx.Module):
    """What becomes of nuclei at a constant overpotential; every array over the radius of the oldest.

    **Arguments:**

    - `radius` [m], `time` [s]: of the oldest nucleus, since it formed.
    - `density`: N [1/m²]; `coverage`: share of the substrate.
    """

    radius: Array
    time: Array
    density: Array
    coverage: Array


def growth(site: Site, cover: Cover | None, overpotential: Array, largest: Array | float = LARGEST_NUCLEUS) -> Growth:
    """Follows nuclei until the oldest would have the radius `largest` [m].

    With J constant, a nucleus' age is all that tells it from another: the radius is the clock, and all is quadrature.
    """
    rate = nucleation_rate(site, cover, overpotential)
    # Where nuclei form fast, all is over before the oldest has grown by a millionth.
    gained = jnp.exp(jnp.linspace(jnp.log(SMALLEST_GAIN * rate.first_radius), jnp.log(largest), NUM_RADII))
    radius = rate.first_radius + gained
    slowness = FARADAY / site.molar_volume / plating_current(site, cover, overpotential, radius)
    time = _accumulated(slowness, gained)
    covered = rate.rate * jnp.pi * _accumulated(radius**2 * slowness, gained)
    density = rate.rate * _accumulated(jnp.exp(-covered) * slowness, gained)
    return Growth(radius, time, density, -jnp.expm1(-covered))


def nucleus_density(site: Site, cover: Cover | None, overpotential: Array) -> Array:
    """Nuclei there will have been when the substrate is covered [1/m²]."""
    return growth(site, cover, overpotential).density[-1]


def _accumulated(slope: Array, position: Array) -> Array:
    """∫ slope d(position) from nearly nothing on, in ln(position) by the trapezoidal rule."""
    values, steps = slope * position, jnp.diff(jnp.log(position))
    return jnp.concatenate([jnp.zeros(1), jnp.cumsum(0.5 * (values[1:] + values[:-1]) * steps)])
