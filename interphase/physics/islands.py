"""How many nuclei form at a given current: those that grow take it, the overpotential falls, and no more form. SI.

    C η̇ = i − s(A) i_n(η, r̄) − (F/Ω) ⅔π r₁³ J(η) e^{−A}
    Ṁ₀ = J e^{−A},    Ṁ₁ = ṙ M₀ + r₁ Ṁ₀,    Ṁ₂ = 2ṙ M₁ + r₁² Ṁ₀,    A = πM₂
    s(A) = 2A ∫₀¹ e^{−A(1−x²)} dx

M_k = Σ rᵏ per area; all nuclei grow as one of their root mean square radius r̄ does, and none dissolves: where r̄ < r*,
they wait; r₁: with which they begin.
s: surface per area of half balls at random places, 2A when they are few and one when they have closed: what is at the
height z = xr is covered with the probability 1 − e^{−A(1−x²)}. C holds what the substrate takes up before it plates.
Sources: Armstrong, Fleischmann, Thirsk, J. Electroanal. Chem. 11 (1966) 208; the burst: LaMer, Ind. Eng. Chem. 44
(1952) 1270.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from interphase.arrays import Scalar
from interphase.materials.substrate import Cover, Site
from interphase.physics.nucleation import nucleation_rate, plating_current
from interphase.units import FARADAY

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
NEGLIGIBLE = 20.0  # of an exponent
NUM_STEPS = 8000
LOWEST, HIGHEST, NUM_RATES = 1e-5, 1.0, 800  # overpotentials between which the rate is tabulated [V]
TINY = 1e-60  # [1/m²]
EARLIEST = 2.5e-3  # of the substrate's overpotential when the clock starts [V]; nothing nucleates below


class Islands(eqx.Module):
    """What a current has left when its charge has passed.

    **Arguments:**

    - `density`: of nuclei [1/m²]; `radius`: of half balls of that number and the lithium's volume [m]; `coverage`.
    - `largest_overpotential`: at which most nuclei formed; `last_overpotential` [V].
    - `formation_time`: when the overpotential was largest [s].
    """

    density: Scalar
    radius: Scalar
    coverage: Scalar
    largest_overpotential: Scalar
    last_overpotential: Scalar
    formation_time: Scalar


def surface_of_half_balls(extended: Array) -> Array:
    """s(A), surface per area of half balls that overlap at random."""
    reach = NEGLIGIBLE / jnp.maximum(extended, NEGLIGIBLE)  # below 1 − reach nothing is left bare
    x = 1 - reach * 0.5 * (NODES + 1)
    return extended * reach * jnp.sum(WEIGHTS * jnp.exp(-extended * (1 - x**2)))


def islands(
    site: Site,
    cover: Cover | None,
    current: Array,
    charge: Array,
    capacitance: Array,
    num_steps: int = NUM_STEPS,
) -> Islands:
    """Nuclei at a constant current.

    **Arguments:**

    - `current`: i [A/m²]; `charge`: passed at the end [C/m²]; `capacitance`: C of the substrate [F/m²].
    - `num_steps`: of time, equal ones of its logarithm.
    """
    known = jnp.exp(jnp.linspace(jnp.log(LOWEST), jnp.log(HIGHEST), NUM_RATES))
    rates = jax.vmap(lambda eta: nucleation_rate(site, cover, eta))(known)
    log_rate = jnp.log(site.site_density * rates.zeldovich * rates.attachment) - rates.barrier

    def tabulated(values: Array, overpotential: Array) -> Array:
        # The exponent goes with the inverse square of the overpotential, so that it is nearly linear in it.
        return jnp.interp(-(overpotential**-2), -(known**-2), values)

    def forming(overpotential: Array, extended: Array) -> tuple[Array, Array]:
        rate = jnp.exp(tabulated(log_rate, overpotential) - extended)
        return rate, tabulated(rates.first_radius, overpotential)

    def step(state: tuple[Array, ...], times: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
        overpotential, zeroth, first, second, largest, when = state
        begin, end = times
        dt, extended = end - begin, jnp.pi * second
        typical = jnp.sqrt((second + TINY) / (zeroth + TINY))

        def plated(eta: Array) -> Array:
            return plating_current(site, cover, eta, jnp.maximum(typical, tabulated(rates.critical_radius, eta)))

        def unbalanced(eta: Array) -> Array:
            rate, born = forming(eta, extended)
            grown = surface_of_half_balls(extended) * plated(eta)
            return (current - grown - FARADAY / site.molar_volume * 2 / 3 * jnp.pi * born**3 * rate) / capacitance

        value, slope = jax.jvp(unbalanced, (overpotential,), (jnp.ones_like(overpotential),))
        overpotential = overpotential + dt * value / (1 - dt * slope)
        rate, born = forming(overpotential, extended)
        speed = site.molar_volume / FARADAY * plated(overpotential)
        formed = rate * dt
        second = second + 2 * speed * first * dt + born**2 * formed
        first = first + speed * zeroth * dt + born * formed
        is_largest = overpotential > largest
        return (
            overpotential,
            zeroth + formed,
            first,
            second,
            jnp.where(is_largest, overpotential, largest),
            jnp.where(is_largest, end, when),
        ), None

    earliest = capacitance * EARLIEST / current
    times = earliest * (charge / current / earliest) ** jnp.linspace(0.0, 1.0, num_steps + 1)
    zero = jnp.zeros_like(earliest)
    start = (zero + EARLIEST, zero, zero, zero, zero, zero)
    (overpotential, density, _, second, largest, when), _ = jax.lax.scan(step, start, (times[:-1], times[1:]))
    thickness = site.molar_volume / FARADAY * charge
    return Islands(
        density=density,
        radius=jnp.cbrt(3 * thickness / (2 * jnp.pi * density)),
        coverage=-jnp.expm1(-jnp.pi * second),
        largest_overpotential=largest,
        last_overpotential=overpotential,
        formation_time=when,
    )
