"""How lithium's flow follows from temperature, grain, size and porosity. SI.

Dislocations creep by a power law at a rate A e^{−Q/RT}; diffusion through grains and along their boundaries creeps
beside it, linearly (Nabarro, Herring, Coble), with the viscosity

    η = RT d² / 42 Ω D_eff,        D_eff = D + π w D_b / d

Source: Frost & Ashby, Deformation-Mechanism Maps (1982), eq. 2.29, with γ̇ = √3 ε̇ and τ = σ/√3.
"""

import math

from interphase.units import GAS_CONSTANT

REFERENCE_TEMPERATURE = 298.15  # at which diffusivities are given [K]
SOFTENING_BY_PORES = 1.4  # E ∝ (1−φ)^1.4: 2 of 7.8 GPa at 62.3 % (Tang et al., Energy Environ. Sci. 14 (2021) 602)
SLOWING_BY_PORES = 3.5  # creep rate ∝ (1−φ)^3.5: 1/30 at 62.3 % and the same stress (the same review)


def arrhenius(value: float, activation_energy: float, temperature: float) -> float:
    """What a rate known at the reference temperature is at another."""
    return value * math.exp(-activation_energy / GAS_CONSTANT * (1 / temperature - 1 / REFERENCE_TEMPERATURE))


def diffusional_viscosity(
    grain_size: float,
    lattice_diffusivity: float,
    boundary_diffusivity: float,
    boundary_width: float,
    molar_volume: float,
    temperature: float,
) -> float:
    """η of diffusional creep [Pa s]; the diffusivities are those at `temperature`."""
    effective = lattice_diffusivity + math.pi * boundary_width * boundary_diffusivity / grain_size
    return GAS_CONSTANT * temperature * grain_size**2 / (42 * molar_volume * effective)


def strengthening(feature_size: float, reach: float) -> float:
    """How much stronger small lithium is than bulk, 1 + L/d: scarce dislocations, in pillars and whiskers."""
    return 1 + reach / feature_size


def porous_modulus(modulus: float, porosity: float) -> float:
    """Young's modulus of mossy lithium."""
    return modulus * (1 - porosity) ** SOFTENING_BY_PORES


def porous_rate(rate: float, porosity: float) -> float:
    """Creep rate of mossy lithium at a given mean stress."""
    return rate * (1 - porosity) ** SLOWING_BY_PORES
