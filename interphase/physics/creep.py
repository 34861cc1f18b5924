"""How deviatoric stress relaxes in a step: elastic, viscoelastic and yielding solids, creeping lithium.

Every law maps the trial von Mises stress q_tr (the one a purely elastic step would give) to the factor r ∈ (0, 1]
by which the trial deviator shrinks; the flow is implicit in the step. Stresses in units of RT/Ω, times non-dimensional.

    elastic            r = 1
    Maxwell + yield    q = min(q_tr/(1 + Δt/τ), σ_Y)
    power law          q + 3GΔt [ε̇₀(q/S)ⁿ + q/3η] = q_tr

Each law also has its incremental potential Φ(q_tr) with Φ' = q/3G, so that the whole momentum balance is the
minimum of one scalar. Source of the lithium law: Anand & Narayan, J. Electrochem. Soc. 166 (2019) A1092.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

TINY = 1e-12


class AbstractFlow(eqx.Module):
    """A flow law with its state at the start of the step."""

    @abc.abstractmethod
    def factor(self, trial: Array, shear_modulus: Array, dt: Array) -> Array:
        """r(q_tr)."""

    @abc.abstractmethod
    def potential(self, trial: Array, shear_modulus: Array, dt: Array) -> Array:
        """Φ(q_tr) = ∫ q dq_tr / 3G."""


class Elastic(AbstractFlow):
    """A solid that does not flow."""

    def factor(self, trial, shear_modulus, dt):
        return jnp.ones_like(trial)

    def potential(self, trial, shear_modulus, dt):
        return trial**2 / (6 * shear_modulus)


class MaxwellYield(AbstractFlow):
    """A relaxing solid whose von Mises stress is capped.

    **Arguments:**

    - `relaxation_time`: τ, very large for none.
    - `yield_strength`: σ_Y, very large for none.
    """

    relaxation_time: Array
    yield_strength: Array

    SHARPNESS = 50.0  # the corner at yield is rounded over 1/50 of the yield strength, for the sake of gradients

    def factor(self, trial, shear_modulus, dt):
        relaxed = 1 / (1 + dt / self.relaxation_time)
        width = self.yield_strength / self.SHARPNESS
        beyond = (relaxed * trial - self.yield_strength) / width
        # Of q itself, not of what is cut off: at a trial stress of 10⁷ yield strengths that would leave nothing.
        yielding = (self.yield_strength - width * jax.nn.softplus(-beyond)) / (trial + TINY)
        return jnp.where(beyond > 0, yielding, relaxed - width * jax.nn.softplus(beyond) / (trial + TINY))

    def potential(self, trial, shear_modulus, dt):
        relaxed = 1 / (1 + dt / self.relaxation_time)
        width = self.yield_strength / self.SHARPNESS
        beyond = (relaxed * trial - self.yield_strength) / width
        return ((relaxed * trial) ** 2 / 2 - width**2 * _softplus_integral(beyond)) / (3 * shear_modulus * relaxed)


@jax.custom_jvp
def _softplus_integral(x: Array) -> Array:
    """∫₋∞ˣ ln(1+eᵗ) dt = −Li₂(−eˣ), with the inversion formula where eˣ is large."""
    small = -jax.scipy.special.spence(1 + jnp.exp(-jnp.abs(x)))
    return jnp.where(x > 0, jnp.pi**2 / 6 + x**2 / 2 - small, small)


@_softplus_integral.defjvp
def _softplus_integral_jvp(primals, tangents):
    return _softplus_integral(*primals), jax.nn.softplus(primals[0]) * tangents[0]


class PowerLawCreep(AbstractFlow):
    """Power-law creep in parallel with linear (diffusional) creep.

    **Arguments:**

    - `resistance`: S, the flow resistance at the start of the step.
    - `reference_rate`: ε̇₀ = A e^{−Q/RT}.
    - `exponent`: n = 1/m.
    - `viscosity`: η of the diffusional branch, infinite for none.
    """

    resistance: Array
    reference_rate: Array
    exponent: Array
    viscosity: Array

    def factor(self, trial, shear_modulus, dt):
        trial = trial + TINY
        log_linear = jnp.log1p(shear_modulus * dt / self.viscosity) + jnp.zeros_like(trial)
        log_power = jnp.log(3 * shear_modulus * dt * self.reference_rate / trial) + self.exponent * jnp.log(
            trial / self.resistance
        )
        return _share_of_two_powers(log_linear, log_power, self.exponent + jnp.zeros_like(trial))

    def power_law_strain(self, trial: Array, factor: Array, shear_modulus: Array, dt: Array) -> Array:
        """Δt ε̇₀(q/S)ⁿ, the equivalent strain of dislocations: what hardens, as diffusion does not."""
        left = 1 - factor * (1 + shear_modulus * dt / self.viscosity)
        return trial * jnp.maximum(left, 0.0) / (3 * shear_modulus)

    def potential(self, trial, shear_modulus, dt):
        n = self.exponent
        stress = trial * self.factor(trial, shear_modulus, dt)
        power = 3 * shear_modulus * dt * self.reference_rate * self.resistance
        linear = 1 + shear_modulus * dt / self.viscosity
        # ∫ q dq_tr with q_tr = linear q + (power/S)(q/S)ⁿ
        return (linear * stress**2 / 2 + power * n / (n + 1) * (stress / self.resistance) ** (n + 1)) / (
            3 * shear_modulus
        )


@jax.custom_jvp
def _share_of_two_powers(log_linear: Array, log_power: Array, exponent: Array) -> Array:
    """r with e^a r + e^b rⁿ = 1, to 1e-11.

    Newton on ln r, where the equation is convex, in single precision: double-precision exponentials and logarithms are
    what a creeping step spends its time on. A last step on r itself, of third order, restores the digits.
    """
    a, b, n = (x.astype(jnp.float32) for x in (log_linear, log_power, exponent))
    log_factor = jnp.minimum(-a, -b / n)  # the smaller of the two asymptotes
    for _ in range(3):
        first, second = a + log_factor, b + n * log_factor
        larger = jnp.maximum(first, second)
        linear, power = jnp.exp(first - larger), jnp.exp(second - larger)
        total = linear + power
        log_factor = log_factor - total * (larger + jnp.log(total)) / (linear + n * power)
    log_factor = log_factor.astype(log_linear.dtype)
    factor = jnp.exp(log_factor)
    linear = jnp.exp(log_linear) * factor
    power = jnp.exp(log_power + exponent * log_factor)
    excess = linear + power - 1
    slope = linear + exponent * power
    curvature = exponent * (exponent - 1) * power
    relative = excess / slope
    return factor * (1 - relative - 0.5 * curvature / slope * relative**2)


@_share_of_two_powers.defjvp
def _share_of_two_powers_jvp(primals, tangents):
    log_linear, log_power, exponent = primals
    factor = _share_of_two_powers(log_linear, log_power, exponent)
    linear = jnp.exp(log_linear) * factor
    power = 1 - linear
    change = linear * tangents[0] + power * tangents[1] + power * jnp.log(factor) * tangents[2]
    return factor, -factor * change / (linear + exponent * power)


class Hardening(eqx.Module):
    """Evolution of lithium's flow resistance with flow.

        Ṡ = H₀ |1 − S/S*|ᵃ sgn(1 − S/S*) ε̇,    S* = S₀ (ε̇/ε̇₀)^k

    **Arguments:** `modulus` H₀, `exponent` a, `saturation` S₀, `rate_exponent` k.
    """

    modulus: Array
    exponent: Array
    saturation: Array
    rate_exponent: Array

    def updated(self, resistance: Array, strain: Array, dt: Array, reference_rate: Array) -> Array:
        """S after equivalent creep strain `strain` in `dt`; implicit in S, so it never overshoots S*."""
        rate = strain / dt + TINY
        target = self.saturation * (rate / reference_rate) ** self.rate_exponent
        gap = 1 - resistance / target
        # ΔS = H₀ |gap|^{a−1} gap Δε, with gap taken at the end of the step in the factor that changes sign
        stiffness = self.modulus * strain * (jnp.abs(gap) + 1e-6) ** (self.exponent - 1) / target
        return (resistance + stiffness * target) / (1 + stiffness)
