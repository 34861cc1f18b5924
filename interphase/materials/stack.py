"""The materials of a cell from the metal outward, and what happens where they meet. SI."""

import equinox as eqx

from interphase.arrays import Scalar
from interphase.materials.coating import Coating
from interphase.materials.material import Electrolyte, Lithium, SolidElectrolyte


class Stack(eqx.Module):
    """Lithium, perhaps a coating, and a liquid electrolyte or a solid one.

    **Arguments:**

    - `electrolyte`: the liquid that fills what the solids leave, or `None`: then the rest is void.
    - `film_resistance`: of a native film thinner than the grid, on all lithium [Ω m²].
    - `transfer_coefficient`: α of plating [-].
    - `temperature`: [K].
    """

    lithium: Lithium
    coating: Coating | None
    electrolyte: Electrolyte | None
    solid_electrolyte: SolidElectrolyte | None
    film_resistance: Scalar
    transfer_coefficient: Scalar
    temperature: Scalar
