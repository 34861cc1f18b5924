"""Lithium in a coating that is an alloy: a mixed conductor that fills before metal plates, and swells.

    x = 1/[1 + e^{(U − U_half)/w}],    U = φ_m − φ_e
    h = q r x,    r = f − v h,    v = β/q
    ḣ = [q r x(U) − h]/Δt    drawn from the electrolyte,    ė = v ḣ/f    strain rate that is free of stress

Electrons are everywhere in it at the metal's potential φ_m; lithium there is at the chemical potential −F U and x, the
share of its capacity that is taken, is in equilibrium with it, place by place. What conducts ions in it is lithium that
diffuses: κ = D q x(1−x)/w. U and x are those of the end of the step (backward Euler, first order).

h: lithium held per volume of the box, as a volume of metal; r: the coating there would be without lithium; q: lithium
that a volume of it takes, as metal; β: the volume it gains by that, so v is the volume that lithium has in it over that
of lithium as metal. Both amounts, h and f, are carried and conserved; r and x follow from them.
Numbers non-dimensional: U in RT/F, currents per volume in units of `Scales`. Source: Newman & Thomas-Alyea,
Electrochemical Systems, ch. 22 (insertion with a local isotherm); the isotherm is Nernst's with a width of its own.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar

TRACE = 1e-6  # of coating in a cell, below which it is no matter how much of it swells


def occupancy(potential: Array, half: Array, width: Array) -> Array:
    """x at a potential U."""
    return jax.nn.sigmoid((half - potential) / width)


def potential_at(occupancy: Array, half: Array, width: Array) -> Array:
    """U at which a share x of the capacity is taken."""
    return half + width * jnp.log((1 - occupancy) / occupancy)


class Alloy(eqx.Module):
    """The alloy of a step, in cells.

    **Arguments:**

    - `room`: q r, what it would hold when it is full; `held`: h at the start of the step.
    - `half`, `width`: U_half and w.
    - `volume`: v; `fraction`: f.
    """

    room: Cells
    held: Cells
    half: Cells
    width: Cells
    volume: Cells
    fraction: Cells
    dt: Scalar

    @property
    def occupied(self) -> Cells:
        """x at the start of the step; fades where there is but a trace of coating."""
        return self.held / (self.room + TRACE)

    def stored(self, potential: Cells, metal: Array) -> Cells:
        """ḣ: current per volume that goes into it.

        **Arguments:** `potential`: φ_e; `metal`: φ_m.
        """
        return (self.room * occupancy(metal - potential, self.half, self.width) - self.held) / self.dt

    def answer(self, potential: Cells, metal: Array) -> Cells:
        """−dḣ/dU, by which a rise of φ_e over φ_m drives more current into it; never negative."""
        taken = occupancy(metal - potential, self.half, self.width)
        return self.room * taken * (1 - taken) / (self.width * self.dt)

    def digits(self, potential: Cells, metal: Array) -> Cells:
        """What the current into it is the small difference of, in a short step: its last digits are those of this."""
        turned_over = self.room * occupancy(metal - potential, self.half, self.width) + self.held
        return turned_over / self.dt + self.answer(potential, metal) * (jnp.abs(potential) + jnp.abs(metal))

    def swelling(self, stored: Cells) -> Cells:
        """Volume fraction per time that the coating gains by a current into it."""
        return self.volume * stored

    def strain(self, stored: Cells) -> Cells:
        """e: relative volume that the coating gains in the step."""
        return self.dt * self.swelling(stored) / (self.fraction + TRACE)
