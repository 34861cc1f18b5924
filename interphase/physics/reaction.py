"""Butler–Volmer kinetics of Li⁺ + e⁻ ⇌ Li at the lithium surface.

    𝒜/RT = (φ_e − φ_m + U)F/RT − γK/(σ₀L₀) + σ_n/σ₀ − F R_film i/RT
    i    = i₀₀ (c/c₀)^{1−α} [e^{α𝒜/RT} − c_Li e^{−(1−α)𝒜/RT}],    c_Li = ĉ_Li + R i

i > 0 plates. σ_n = n·σ·n is tension-positive: compression hinders plating. K > 0 on a bump hinders plating.
φ_e is the potential of lithium at rest in the same place, so that U = 0 at any concentration. All non-dimensional.
c_Li is the share of the surface's lattice sites that still hold an atom, one where vacancies are not followed: only
those give up lithium. Within a step a current changes it by R i, so it cannot take what is not there (see `vacancies`).
Source: Newman & Thomas-Alyea, Electrochemical Systems, ch. 8; stress and curvature terms Monroe & Newman 2004/2005.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar

LARGEST_EXPONENT = 40.0


class Kinetics(eqx.Module):
    """What the rate law needs at every place.

    **Arguments:**

    - `exchange_current`: i₀₀(c/c₀)^{1−α} [-].
    - `transfer_coefficient`: α, of the cathodic (plating) branch [-].
    - `film_resistance`: of a film thinner than the grid, in series [-].
    - `offset`: −γK/(σ₀L₀): the part of the affinity known before the solve [-].
    - `occupancy`, `depletion`: ĉ_Li and R, or `None` where every site holds an atom [-].
    """

    exchange_current: Array
    transfer_coefficient: Scalar
    film_resistance: Array
    offset: Array
    occupancy: Array | None = None
    depletion: Array | None = None

    def current(self, affinity: Cells) -> Cells:
        """i(𝒜): the net plating current density, film left aside [-]."""
        alpha = self.transfer_coefficient
        plating, stripping = bounded_exponential(alpha * affinity), bounded_exponential(-(1 - alpha) * affinity)
        if self.occupancy is None or self.depletion is None:
            return self.exchange_current * (plating - stripping)
        # Solved for i: stripping tends to −ĉ/R, what empties the surface just by the end of the step.
        hindrance = 1 + self.depletion * self.exchange_current * stripping
        return self.exchange_current * (plating - self.occupancy * stripping) / hindrance

    def mismatch(self, affinity: Cells, driving_potential: Cells, normal_stress: Cells) -> Cells:
        """𝒜 minus what potentials, stress, curvature and film allow; zero at the solution [-].

        **Arguments:**

        - `driving_potential`: φ_e − φ_m.
        """
        return (
            affinity - driving_potential - self.offset - normal_stress + self.film_resistance * self.current(affinity)
        )


def bounded_exponential(x: Array) -> Array:
    """eˣ, continued as a straight line beyond `LARGEST_EXPONENT` so that a wild Newton guess stays finite."""
    inside = jnp.minimum(x, LARGEST_EXPONENT)
    return jnp.exp(inside) * (1 + (x - inside))


def affinity_for(current: Array, exchange_current: Array | float, transfer_coefficient: Array) -> Array:
    """The affinity at which `current` flows [-], by Newton's method on the logarithm of the larger branch."""
    alpha = transfer_coefficient
    ratio = current / exchange_current
    affinity = jnp.where(
        ratio >= 0, jnp.log1p(jnp.maximum(ratio, 0)) / alpha, -jnp.log1p(jnp.maximum(-ratio, 0)) / (1 - alpha)
    )
    for _ in range(30):
        forward, backward = jnp.exp(alpha * affinity), jnp.exp(-(1 - alpha) * affinity)
        affinity = affinity - (forward - backward - ratio) / (alpha * forward + (1 - alpha) * backward)
    return affinity
