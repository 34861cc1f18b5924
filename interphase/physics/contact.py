"""Where lithium meets what rides on it: rough faces press on one another, hold together a little, and part.

    σ_n = σ_ad e^{−g/ℓ_a} − p,    p = p₀ e^{−g/ℓ},    ℓ_a = 3ℓ,    c = p/(p + p_c)

g is the gap between the mean planes, counted from the contact at p₀; the pressure of rough faces falls off
exponentially with it (Persson, Phys. Rev. Lett. 99 (2007) 125502), over ℓ ≈ 0.4 of the root-mean-square roughness.
Compression is always carried, tension never beyond the adhesion σ_ad, which a gap of a few ℓ ends. c is the share of
the faces that really touch, and so conducts: ½ at the pressure p_c.

The gap is measured from where lithium and faces are, so nothing drifts; that it opens is a strain n⊗n like that of
plated lithium, only that what comes between is void. The law is solved together with the balance. Its unknown is the
closeness x = ln(p/p₀) + p/p₀, in which gap and pressure are both at most linear: Newton's method can then overshoot
neither in opening nor in closing. It is counted from the start of the step: where a gap is hundreds of ℓ wide, the last
digits of x itself are a strain, and in single precision a stress that matters.
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
def risen(gained: Array, before: Array) -> Array:
    """d of d + e^{y₀}(e^d − 1) = ξ: what y = ln(p/p₀) rises by from y₀ as x gains ξ, to the last digit of d.

    Newton's method in single precision from the nearer asymptote, then a step of third order.
    """
    pressed = jnp.exp(before)
    closeness = (before + pressed + gained).astype(jnp.float32)
    y = jnp.where(
        closeness < 1, closeness - 0.5 * jnp.exp(jnp.minimum(closeness, 1.0)), jnp.log(jnp.maximum(closeness, 1.0))
    )
    for _ in range(3):
        grown = jnp.exp(y)
        y = y - (y + grown - closeness) / (1 + grown)
    rise = y.astype(gained.dtype) - before
    added = pressed * jnp.expm1(rise)
    slope = 1 + pressed + added
    missing = (rise + added - gained) / slope
    return rise - missing * (1 + 0.5 * (slope - 1) / slope * missing)


@risen.defjvp
def _risen_jvp(primals, tangents):
    rise, pressed = risen(*primals), jnp.exp(primals[1])
    added = pressed * jnp.expm1(rise)
    return rise, (tangents[0] - added * tangents[1]) / (1 + pressed + added)


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
    def before(self) -> Cells:
        """ln(p/p₀) at the start of the step."""
        return jnp.clip(-self.gap / self.length, *LOG_PRESSURES)

    @property
    def closeness(self) -> Cells:
        """x at the start of the step."""
        return closeness_at(self.gap, self.length)

    @property
    def nothing(self) -> Cells:
        """ξ of faces that stay as they are."""
        return jnp.zeros_like(self.gap)

    def opened(self, gained: Cells) -> Cells:
        """By how much the gap grows as x gains ξ [-]."""
        beyond = jnp.where(self.before == -self.gap / self.length, 0.0, -self.length * self.before - self.gap)
        return beyond - self.length * risen(gained, self.before)

    def pressed(self, gained: Cells) -> Cells:
        """p [-]."""
        return self.pressure * jnp.exp(self._log_pressure(gained))

    def traction(self, gained: Cells) -> Cells:
        """σ_n that the faces bear.

        Where next to nothing holds faces that lie in several cells, only their sum is determined by the force; a drag
        against opening otherwise than of late keeps one from opening at the cost of the next.
        """
        y = self._log_pressure(gained)
        holding = self.adhesion * jnp.exp(jnp.minimum(y, 0.0) / ADHESION_REACH)
        return holding - self.pressure * jnp.exp(y) + DRAG * self.pressure * (self.opened(gained) - self.usual)

    def share(self, gained: Cells) -> Cells:
        """c: how much of the faces touches."""
        pressure = self.pressed(gained)
        return pressure / (pressure + self.touching_pressure)

    def _log_pressure(self, gained: Cells) -> Cells:
        return self.before + risen(gained, self.before)

    def touch(self, gained: Cells, faces: Cells) -> Touch:
        pressure = self.opposite * self.pressed(gained)
        return Touch(
            faces, pressure, self.opposite * self.share(gained), 1 - pressure / (pressure + NOTHING * self.pressure)
        )
