"""Lithium's flow by temperature, grain, size and porosity, against published numbers and closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interphase.config.build import build
from interphase.config.load import validated
from interphase.materials import flow
from interphase.units import GAS_CONSTANT

OF_LITHIUM = {"boundary_width": 6e-10, "molar_volume": 13e-6, "temperature": 298.15}


def test_fine_grains_creep_along_their_boundaries():
    """η ∝ d³ where boundaries carry the flow (Coble), d² where the lattice does (Nabarro and Herring)."""

    def viscosity(grain, lattice, boundary):
        return flow.diffusional_viscosity(grain, lattice, boundary, **OF_LITHIUM)

    assert viscosity(2e-6, 1e-30, 2e-11) / viscosity(1e-6, 1e-30, 2e-11) == pytest.approx(8, rel=1e-6)
    assert viscosity(2e-6, 1e-14, 1e-40) / viscosity(1e-6, 1e-14, 1e-40) == pytest.approx(4, rel=1e-6)
    # ε̇ = 14 Ω σ D/RTd² of Frost & Ashby is σ/3η.
    rate = 14 * 13e-6 * 1e6 * 1e-14 / (GAS_CONSTANT * 298.15 * 1e-12)
    assert 1e6 / (3 * viscosity(1e-6, 1e-14, 1e-40)) == pytest.approx(rate, rel=1e-6)


@given(st.floats(250.0, 400.0), st.floats(0.0, 1e5))
def test_rates_rise_with_temperature_as_arrhenius_says(temperature, energy):
    ratio = flow.arrhenius(3.0, energy, temperature) / 3.0
    expected = -energy / GAS_CONSTANT * (1 / temperature - 1 / 298.15)
    assert math.log(ratio) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert flow.arrhenius(3.0, energy, 298.15) == 3.0


def made(**lithium):
    """Lithium of a study."""
    study = {
        "title": "flow",
        "grid": {"cells": [16, 32], "size": ["1 um", "2 um"]},
        "surface": {"level": "1 um"},
        "lithium": lithium,
        "electrolyte": {"material": "lipf6-ec-dmc"},
        "cell": {"temperature": "298.15 K"},
        "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "1 s"}]},
    }
    return build(validated(study, "flow")).model.stack.lithium


def test_pillars_are_as_strong_as_measured():
    """15 MPa at 9.45 µm, 105 MPa at 1.39 µm, 5e-5 /s, from bulk's 0.65 MPa; the second within 7 %."""
    bulk = made()
    for size, strength in (("9.45 um", 15.0), ("1.39 um", 105.0)):
        small = made(feature_size=size)
        assert float(small.saturation_resistance / bulk.saturation_resistance) * 0.65 == pytest.approx(
            strength, rel=0.07
        )


def test_mossy_lithium_is_softer_and_creeps_slower():
    """2 GPa and a thirtieth of the rate at 62.3 % porosity, within 3 %."""
    mossy, bulk = made(porosity=0.623), made()
    assert float(mossy.modulus) == pytest.approx(2e9, rel=0.03)
    assert float(mossy.creep_rate / bulk.creep_rate) == pytest.approx(1 / 30, rel=0.03)


def test_grains_make_lithium_flow_at_any_stress():
    assert float(made().diffusional_viscosity) >= 1e30
    assert float(made(grain_size="10 um").diffusional_viscosity) == pytest.approx(
        flow.diffusional_viscosity(10e-6, 5.6e-15, 2e-11, **OF_LITHIUM), rel=1e-9
    )
