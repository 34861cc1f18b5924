"""Nuclei that would form on what is bare of a collector: an estimate, which moves nothing. SI.

    η = φ_e − φ_m at the wall, beside lithium;  J(η) of `nucleation`

No current flows to bare metal: φ_e there is that of what conducts ions above it, coating or electrolyte.
"""

import jax
import jax.numpy as jnp

from interphase.arrays import Scalar
from interphase.materials.stack import Stack
from interphase.physics.nucleation import nucleation_rate
from interphase.physics.seeds import place_on
from interphase.state import State
from interphase.units import Scales

LEAST = 1e-3  # overpotential at which it is taken where it is less; nothing nucleates there [V]


def further_nucleation_rate(stack: Stack, state: State, scales: Scales) -> Scalar | None:
    """Nuclei per area of the collector and time, mean over all of it [1/m²s]; `None` where its sites are not known."""
    if stack.collector is None or stack.collector.ground is None:
        return None
    driving = (state.solution.potential - state.solution.metal_potential)[..., 0]
    overpotential = jnp.maximum(driving * scales.potential, LEAST)
    site, cover = place_on(stack, stack.collector.ground)
    rates = jax.vmap(lambda eta: nucleation_rate(site, cover, eta).rate)(overpotential.ravel())
    return jnp.mean((1 - jnp.clip(state.lithium[..., 0], 0.0, 1.0)).ravel() * rates)
