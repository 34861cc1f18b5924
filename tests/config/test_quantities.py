"""Text with units becomes SI numbers, and nothing that is not a finite quantity of the right kind gets through."""

import contextlib
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interphase.config import quantities
from interphase.config.quantities import QuantityError, parse, pretty

DIMENSIONS = [
    "Pa", "m", "S/m", "A/m^2", "s", "1/s", "K", "V", "ohm*m^2", "J/m^2", "J/mol", "C/m^2", "mol/m^3", "m^3/mol",
    "m^2/s", "m/s", "kg/m^3", "Pa*s", "Pa/m", "Pa*m^0.5", "1",
]  # fmt: skip


@pytest.mark.parametrize(
    "text, dimension, expected",
    [
        ("100 nm", "m", 1e-7),
        ("1 um", "m", 1e-6),
        ("1 µm", "m", 1e-6),
        ("1 μm", "m", 1e-6),
        ("20.3 Å", "m", 2.03e-9),
        ("1e-7m", "m", 1e-7),
        ("77 GPa", "Pa", 77e9),
        ("2 bar", "Pa", 2e5),
        ("3 mA/cm^2", "A/m^2", 30.0),
        ("3 mA cm-2", "A/m^2", 30.0),
        ("3 mA cm^-2", "A/m^2", 30.0),
        ("3 mA/cm**2", "A/m^2", 30.0),
        ("3 mA/cm²", "A/m^2", 30.0),
        ("1 mS/cm", "S/m", 0.1),
        ("10 ohm cm^2", "ohm*m^2", 1e-3),
        ("10 Ω cm²", "ohm*m^2", 1e-3),
        ("1 mol/l", "mol/m^3", 1000.0),
        ("1.2 M", "mol/m^3", 1200.0),
        ("25 degC", "K", 298.15),
        ("-20 °C", "K", 253.15),
        ("298.15 K", "K", 298.15),
        ("30 %", "1", 0.3),
        ("30%", "1", 0.3),
        ("0.3", "1", 0.3),
        (0.3, "1", 0.3),
        (3, "1", 3.0),
        ("1 MPa m^0.5", "Pa*m^0.5", 1e6),
        ("2 MPa/um", "Pa/m", 2e12),
        ("1 MPa m^(1/2)", "Pa*m^0.5", 1e6),
        ("3.2e-6 cm2/s", "m^2/s", 3.2e-10),
        ("13 cm^3/mol", "m^3/mol", 1.3e-5),
        ("0.534 g/cm^3", "kg/m^3", 534.0),
        ("1 mA h/cm^2", "C/m^2", 36000.0),
        ("2 h", "s", 7200.0),
        ("1/s", "1/s", 1.0),
        ("-5 mV", "V", -0.005),
    ],
)
def test_text_becomes_the_nearest_float(text, dimension, expected):
    assert parse(text, dimension) == expected


@pytest.mark.parametrize("dimension", DIMENSIONS)
@settings(max_examples=100)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_full_precision_text_reads_back_to_the_last_bit(dimension, value):
    assert parse(quantities.format(value, dimension), dimension) == value


@given(text=st.text(max_size=20) | st.from_regex(r"[0-9.]{1,3} ?[a-zA-Z^*/()0-9 %-]{0,12}", fullmatch=True))
@settings(max_examples=300)
def test_any_text_is_a_finite_number_or_a_refusal(text):
    for dimension in ("m", "1"):
        with contextlib.suppress(QuantityError):  # and nothing else escapes
            assert math.isfinite(parse(text, dimension))


@pytest.mark.parametrize(
    "value, dimension, reason",
    [
        ("3 parsec", "m", 'unknown unit "parsec"'),
        ("5 mpa", "Pa", 'unknown unit "mpa"'),
        ("3 V", "m", "wrong dimension"),
        ("3 m^2", "m", "wrong dimension"),
        ("30 %", "m", "wrong dimension"),
        ("3 m", "1", "wrong dimension"),
        (3, "m", "has no unit"),
        (3.0, "Pa", "has no unit"),
        ("100", "m", "has no unit"),
        ("nan m", "m", "not finite"),
        ("-inf m", "m", "not finite"),
        ("1e999 m", "m", "not finite"),
        (math.nan, "1", "not finite"),
        (math.inf, "1", "not finite"),
        (10**400, "1", "not finite"),
        ("", "m", "does not start with a number"),
        ("nm", "m", "does not start with a number"),
        ("1.2.3 m", "m", "does not start with a number"),
        ("--3 m", "m", "does not start with a number"),
        ("3 2 m", "m", "cannot be read"),
        ("3 m + 2 m", "m", "cannot be read"),
        ("3 (", "m", "cannot be read"),
        ("3 m*/s", "m/s", "cannot be read"),
        ("3 m/0", "m", "cannot be read"),
        ("3 m^9^9^9^9", "m", "cannot be read"),
        ("3 __import__('os')", "m", "cannot be read"),
        (True, "1", "neither text nor a number"),
        (None, "m", "neither text nor a number"),
        ([1], "m", "neither text nor a number"),
    ],
)
def test_what_is_refused_is_named(value, dimension, reason):
    with pytest.raises(QuantityError, match="give ") as refusal:
        parse(value, dimension)
    assert reason in str(refusal.value)


def test_a_refusal_says_what_was_given_and_what_is_allowed():
    with pytest.raises(QuantityError) as refusal:
        parse("3 parsec", "m")
    assert str(refusal.value) == '"3 parsec" has the unknown unit "parsec"; give a length such as "100 nm"'
    with pytest.raises(ValueError, match='give a quantity in W/m such as "1 W/m"'):
        parse(1.0, "W/m")


def test_infinity_is_not_written():
    with pytest.raises(QuantityError, match="not finite"):
        quantities.format(math.inf, "m")


@pytest.mark.parametrize(
    "value, dimension, expected",
    [
        (1e-7, "m", "100 nm"),
        (9.999999e-7, "m", "1 µm"),
        (-2.5e-7, "m", "-250 nm"),
        (0.0, "m", "0 m"),
        (77e9, "Pa", "77 GPa"),
        (10.0, "A/m^2", "1 mA/cm²"),
        (298.15, "K", "298.15 K"),
        (1e6, "Pa*m^0.5", "1 MPa m^½"),
        (2e12, "Pa/m", "2 MPa/µm"),
        (0.25, "1", "0.25"),
        (2.0, "W/m", "2 W/m"),
    ],
)
def test_display_takes_the_customary_unit(value, dimension, expected):
    assert pretty(value, dimension) == expected


def test_the_unit_library_is_imported_by_the_first_unit_only():
    code = (
        "import sys; from interphase.config import quantities as q; q.parse(0.3, '1'); q.parse('1 m', 'm');"
        "q.pretty(1.0, 'm'); assert 'pint' not in sys.modules; q.parse('1 nm', 'm'); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
