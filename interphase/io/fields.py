"""Names of the fields in `fields.zarr`, with the unit and the sentence that go into their attributes.

A field whose physics is off is absent from a run, never zero.
"""

_AXES = ("x", "y", "z")

FIELDS: dict[str, tuple[str, str]] = {
    "lithium_fraction": ("1", "volume fraction of lithium"),
    "coating_fraction": ("1", "volume fraction of the coating"),
    "solid_electrolyte_fraction": ("1", "volume fraction of the solid electrolyte"),
    "void_fraction": ("1", "volume fraction of void; a little below zero where faces overlap"),
    "contact_pressure": ("Pa", "pressure with which lithium and the solid on it touch, continued off the faces"),
    "sei_thickness": ("m", "thickness of the native film, swollen, continued off the lithium surface"),
    "sei_strain": ("1", "largest principal strain of the native film, continued off the lithium surface"),
    "sei_bare_share": ("1", "share of the lithium surface that its film leaves bare, continued off it"),
    "side_current": ("A/m^2", "current density that makes native film, where the lithium surface is"),
    "vacancy_fraction": ("1", "share of the lithium's lattice sites that are empty"),
    "coating_depth": ("1", "material coordinate of the coating, 0 at its inner and 1 at its outer face"),
    "potential": ("V", "electrolyte potential"),
    "plating_current": ("A/m^2", "plating current density of the lithium surface, continued off it"),
    "surface_area_density": ("1/m", "reacting lithium surface per volume"),
    **{f"ionic_current_{a}": ("A/m^2", f"ionic current density along {a}") for a in _AXES},
    "hydrostatic_stress": ("Pa", "mean normal stress of the mixture, tension positive"),
    "von_mises_stress": ("Pa", "von Mises stress of the mixture"),
    "coating_stress": ("Pa", "largest principal stress of the coating"),
    "coating_lateral_stress": ("Pa", "in-plane normal stress of the coating along x"),
    "coating_strain": ("1", "largest principal strain of the coating"),
    "coating_damage": ("1", "damage of the coating, 0 where it is whole and 1 where it is broken"),
    "alloy_occupancy": ("1", "share of the coating's capacity for lithium that is taken"),
    "coating_energy_density": ("J/m^3", "elastic energy density of the coating"),
    "salt_concentration": ("mol/m^3", "salt concentration of the electrolyte"),
    **{f"velocity_{a}": ("m/s", f"velocity of the material along {a}") for a in _AXES},
}
"""Field name → (unit, long name), in the order in which they are written."""
