"""Where lithium meets what rides on it: rough faces press on one another, hold together a little, and part.

    σ_n = σ_ad e^{−g/ℓ_a} − p,    p = p₀ e^{−g/ℓ},    ℓ_a = 3ℓ,    c = p/(p + p_c)

g is the gap between the mean planes, counted from the contact at p₀; the pressure of rough faces falls off
exponentially with it (Persson, Phys. Rev. Lett. 99 (2007) 125502), over ℓ ≈ 0.4 of the root-mean-square roughness.
Compression is always carried, tension never beyond the adhesion σ_ad, which a gap of a few ℓ ends. c is the share of
the faces that really touch, and so conducts: ½ at the pressure p_c.

The gap is measured from where lithium and faces are, so nothing drifts; that it opens is a strain n⊗n like that of
plated lithium, only that what comes between is void. The law is solved together with the balance. Its unknown is the
closeness x = ln(p/p₀) + p/p₀, in which gap and pressure are both at most linear: Newton's method can then overshoot
neither in opening nor in closing.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.physics.interface import Look, between_cells, distance, smooth_step

ADHESION_REACH = 3.0  # ℓ_a/ℓ (assumed)
BESIDE = (3.0, 5.0)  # widths of gap up to which both solids bear load in a cell, and from which on they are apart
CLEAR = (0.9, 0.99)  # |n|² from which on, and in full, there are faces; midway between two walls there are none
NOTHING = 0.01  # of p₀: what presses by less counts as void
LOG_PRESSURES = (-1e3, 4.0)  # of a gap: beyond, nothing is left of pressure and adhesion; such an overlap is no contact
DRAG = 0.1  # p₀ per cell that the gap opens otherwise than of late


@jax.custom_jvp
def log_pressure(closeness: Array) -> Array:
    """y = ln(p/p₀) of y + e^y = x, by Newton's method from the nearer asymptote."""
    closed = jnp.log(jnp.maximum(closeness, 1.0))
    y = jnp.where(closeness < 1, closeness - 0.5 * jnp.exp(jnp.minimum(closeness, 1.0)), closed)
    for _ in range(6):
        grown = jnp.exp(y)
        y = y - (y + grown - closeness) / (1 + grown)
    return y


@log_pressure.defjvp
def _log_pressure_jvp(primals, tangents):
    y = log_pressure(*primals)
    return y, tangents[0] / (1 + jnp.exp(y))


def closeness_at(gap: Cells, length: Array) -> Cells:
    """x of a gap."""
    y = jnp.clip(-gap / length, *LOG_PRESSURES)
    return y + jnp.exp(y)


def gap_to(lithium: Cells, look: Look, width: float, grid: Grid) -> Cells:
    """Distance from the faces of what rides on the lithium, those next to every cell, to the lithium."""
    return -between_cells(distance(lithium, width)[None], look.nearest, grid)[0]


class Touch(eqx.Module):
    """What became of a contact in a step.

    **Arguments:**

    - `faces`: surface of what rides on the lithium per volume.
    - `pressure`: p; `share`: c; `void`: one where nothing presses, zero where faces do [-].
    """

    faces: Cells
    pressure: Cells
    share: Cells
    void: Cells


class Contact(eqx.Module):
    """The contact of a step.

    **Arguments:**

    - `gap`: g at the start of the step, as seen from every cell [-].
    - `usual`: by how much it would grow in the step if it did so as of late [-].
    - `opposite`: one where faces are opposite each other, zero where a wide void lies between, and between two walls.
    - `length`: ℓ; `pressure`: p₀; `adhesion`: σ_ad; `touching_pressure`: p_c [-].
    """

    gap: Cells
    usual: Cells
    opposite: Cells
    length: Scalar
    pressure: Scalar
    adhesion: Scalar
    touching_pressure: Scalar

    @staticmethod
    def facing(gap: Cells, look: Look, width: float) -> Cells:
        """`opposite` at a gap."""
        return smooth_step(summed(look.normal**2), *CLEAR) * (1 - smooth_step(gap / width, *BESIDE))

    @property
    def closeness(self) -> Cells:
        """x at the start of the step."""
        return closeness_at(self.gap, self.length)

    def opened(self, closeness: Cells) -> Cells:
        """By how much the gap grows in the step [-]."""
        return -self.length * log_pressure(closeness) - self.gap

    def pressed(self, closeness: Cells) -> Cells:
        """p [-]."""
        return self.pressure * jnp.exp(log_pressure(closeness))

    def traction(self, closeness: Cells) -> Cells:
        """σ_n that the faces bear.

        Where next to nothing holds faces that lie in several cells, only their sum is determined by the force; a drag
        against opening otherwise than of late keeps one from opening at the cost of the next.
        """
        y = log_pressure(closeness)
        holding = self.adhesion * jnp.exp(jnp.minimum(y, 0.0) / ADHESION_REACH)
        return holding - self.pressure * jnp.exp(y) + DRAG * self.pressure * (self.opened(closeness) - self.usual)

    def share(self, closeness: Cells) -> Cells:
        """c: how much of the faces touches."""
        pressure = self.pressed(closeness)
        return pressure / (pressure + self.touching_pressure)

    def touch(self, closeness: Cells, faces: Cells) -> Touch:
        pressure = self.opposite * self.pressed(closeness)
        return Touch(
            faces, pressure, self.opposite * self.share(closeness), 1 - pressure / (pressure + NOTHING * self.pressure)
        )
