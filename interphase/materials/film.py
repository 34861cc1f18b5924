"""The native film on lithium (SEI) as numbers in SI: inorganic inside, organic and swollen outside."""

import equinox as eqx

from interphase.arrays import Scalar


class Film(eqx.Module):
    """What the film is made of and how it grows; see `physics.film`.

    **Arguments:**

    - `inner_thickness`, `outer_thickness`: at the start, the outer one dry [m].
    - `inner_conductivity`: ionic; `outer_conductivity`: ionic, of the solution that the outer layer holds [S/m].
    - `electronic_conductivity`: of the inner layer [S/m]; `reduction_potential`: of the solvent, against lithium [V].
    - `tunnelling_thickness`: of the inner layer that all but ends tunnelling [m]; `tunnelling_current`: what still
      passes there [A/m²].
    - `bare_current`: with which bare lithium corrodes [A/m²].
    - `solvent_diffusivity`: in the solution that the outer layer holds [m²/s]; `solvent_concentration`: [mol/m³].
    - `swelling`: thickness of the outer layer in the electrolyte over its dry one, above one [-].
    - `inorganic_share`: of the charge, what makes the inner layer [-].
    - `inner_molar_volume`, `outer_molar_volume`: per mole of lithium, the outer one dry [m³/mol].
    - `strain_limit`: up to which the film is whole; `broken_strain`: from which on it holds nothing together [-].
    """

    inner_thickness: Scalar
    outer_thickness: Scalar
    inner_conductivity: Scalar
    outer_conductivity: Scalar
    electronic_conductivity: Scalar
    reduction_potential: Scalar
    tunnelling_thickness: Scalar
    tunnelling_current: Scalar
    bare_current: Scalar
    solvent_diffusivity: Scalar
    solvent_concentration: Scalar
    swelling: Scalar
    inorganic_share: Scalar
    inner_molar_volume: Scalar
    outer_molar_volume: Scalar
    strain_limit: Scalar
    broken_strain: Scalar
