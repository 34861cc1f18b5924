"""Physical constants and the reference scales that make the solvers' numbers of order one.

Everything a user reads or writes is SI; everything the solvers see is divided by a scale of this file.
The stress scale RT/Omega and the potential scale RT/F make the affinity of the reaction a plain sum:

    𝒜/RT = (φ_e − φ_m)/φ₀ − K·γ/(σ₀ L₀) + σ_n/σ₀
"""

import equinox as eqx
from jaxtyping import Array, Float

Number = float | Float[Array, ""]

FARADAY = 96485.33212  # [C/mol]
GAS_CONSTANT = 8.314462618  # [J/(mol K)]


class Scales(eqx.Module):
    """Reference values; multiply a solver's number by the scale of its kind to get SI.

    They are Python numbers, which the compiler folds; one that differs between stacked cases is an array.

    **Arguments:**

    - `length`: the grid spacing along the electrode normal [m].
    - `current_density`: the largest current density the protocol imposes [A/m²].
    - `temperature`: of the cell [K].
    - `molar_volume`: of lithium [m³/mol].
    - `concentration`: salt concentration of the reservoir [mol/m³].
    """

    length: Number
    current_density: Number
    temperature: Number
    molar_volume: Number
    concentration: Number

    @property
    def potential(self) -> Number:
        """RT/F [V]."""
        return GAS_CONSTANT * self.temperature / FARADAY

    @property
    def stress(self) -> Number:
        """RT/Ω [Pa]: the stress that shifts the affinity by one RT."""
        return GAS_CONSTANT * self.temperature / self.molar_volume

    @property
    def velocity(self) -> Number:
        """Ω j/F [m/s]: Faraday's plating speed at the reference current density."""
        return self.molar_volume * self.current_density / FARADAY

    @property
    def time(self) -> Number:
        """Time to plate one cell [s]."""
        return self.length / self.velocity

    @property
    def conductivity(self) -> Number:
        """[S/m]."""
        return self.current_density * self.length / self.potential

    @property
    def resistance(self) -> Number:
        """Area-specific [Ω m²]."""
        return self.potential / self.current_density

    @property
    def diffusivity(self) -> Number:
        """[m²/s]."""
        return self.length**2 / self.time

    @property
    def surface_energy(self) -> Number:
        """[J/m²]."""
        return self.stress * self.length

    @property
    def salt_source(self) -> Number:
        """Salt consumed per reaction, 1/(Ω c₀) [-]: what a unit current over a unit time takes from a unit cell."""
        return 1.0 / (self.molar_volume * self.concentration)
