"""Text with units to SI numbers and back. The only file that knows pint.

The registry holds the units below and no others: a slip ("3 parsec", "5 mpa") is refused instead of understood.
Numbers are converted in decimal arithmetic: "100 nm" is the float nearest to 1e-7, not 100 times that nearest to 1e-9.
"""

import functools
import math
import numbers
import re
import reprlib
from decimal import Decimal
from typing import Any

_DEFINITIONS = """
    tera- = 1e12 = T-
    giga- = 1e9 = G-
    mega- = 1e6 = M-
    kilo- = 1e3 = k-
    hecto- = 1e2 = h-
    deci- = 1e-1 = d-
    centi- = 1e-2 = c-
    milli- = 1e-3 = m-
    micro- = 1e-6 = u-
    nano- = 1e-9 = n-
    pico- = 1e-12 = p-
    femto- = 1e-15 = f-
    meter = [length] = m = metre
    second = [time] = s
    gram = [mass] = g
    ampere = [current] = A
    kelvin = [temperature] = K
    mole = [substance] = mol
    degree_Celsius = kelvin; offset: 273.15 = degC
    minute = 60 * second = min
    hour = 3600 * second = h
    day = 86400 * second = d
    angstrom = 1e-10 * meter
    liter = 1e-3 * meter ** 3 = l = L = litre
    molar = mole / liter = M
    newton = 1000 * gram * meter / second ** 2 = N
    pascal = newton / meter ** 2 = Pa
    bar = 1e5 * pascal
    joule = newton * meter = J
    electronvolt = 1.602176634e-19 * joule = eV
    watt = joule / second = W
    coulomb = ampere * second = C
    volt = joule / coulomb = V
    ohm = volt / ampere
    siemens = ampere / volt = S
    farad = coulomb / volt = F
    percent = 1e-2
    degree = 0.017453292519943295 = deg
    ppm = 1e-6
"""

# What a dimension is called and one good example, for the messages that refuse input.
_MEANING = {
    "Pa": ("a pressure or modulus", "2 GPa"),
    "m": ("a length", "100 nm"),
    "S/m": ("a conductivity", "1 mS/cm"),
    "A/m^2": ("a current density", "1 mA/cm^2"),
    "s": ("a time", "10 s"),
    "1/s": ("a rate", "1e-4 1/s"),
    "K": ("a temperature", "25 degC"),
    "V": ("a voltage", "50 mV"),
    "ohm*m^2": ("an area resistance", "10 ohm cm^2"),
    "J/m^2": ("an energy per area", "0.5 J/m^2"),
    "J/mol": ("an energy per mole", "37 kJ/mol"),
    "C/m^2": ("a charge per area", "1 mA h/cm^2"),
    "C/m^3": ("a charge per volume", "1 A h/cm^3"),
    "F/m^2": ("a capacitance per area", "20 uF/cm^2"),
    "1/m^2": ("a number per area", "1e19 1/m^2"),
    "mol/m^3": ("a concentration", "1 mol/l"),
    "m^3/mol": ("a molar volume", "13 cm^3/mol"),
    "m^2/s": ("a diffusivity", "3e-10 m^2/s"),
    "m/s": ("a velocity", "1 nm/s"),
    "kg/m^3": ("a density", "0.534 g/cm^3"),
    "Pa*s": ("a viscosity", "1e13 Pa s"),
    "Pa/m": ("a stiffness of a spring, pressure per travel", "1 MPa/um"),
    "Pa*m^0.5": ("a fracture toughness", "1 MPa m^0.5"),
    "1": ("a plain number", '0.3" or "30 %'),
}

# How a dimension is shown: units from large to small with their size in SI; the first that makes the number ≥ 1.
_DISPLAY = {
    "Pa": (("GPa", 1e9), ("MPa", 1e6), ("kPa", 1e3), ("Pa", 1.0)),
    "m": (("m", 1.0), ("mm", 1e-3), ("µm", 1e-6), ("nm", 1e-9), ("pm", 1e-12)),
    "S/m": (("S/m", 1.0),),
    "A/m^2": (("mA/cm²", 10.0),),
    "s": (("h", 3600.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)),
    "1/s": (("1/s", 1.0),),
    "K": (("K", 1.0),),
    "V": (("V", 1.0), ("mV", 1e-3), ("µV", 1e-6)),
    "ohm*m^2": (("Ω cm²", 1e-4),),
    "J/m^2": (("kJ/m²", 1e3), ("J/m²", 1.0)),
    "J/mol": (("kJ/mol", 1e3),),
    "C/m^2": (("mA h/cm²", 3.6e4),),
    "C/m^3": (("A h/cm³", 3.6e9), ("mA h/cm³", 3.6e6)),
    "F/m^2": (("µF/cm²", 1e-2),),
    "1/m^2": (("1/µm²", 1e12), ("1/m²", 1.0)),
    "mol/m^3": (("mol/l", 1e3),),
    "m^3/mol": (("cm³/mol", 1e-6),),
    "m^2/s": (("m²/s", 1.0),),
    "m/s": (("m/s", 1.0), ("µm/s", 1e-6), ("nm/s", 1e-9)),
    "kg/m^3": (("g/cm³", 1e3),),
    "Pa*s": (("Pa s", 1.0),),
    "Pa/m": (("MPa/µm", 1e12), ("MPa/mm", 1e9), ("Pa/m", 1.0)),
    "Pa*m^0.5": (("MPa m^½", 1e6),),
    "1": (("", 1.0),),
}

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\d.])")
_EXPONENT = re.compile(r"\^(?:[+-]?\d{1,2}(?:\.\d{1,3})?|\([+-]?\d{1,2}(?:/\d{1,2})?\))")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)\b", re.IGNORECASE)
_SPELLINGS = str.maketrans(
    {"\u00b5": "u", "\u03bc": "u", "\u2126": "ohm", "\u03a9": "ohm", "\u2212": "-"}
    | {"·": "*", "⋅": "*", "²": "^2", "³": "^3", "½": "^0.5"}
)


class QuantityError(ValueError):
    """A quantity that cannot be taken; the message says what was given and what is allowed."""


def parse(value: Any, dimension: str) -> float:
    """A number in SI from text with units, or from a bare number where none is needed.

    **Arguments:**

    - `value`: `"3 mA/cm^2"`, `"100 nm"`, `"25 degC"`, `"30 %"`; a bare number only where `dimension` is `"1"`.
    - `dimension`: the SI unit wanted, such as `"Pa"`, `"A/m^2"`, `"1"`.

    **Returns:** the value [`dimension`]. Raises `QuantityError` otherwise.
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        if dimension != "1":
            raise _refusal(value, dimension, "has no unit")
        return _finite(value, value, dimension)
    if not isinstance(value, str):
        raise _refusal(value, dimension, "is neither text nor a number")
    number, unit = _split(value.strip(), dimension)
    if unit and unit != dimension:
        number = _convert(value, number, unit, dimension)
    elif not unit and dimension != "1":
        raise _refusal(value, dimension, "has no unit")
    return _finite(number, value, dimension)


def format(value: float, dimension: str) -> str:
    """Full-precision text with the plain SI unit: `parse(format(x, d), d) == x` to the last bit.

    **Arguments:** `value` [`dimension`], finite; `dimension` as in `parse`.
    """
    value = _finite(value, value, dimension)
    return repr(value) if dimension == "1" else f"{value!r} {dimension}"


def meaning(dimension: str) -> tuple[str, str]:
    """What a dimension is called, and an example: `("a length", "100 nm")`."""
    return _MEANING[dimension]


def pretty(value: float, dimension: str) -> str:
    """Short text for people, five digits: `"100 nm"`, `"77 GPa"`, `"1 mA/cm²"`.

    **Arguments:** `value` [`dimension`]; `dimension` as in `parse`.
    """
    units = _DISPLAY.get(dimension, ((dimension, 1.0),))
    rounded = float(f"{value:.5g}")
    # "1 - 1e-9": 1e-7/1e-9 is a shade above or below 100; a unit is not skipped for a rounding error.
    unit, size = next((u for u in units if abs(rounded) / u[1] >= 1 - 1e-9), units[-1] if rounded else units[0])
    return f"{rounded / size:.5g} {unit}".rstrip()


def _split(text: str, dimension: str) -> tuple[Decimal, str]:
    """The leading number and the unit after it, in pint's spelling."""
    if _NOT_FINITE.match(text):
        raise _refusal(text, dimension, "is not finite")
    match = _NUMBER.match(text)
    if match is None:
        raise _refusal(text, dimension, "does not start with a number")
    unit = text[match.end() :].strip().replace("°C", "degC").replace("Å", "angstrom").translate(_SPELLINGS)
    unit = unit.replace("%", "percent").replace("**", "^")
    # "cm-2" and "cm2" mean a power; pint would read a subtraction or a name.
    unit = re.sub(r"(?<=[A-Za-z])([+-]?\d+)", r"^\1", unit)
    unit = f"1{unit}" if unit.startswith("/") else unit
    return Decimal(match.group()), unit


def _convert(given: str, number: Decimal, unit: str, dimension: str) -> Decimal:
    import pint  # half a second to import: paid by the first quantity that needs it

    # pint evaluates a unit as an expression: only names, products, quotients and small powers get that far.
    if not re.fullmatch(r"(?:1\s*/)?[A-Za-z_()*/\s]*[A-Za-z][A-Za-z_()*/\s]*", _EXPONENT.sub("", unit)):
        raise _refusal(given, dimension, "has a unit that cannot be read")
    registry = _registry()
    try:
        units = registry.parse_units(unit.replace("^", "**"))
        return registry.Quantity(number, units).to(registry.parse_units(dimension.replace("^", "**"))).magnitude
    except pint.UndefinedUnitError as error:
        names = [error.unit_names] if isinstance(error.unit_names, str) else error.unit_names
        raise _refusal(given, dimension, f'has the unknown unit "{", ".join(names)}"') from None
    except pint.DimensionalityError:
        raise _refusal(given, dimension, "has the wrong dimension") from None
    except Exception:  # pint's parser lets its inner errors through: KeyError, TokenError, AssertionError, …
        raise _refusal(given, dimension, "has a unit that cannot be read") from None


@functools.cache
def _registry() -> Any:
    import pint

    registry = pint.UnitRegistry(None, non_int_type=Decimal)  # pyright: ignore[reportArgumentType]
    for line in _DEFINITIONS.strip().splitlines():
        registry.define(line.strip())
    return registry


def _finite(number: Any, given: Any, dimension: str) -> float:
    try:
        result = float(number)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise _refusal(given, dimension, "is not finite")
    return result


def _refusal(given: Any, dimension: str, reason: str) -> QuantityError:
    noun, example = _MEANING.get(dimension, (f"a quantity in {dimension}", f"1 {dimension}"))
    shown = f'"{given}"' if isinstance(given, str) else reprlib.repr(given)
    return QuantityError(f'{shown} {reason}; give {noun} such as "{example}"')
