"""The materials of a cell from the metal outward, and what happens where they meet. SI."""

import equinox as eqx

from interphase.arrays import Scalar
from interphase.materials.coating import Coating
from interphase.materials.film import Film
from interphase.materials.material import Electrolyte, Lithium, SolidElectrolyte
from interphase.materials.relief import Relief
from interphase.materials.substrate import Bond, Collector, Substrate


class Faces(eqx.Module):
    """The faces with which lithium and what rides on it touch.

    **Arguments:**

    - `roughness`: length over which their pressure falls off with the gap [m].
    - `pressure`: under which the contact was made; the gap is counted from there [Pa].
    - `adhesion`: the largest tension [Pa]; `touching_pressure`: at which half of the faces touch [Pa].
    - `relief`: of the solid electrolyte's face at the start, or `None` where it follows the lithium.
    """

    roughness: Scalar
    pressure: Scalar
    adhesion: Scalar
    touching_pressure: Scalar
    relief: Relief | None = None


class Vacancies(eqx.Module):
    """Empty sites of lithium's lattice.

    **Arguments:**

    - `diffusivity`: of lithium in lithium at the temperature of the cell [m²/s].
    - `equilibrium_fraction`: share of sites empty in equilibrium without pressure [-].
    - `formation_volume`: by which a mole of empty sites in equilibrium enlarges the lithium [m³/mol].
    - `sink_spacing`: of dislocations and grain boundaries where they vanish, very large for none [m].
    - `goes_on`: whether lithium, its lattice full, goes on below the lower wall.
    """

    diffusivity: Scalar
    equilibrium_fraction: Scalar
    formation_volume: Scalar
    sink_spacing: Scalar
    goes_on: bool = eqx.field(static=True)


class Stack(eqx.Module):
    """Lithium, perhaps a coating, and a liquid electrolyte or a solid one.

    **Arguments:**

    - `electrolyte`: the liquid that fills what the solids leave, or `None`: then the rest is void.
    - `faces`: with which lithium may part from the solids on it, or `None` where it never does.
    - `film_resistance`: of a native film thinner than the grid, on all lithium [Ω m²].
    - `transfer_coefficient`: α of plating [-].
    - `temperature`: [K].
    - `film`: the native film on the lithium, which grows, or `None`.
    - `vacancies`: or `None` where every site of lithium's lattice keeps its atom.
    - `substrate`: below the lithium, where a study starts from nuclei, or `None`.
    - `collector`: bare beside the lithium, or `None` where a layer of lithium covers it.
    """

    lithium: Lithium
    coating: Coating | None
    electrolyte: Electrolyte | None
    solid_electrolyte: SolidElectrolyte | None
    faces: Faces | None
    film_resistance: Scalar
    transfer_coefficient: Scalar
    temperature: Scalar
    film: Film | None = None
    vacancies: Vacancies | None = None
    substrate: Substrate | None = None
    collector: Collector | None = None

    @property
    def bond(self) -> Bond | None:
        """Of a coating with the collector, where it may give way."""
        return None if self.collector is None else self.collector.bond
