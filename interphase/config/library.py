"""The materials library: published constants with the source of every number, read from `interphase/materials/library`.

A file is one material; a table in it is one property: a value, and either the source that measured it or the reason why
it is assumed. Values that contradict each other stand side by side as alternatives. Files of a user's own, in the
folder that the environment variable `INTERPHASE_MATERIALS` names, come first.
"""

import difflib
import functools
import importlib.resources
import math
import os
import pathlib
import textwrap
import tomllib
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal

import numpy as np
import pydantic

from interphase.config import quantities

OWN = "INTERPHASE_MATERIALS"  # the environment variable that names a folder of a user's own materials

Text = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=1)]

# The properties a kind of material may have and their dimensions; a tuple of coefficients has the dimension "".
_DIMENSIONS: dict[str, dict[str, str]] = {
    "lithium": {
        "modulus": "Pa",
        "poisson_ratio": "1",
        "surface_energy": "J/m^2",
        "molar_volume": "m^3/mol",
        "creep_prefactor": "1/s",
        "creep_activation_energy": "J/mol",
        "creep_exponent": "1",
        "initial_resistance": "Pa",
        "saturation_resistance": "Pa",
        "hardening_modulus": "Pa",
        "hardening_exponent": "1",
        "rate_hardening": "1",
        "diffusional_viscosity": "Pa*s",
        "self_diffusivity": "m^2/s",
        "diffusion_activation_energy": "J/mol",
        "boundary_diffusivity": "m^2/s",
        "boundary_activation_energy": "J/mol",
        "boundary_width": "m",
        "size_effect_length": "m",
        "electronic_conductivity": "S/m",
        "density": "kg/m^3",
    },
    "electrolyte": {
        "concentration": "mol/m^3",
        "conductivity_coefficients": "",
        "log_diffusivity_coefficients": "",
        "thermodynamic_factor_coefficients": "",
        "transference_number": "1",
        "exchange_current": "A/m^2",
    },
    "coating": {
        "modulus": "Pa",
        "poisson_ratio": "1",
        "ionic_conductivity": "S/m",
        "electronic_conductivity": "S/m",
        "transference_number": "1",
        "salt_diffusivity": "m^2/s",
        "exchange_current": "A/m^2",
        "yield_strength": "Pa",
        "relaxation_time": "s",
        "relaxed_fraction": "1",
        "strain_limit": "1",
        "strength": "Pa",
        "toughness": "J/m^2",
        "fracture_toughness": "Pa*m^0.5",
        "thickness": "m",
        "tunnelling_thickness": "m",
        "surface_energy": "J/m^2",
        "contact_angle": "1",
        "density": "kg/m^3",
        "alloy_capacity": "C/m^3",
        "alloying_potential": "V",
        "alloying_width": "V",
        "swelling": "1",
        "initial_occupancy": "1",
    },
    "substrate": {
        "contact_angle": "1",
        "site_density": "1/m^2",
        "capacitance": "F/m^2",
    },
    "film": {
        "inner_thickness": "m",
        "outer_thickness": "m",
        "inner_conductivity": "S/m",
        "outer_conductivity": "S/m",
        "electronic_conductivity": "S/m",
        "reduction_potential": "V",
        "tunnelling_thickness": "m",
        "tunnelling_current": "A/m^2",
        "bare_current": "A/m^2",
        "solvent_diffusivity": "m^2/s",
        "solvent_concentration": "mol/m^3",
        "swelling": "1",
        "inorganic_share": "1",
        "inner_molar_volume": "m^3/mol",
        "outer_molar_volume": "m^3/mol",
        "strain_limit": "1",
        "broken_strain": "1",
    },
}
_OPTIONAL = {
    "film": set(),
    "lithium": {"diffusional_viscosity", "electronic_conductivity", "density"},
    "electrolyte": set(),
    "substrate": set(),
    "coating": set(_DIMENSIONS["coating"])
    - {"modulus", "poisson_ratio", "ionic_conductivity", "transference_number", "exchange_current"},
}
# Everything is above 0; 0.4999 keeps the bulk modulus finite.
_UPPER = {
    "poisson_ratio": 0.4999, "transference_number": 1.0, "relaxed_fraction": 1.0, "contact_angle": math.pi,
    "initial_occupancy": 1.0,
}  # fmt: skip


class LibraryError(ValueError):
    """A library file that breaks the format; the message names file, property and what is allowed."""


class UnknownMaterial(LibraryError):
    """A name the library does not have; the message suggests the nearest."""


class _Entry(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Alternative(_Entry):
    """Another published value of the same property."""

    value: float | Text | tuple[float, ...]
    source: Text
    note: Text | None = None


class Property(_Entry):
    """One number, or the coefficients of one polynomial, and where it comes from.

    **Arguments:**

    - `value`: text with a unit, a plain number, or coefficients with the lowest power first.
    - `source`: who measured or computed it; `assumed`: why it is taken instead. Exactly one of the two.
    - `unit`: what coefficients are in.
    - `alternatives`: conflicting values.
    """

    value: float | Text | tuple[float, ...]
    source: Text | None = None
    assumed: Text | None = None
    unit: Text | None = None
    note: Text | None = None
    alternatives: tuple[Alternative, ...] = ()

    @pydantic.model_validator(mode="after")
    def _has_one_origin(self) -> "Property":
        if (self.source is None) == (self.assumed is None):
            raise ValueError("give exactly one of source and assumed")
        return self


class Material(_Entry):
    """One library entry; numbers are read with `material["modulus"]`.

    **Arguments:**

    - `kind`: which part of the cell it can be; `class_`: its family of coatings, `class` in the file.
    - `solid_electrolyte`: whether it can also stand in for the liquid.
    - `swollen`: whether it is a gel that holds the solvent, whose conductivity is then the liquid's, not its own.
    - `properties`: as written in the file, by name.
    """

    name: Text
    kind: Literal["lithium", "electrolyte", "coating", "film", "substrate"]
    class_: Text = pydantic.Field(alias="class")
    solid_electrolyte: bool = False
    swollen: bool = False
    description: Text
    properties: Mapping[str, Property]
    _si: dict[str, float | tuple[float, ...]] = pydantic.PrivateAttr(default_factory=dict)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _gather_tables(cls, data: dict[str, Any]) -> dict[str, Any]:
        header = {key: value for key, value in data.items() if not isinstance(value, dict)}
        return header | {"properties": {key: value for key, value in data.items() if isinstance(value, dict)}}

    @pydantic.model_validator(mode="after")
    def _has_right_properties(self) -> "Material":
        dimensions = _DIMENSIONS[self.kind]
        if unknown := self.properties.keys() - dimensions.keys():
            raise ValueError(f"{sorted(unknown)} are no properties of a {self.kind}; allowed: {list(dimensions)}")
        if missing := dimensions.keys() - _OPTIONAL[self.kind] - self.properties.keys():
            raise ValueError(f"a {self.kind} needs {sorted(missing)}")
        for name, entry in self.properties.items():
            self._si[name] = _in_si(name, entry.value, dimensions[name])
            for alternative in entry.alternatives:
                _in_si(name, alternative.value, dimensions[name])
        if self.kind == "coating" and self["transference_number"] < 1 and "salt_diffusivity" not in self:
            raise ValueError("a transference_number below 1 dissolves salt: it needs a salt_diffusivity")
        if self.kind == "coating" and "alloy_capacity" in self and "alloying_potential" not in self:
            raise ValueError("an alloy_capacity is filled at some potential: it needs an alloying_potential")
        return self

    def __getitem__(self, name: str) -> Any:
        """The value the simulator takes, a number or coefficients [SI]; `KeyError` where the library has none."""
        return self._si[name]

    def __contains__(self, name: str) -> bool:
        return name in self._si

    def get(self, name: str, default: Any = None) -> Any:
        """The value the simulator takes [SI], or `default`."""
        return self._si.get(name, default)


def names() -> list[str]:
    """The names of all materials, sorted."""
    return sorted(_files())


def load(name: str) -> Material:
    """A material by its name, whatever its case; raises `UnknownMaterial` with the nearest names."""
    key, files = _key(name), _files()
    if key not in files:
        near = difflib.get_close_matches(key, files, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the library has {', '.join(sorted(files))}"
        hint += "" if os.environ.get(OWN) else f" (your own are found in a folder that {OWN} names)"
        raise UnknownMaterial(f'no material "{name}"; {hint}')
    return _read(files[key])


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _files() -> dict[str, Traversable]:
    """The file of every material by its name; a user's own replaces that of the library."""
    folders: list[Traversable] = [importlib.resources.files("interphase.materials").joinpath("library")]
    if own := os.environ.get(OWN):
        folders.append(pathlib.Path(own))
        if not folders[-1].is_dir():
            raise LibraryError(f'{OWN} is "{own}", which is no folder; have it name one with a TOML file per material')
    return {
        _key(file.name.removesuffix(".toml")): file
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }


def knows(name: str) -> bool:
    """Whether materials of any kind may say it."""
    return any(name in dimensions for dimensions in _DIMENSIONS.values())


@functools.cache
def spread(name: str) -> float | None:
    """How far sources disagree on a property of one and the same coating, as a logarithm.

    Half the range of the values of a material, root mean square over the materials with more than one value; `None`
    when there is none.
    """
    dimension, halves = _DIMENSIONS["coating"].get(name), []
    if dimension is None:
        return None
    for material in map(load, names()):
        if material.kind != "coating" or name not in material or not material.properties[name].alternatives:
            continue
        others = [_in_si(name, other.value, dimension) for other in material.properties[name].alternatives]
        values = np.array([material[name], *others])
        halves.append(0.5 * np.log(values.max() / values.min()))
    return float(np.sqrt(np.mean(np.square(halves)))) if halves else None


def describe(name: str) -> str:
    """Every number of a material with its source, or why it is assumed, and its alternatives, as text."""
    material = load(name)
    lines = [f"{material.name} ({material.kind}, {material.class_}{_also(material)})", material.description, ""]
    for key, entry in material.properties.items():
        dimension = _DIMENSIONS[material.kind][key]
        lines.append(f"{key} = {_shown(material[key], dimension)}{f' [{entry.unit}]' if entry.unit else ''}")
        lines += _wrapped(f"source: {entry.source}" if entry.source else f"assumed: {entry.assumed}")
        lines += _wrapped(f"note: {entry.note}") if entry.note else []
        for other in entry.alternatives:
            value = _shown(_in_si(key, other.value, dimension), dimension)
            lines += _wrapped(f"or {value}: {other.source}{f' ({other.note})' if other.note else ''}")
    return "\n".join(lines)


def overview() -> str:
    """One line per material: the numbers that matter most; an asterisk marks what is assumed."""
    columns = ("modulus", "poisson_ratio", "ionic_conductivity", "transference_number", "thickness", "strain_limit")
    table: list[tuple[str, ...]] = [("name", "kind", "class", "E", "ν", "κ", "t₊", "thickness", "strain limit")]
    for name in names():
        material = load(name)
        cells = [_cell(material, column) for column in columns]
        if material.kind == "electrolyte":
            salt = material["concentration"] / 1000
            conductivity = sum(a * salt**k for k, a in enumerate(material["conductivity_coefficients"]))
            cells[2] = _shown(conductivity, "S/m") + _mark(material.properties["conductivity_coefficients"])
        table.append((name, material.kind, material.class_, *cells))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(
        [*rows, "", "* assumed, not measured; `interphase materials NAME` gives every number and its source"]
    )


@functools.cache
def _read(file: Traversable) -> Material:
    try:
        return _validated(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LibraryError(f"{file.name}: not TOML: {error}") from None


def _validated(data: dict[str, Any], file: str) -> Material:
    try:
        return Material.model_validate(data)
    except pydantic.ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise LibraryError(f"{file}: {problems}") from None


def _in_si(name: str, value: Any, dimension: str) -> float | tuple[float, ...]:
    """A value of a file in SI, within the range that its property can have."""
    if dimension == "":
        if not isinstance(value, tuple) or not value or not all(map(math.isfinite, value)):
            raise ValueError(f"{name}: give finite coefficients, lowest power first, not {value!r}")
        return value
    try:
        number = quantities.parse(value, dimension)
    except quantities.QuantityError as error:
        raise ValueError(f"{name}: {error}") from None
    upper = _UPPER.get(name, math.inf)
    if not 0 < number <= upper:
        raise ValueError(f"{name} = {number} is outside its range, above 0 up to {upper}")
    return number


def _shown(value: float | tuple[float, ...], dimension: str) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(f"{a:.6g}" for a in value) + "]"
    return quantities.pretty(value, dimension)


def _cell(material: Material, name: str) -> str:
    if name not in material:
        return "-"
    return _shown(material[name], _DIMENSIONS[material.kind][name]) + _mark(material.properties[name])


def _mark(entry: Property) -> str:
    return "*" if entry.assumed else ""


def _also(material: Material) -> str:
    return ", also a solid electrolyte" if material.solid_electrolyte else ""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width=110, initial_indent="    ", subsequent_indent="        ")
