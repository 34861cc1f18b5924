"""Lithium, electrolytes and fillers as numbers in SI."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Scalar


class Lithium(eqx.Module):
    """Lithium metal.

    **Arguments:**

    - `modulus`: Young's [Pa]; `poisson_ratio` [-]; `surface_energy` against what covers it [J/m²].
    - `creep_rate`: ε̇₀ = A e^{−Q/RT} [1/s]; `creep_exponent`: n = 1/m [-].
    - `initial_resistance`, `saturation_resistance`: S(0), S₀ [Pa]; `hardening_modulus` H₀ [Pa];
      `hardening_exponent` a, `rate_hardening` k [-].
    - `diffusional_viscosity`: of linear creep, infinite for none [Pa s].
    - `creeps`: `False` for elastic lithium, the assumption behind the published modulus thresholds.
    """

    modulus: Scalar
    poisson_ratio: Scalar
    surface_energy: Scalar
    creep_rate: Scalar
    creep_exponent: Scalar
    initial_resistance: Scalar
    saturation_resistance: Scalar
    hardening_modulus: Scalar
    hardening_exponent: Scalar
    rate_hardening: Scalar
    diffusional_viscosity: Scalar
    creeps: bool = eqx.field(static=True)


class Electrolyte(eqx.Module):
    """A liquid electrolyte whose properties are polynomials in the concentration.

    **Arguments:**

    - `concentration`: of the reservoir c₀ [mol/m³].
    - `conductivity`: coefficients of κ(c), c in mol/l, lowest power first [S/m].
    - `log_diffusivity`: coefficients of log₁₀ D(c) [log₁₀ m²/s].
    - `thermodynamic_factor`: coefficients of 1+∂ln f/∂ln c in √c [-].
    - `transference_number`: t₊ [-].
    - `exchange_current`: i₀₀ against lithium at c₀ [A/m²].
    """

    concentration: Scalar
    conductivity: Float[Array, " terms"]
    log_diffusivity: Float[Array, " terms_d"]
    thermodynamic_factor: Float[Array, " terms_f"]
    transference_number: Scalar
    exchange_current: Scalar

    def conductivity_at(self, salt: Array) -> Array:
        """κ [S/m] where the concentration is `salt`·c₀."""
        return jnp.maximum(_polynomial(self.conductivity, salt * self.concentration / 1000), 1e-6)

    def diffusivity_at(self, salt: Array) -> Array:
        """D [m²/s]."""
        return 10 ** _polynomial(self.log_diffusivity, salt * self.concentration / 1000)

    def thermodynamic_factor_at(self, salt: Array) -> Array:
        """1+∂ln f/∂ln c [-]."""
        return _polynomial(self.thermodynamic_factor, jnp.sqrt(jnp.maximum(salt, 1e-9) * self.concentration / 1000))


class SolidElectrolyte(eqx.Module):
    """A single-ion solid electrolyte, elastic.

    **Arguments:** `modulus` [Pa], `poisson_ratio` [-], `ionic_conductivity` [S/m], `exchange_current` [A/m²].
    """

    modulus: Scalar
    poisson_ratio: Scalar
    ionic_conductivity: Scalar
    exchange_current: Scalar


def _polynomial(coefficients: Array, x: Array) -> Array:
    value = jnp.zeros_like(x)
    for k in range(coefficients.shape[0] - 1, -1, -1):
        value = value * x + coefficients[k]
    return value


def bulk_modulus(modulus: Array, poisson_ratio: Array) -> Array:
    return modulus / (3 * (1 - 2 * poisson_ratio))


def shear_modulus(modulus: Array, poisson_ratio: Array) -> Array:
    return modulus / (2 * (1 + poisson_ratio))
