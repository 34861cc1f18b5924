"""Lithium that turns into void site by site: the phase field of Zhao, Wang and Martínez-Pañeda, a literature model.

    F[ξ] = ∫ { κ/2 |∇ξ|² + w ξ²(1−ξ)² } dV
    ∂ξ/∂t = −L [ δF/δξ + h'(ξ) (RT/Ω μ + Ω_v/Ω ψ) ]            μ = ln(θ/θ₀)
    ∂(h(1−θ))/∂t = −∇·[ D h ∇(μ + s) ] + (Ω/F) i δ             s = (Ω−Ω_v) σ_h/RT
    h = ξ²(ξ² − 3ξ + 3),    σ(ξ) = σ_Li ξ¹⁵(ξ⁴ − 3ξ² + 3)

ξ: 1 in lithium, 0 in void; θ: share of the sites of lithium that are empty, θ₀ at rest; h(1−θ): lithium per volume over
what full lithium holds. i plates where it is positive; ψ: elastic energy of lithium, σ_h: mean stress. The source has
D∇θ_m/(1−θ_m), θ_m = 1−θ, which is −D∇μ; μ is what is solved for, since θ itself is 2e-9. A flat interface is
½[1 + tanh(z/λ)], λ = √(2κ/w), and costs γ = √(2κw)/6.

h'(1) = 1, so that empty sites thin out lithium itself, 1 − ξ = ½ RT/Ωw μ, and it falls apart from μ = `limit` on.

SI, or any coherent units. It is no part of a mesoscale run: there the sites have their own law, `vacancies`.
Source: Zhao, Wang, Martínez-Pañeda, J. Mech. Phys. Solids 167 (2022) 104999 (arXiv 2206.14753).
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import difference_to_faces
from interphase.units import GAS_CONSTANT

THINNEST = (8 - math.sqrt(10)) / 6  # ξ at which −g'/h' is largest, 6ξ² − 16ξ + 9 = 0: thinner lithium falls apart


class Constants(eqx.Module):
    """What the set says, SI.

    **Arguments:**

    - `mobility`: L [m²/(N s)]; `gradient_coefficient`: κ [N]; `well`: w [Pa].
    - `diffusivity`: D [m²/s]; `molar_volume`: Ω, of lithium; `vacancy_volume`: Ω_v [m³/mol]; `equilibrium`: θ₀.
    - `lithium_conductivity`: σ_Li; `electrolyte_conductivity` [S/m]; `temperature` [K].
    """

    mobility: float | Scalar
    gradient_coefficient: float | Scalar
    well: float | Scalar
    diffusivity: float | Scalar
    molar_volume: float | Scalar
    vacancy_volume: float | Scalar
    equilibrium: float | Scalar
    lithium_conductivity: float | Scalar
    electrolyte_conductivity: float | Scalar
    temperature: float | Scalar

    @property
    def stress(self) -> Array | float:
        """RT/Ω: what one e-fold of empty sites drives with."""
        return GAS_CONSTANT * self.temperature / self.molar_volume

    @property
    def surface_energy(self) -> Array:
        """γ."""
        return jnp.sqrt(2 * self.gradient_coefficient * self.well) / 6

    @property
    def width(self) -> Array:
        """λ."""
        return jnp.sqrt(2 * self.gradient_coefficient / self.well)

    @property
    def limit(self) -> Array | float:
        """μ up to which uniform lithium resists, −w g'/h' RT/Ω at `THINNEST`; the set's is 0.0033."""
        x = THINNEST
        return 2 * (1 - x) * (2 * x - 1) / (4 * x**2 - 9 * x + 6) * self.well / self.stress

    @property
    def thinning_diffusivity(self) -> Array | float:
        """2wΩ/RT D: with which lithium that thins by ½RT/Ωw μ spreads what it lost."""
        return 2 * self.well / self.stress * self.diffusivity


# Two public transcriptions of the paper's set agree on all of it but two numbers: L is 1e-6 in an input file of one of
# them and 1e-9 elsewhere; θ₀ is 0.05 in the other, a toy. The electrolyte's conductivity is what both say; garnets have
# a thousand to ten thousand times that.
ZHAO_2022 = Constants(
    mobility=1e-9,
    gradient_coefficient=4.5e-7,
    well=3.5e6,
    diffusivity=7.5e-13,
    molar_volume=13.1e-6,
    vacancy_volume=6e-6,
    equilibrium=2e-9,
    lithium_conductivity=1.1e7,
    electrolyte_conductivity=5.5e-6,
    temperature=298.0,
)


def double_well(fraction: Array) -> Array:
    """ξ²(1−ξ)²."""
    return fraction**2 * (1 - fraction) ** 2


def filled(fraction: Array) -> Array:
    """h(ξ): flat in void; in lithium it is not, h'(1) = 1, so that empty sites thin out lithium itself."""
    return fraction**2 * (fraction**2 - 3 * fraction + 3)


def slope_of(law, fraction: Array) -> Array:
    """Derivative of a law of ξ, place by place."""
    return jax.jvp(law, (fraction,), (jnp.ones_like(fraction),))[1]


def free_energy(fraction: Cells, constants: Constants, grid: Grid) -> Array:
    """F[ξ]; the walls are mirrors."""
    slopes = sum(jnp.sum(difference_to_faces(fraction, grid, a) ** 2) for a in grid.axes)
    wells = constants.well * jnp.sum(double_well(fraction))
    return (wells + 0.5 * constants.gradient_coefficient * slopes) * grid.cell_volume


def pull(fraction: Cells, pressing: Cells | Array, constants: Constants, grid: Grid) -> Cells:
    """δF/δξ + h' p: what −∂ξ/∂t is L times of, `pressing`: p = RT/Ω μ + Ω_v/Ω ψ."""
    shape = jax.grad(free_energy)(fraction, constants, grid) / grid.cell_volume
    return shape + slope_of(filled, fraction) * pressing
