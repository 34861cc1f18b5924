"""Where lithium plates under, in and on a coating: what electrons get through it and meet lithium ions there.

    i_e = i_t e^{−40(τ−1)} (1 − e^{−u}) + (RT/F) u/ϱ,    τ = ∫ds/L_t,    ϱ = ∫ds/κ_el
    1/i = 1/i_e + 1/i_r,    i_r = i₀₀ [e^{αu} − e^{−(1−α)u}],    u = (φ_e − φ_m) F/RT

The integrals go along the normal, from the lithium up to a depth s of the coating; i(s) is the most that could plate
there. Electrons tunnel and are conducted side by side, as through the native film (see `film`); u, the overpotential
of lithium at the depth, drives both, and at u = 0 nothing plates. The reaction, that of the electrolyte, is in series.

    upon = i(t) at the outer face,    inside = i(s₁) − i(t),    τ(s₁) = 1

What plates closer to the lithium than the tunnelling thickness L_t is its own: up to there the metal's electrons
reach, and every lithium ion on its way passes them. All electrons that come farther are taken to meet an ion before
they turn back, so both are upper estimates, and their sum, i(s₁), is a bound whatever becomes of them on their way.

An estimate of a state that has been solved for without it: what plates inside or upon moves nothing.
Numbers non-dimensional: lengths in cells, current densities in units of `Scales`. Sources: Lin et al., J. Power Sources
309 (2016) 221 (L_t); Han et al., Nat. Energy 4 (2019) 187 (electrons that are conducted plate inside).
"""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import AtPlaces, Cells, Places, Scalar
from interphase.grid.grid import Grid
from interphase.materials.stack import Stack
from interphase.physics.film import log_electrons
from interphase.physics.interface import EDGE, Look, between_cells, in_cells, smooth_step
from interphase.physics.mixture import CoatingProperties, layer_blend
from interphase.state import State
from interphase.units import Scales

LEFT = (4.0, 8.0)  # cells of what lies beyond the coating from which on, and at which, a normal has left it
PLACES = 6  # per column of the grid at which ways are looked at; the surface is about eight cells wide
SLIGHT = 1e-12  # an overpotential, a resistance that is none: keeps logarithms and quotients finite


class Way(eqx.Module):
    """What is between the lithium and a depth of the coating, seen from places of the surface [-].

    **Arguments:** `thickness`: τ; `resistance`: ϱ; `overpotential`: u at the depth.
    """

    thickness: AtPlaces
    resistance: AtPlaces
    overpotential: AtPlaces


class Leak(eqx.Module):
    """The law of what plates at the end of a way.

    **Arguments:** `tunnelling`: i_t; `exchange_current`: i₀₀; `transfer_coefficient`: α [-].
    """

    tunnelling: Scalar
    exchange_current: Scalar
    transfer_coefficient: Scalar

    @staticmethod
    def of(stack: Stack, scales: Scales) -> "Leak":
        outside = stack.electrolyte or stack.solid_electrolyte
        assert stack.coating is not None and stack.coating.tunnelling_current is not None and outside is not None
        return Leak(
            stack.coating.tunnelling_current / scales.current_density,
            outside.exchange_current / scales.current_density,
            stack.transfer_coefficient,
        )

    def current(self, way: Way) -> AtPlaces:
        """i."""
        driving = jnp.maximum(way.overpotential, SLIGHT)
        onward = jnp.log(-jnp.expm1(-driving))  # what does not come back
        conducted = jnp.log(driving) - jnp.log(way.resistance + SLIGHT)
        electrons = log_electrons(jnp.log(self.tunnelling) + onward, way.thickness, conducted)
        reaction = jnp.log(self.exchange_current) + self.transfer_coefficient * driving + onward
        return jnp.exp(-jnp.logaddexp(-electrons, -reaction))


def leaked(
    stack: Stack, state: State, covered: Cells, width: float, scales: Scales, grid: Grid
) -> tuple[Scalar, Scalar]:
    """What plates inside the coating and upon it, summed over the lithium surface [-].

    **Arguments:** `covered`: surface per volume that touches unbroken coating.

    Along a normal nothing changes, so the places that have most of the surface speak for all.
    """
    look, leak = Look.at(state.beneath, width, grid), Leak.of(stack, scales)
    most = min(PLACES * math.prod(grid.shape[:-1]), covered.size)
    weight, chosen = jax.lax.top_k(covered.ravel(), most)
    nearest, normal = (vector.reshape(grid.dim, -1)[:, chosen] for vector in (look.nearest, look.normal))
    near, through = ways(stack, state, nearest, normal, width, scales, grid)
    upon = leak.current(through)
    inside = jnp.maximum(leak.current(near) - upon, 0.0)
    weight = weight * jnp.sum(covered) / (jnp.sum(weight) + 1e-30)
    return jnp.sum(weight * inside), jnp.sum(weight * upon)


def ways(
    stack: Stack, state: State, nearest: Places, normal: Places, width: float, scales: Scales, grid: Grid
) -> tuple[Way, Way]:
    """To where τ = 1, or to the outer face if that is nearer; and to the outer face.

    **Arguments:** `nearest`: places of the lithium surface, in indices of cells; `normal`: its normal there.

    The straight normal leaves the coating where it has passed some cells of what lies beyond: another piece of
    coating behind them is another piece.
    """
    coating, coated = stack.coating, state.coating
    assert coating is not None and coated is not None
    blend = layer_blend(coating, width, scales)
    fraction = jnp.clip(coated.fraction, 0.0, None)

    def resistivity(conductivity: Cells) -> Cells:
        return fraction * scales.conductivity / conductivity

    fields = jnp.stack(
        [
            fraction * scales.length / coating.property("tunnelling_thickness", coated.depth, blend, join="series"),
            resistivity(coating.property("electronic_conductivity", coated.depth, blend, join="series")),
            resistivity(CoatingProperties.at(coating, coated, width, scales, grid).ionic_conductivity),
            jnp.clip(1 - state.beneath - fraction, 0.0, None),
            state.solution.potential,
        ]
    )
    step, beside = in_cells(normal, grid), math.ceil(EDGE * width)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def passed(k: Array, sums: Array) -> Array:
        thickness, beyond = sums[0], sums[5]
        *parts, open_share, drive = between_cells(fields, nearest + (k - beside) * step, grid)
        here = 1 - smooth_step(beyond, *LEFT)
        leaving = here - 1 + smooth_step(beyond + open_share, *LEFT)
        thicker, electronic, ionic = (here * part for part in parts)
        near = jnp.clip((1 - thickness) / (thicker + SLIGHT), 0.0, 1.0)
        return sums + jnp.stack(
            [thicker, electronic, ionic, near * electronic, near * ionic, open_share, leaving, leaving * drive]
        )

    def unless_all_have_left(k: Array, sums: Array) -> Array:
        return jax.lax.cond(jnp.min(sums[5]) < LEFT[1], passed, lambda _, sums: sums, k, sums)

    sums = jnp.zeros((8, *nearest.shape[1:]), fields.dtype)
    sums = jax.lax.fori_loop(0, beside + grid.shape[-1], unless_all_have_left, sums)
    thickness, electronic, ionic, near_electronic, near_ionic, _, left, drive = sums
    metal = state.solution.metal_potential
    at_face = drive / (left + SLIGHT) - metal
    at_surface = between_cells(fields[-1:], nearest, grid)[0] - metal
    near = at_surface + (at_face - at_surface) * near_ionic / (ionic + SLIGHT)
    return Way(jnp.minimum(thickness, 1.0), near_electronic, near), Way(thickness, electronic, at_face)
