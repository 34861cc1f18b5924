"""Where lithium plates: what electrons plate in and on a film, integrals along its normal, shares of the current."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cells
from interphase.config import library
from interphase.config.build import build
from interphase.config.load import validated
from interphase.physics.interface import Look
from interphase.physics.leakage import Leak, Way
from interphase.physics.measures import measure

VOLT = 96485.33212 / (8.314462618 * cells.TEMPERATURE)  # in units of RT/F
TUNNELLING, EXCHANGE, CURRENT = 1e-4, 70.0, 10.0  # [A/m²]
SHAPE, SPACING = (4, 48), 1e-9
AT_SURFACE, AT_FACE = 0.01, 0.2  # overpotential of lithium under the film and on it [V]
SHARES = ("bare_plating", "beneath_plating", "inside_plating", "upon_plating")


def plated(thicknesses: float, resistance: float, overpotential: float) -> float:
    """The law in SI: at the end of a way of so many tunnelling thicknesses and so many Ω m², under so many volts."""
    onward = -np.expm1(-VOLT * overpotential)
    electrons = TUNNELLING * np.exp(-40 * (thicknesses - 1)) * onward + overpotential / resistance
    return 1 / (1 / electrons + 1 / (EXCHANGE * np.exp(0.5 * VOLT * overpotential) * onward))


def coated(*layers, shape=SHAPE, spacing=SPACING):
    """A flat coating of layers on lithium, of which the electrons' numbers are known."""
    film = eqx.tree_at(
        lambda c: c.tunnelling_current, cells.coating(*layers), jnp.asarray(TUNNELLING), is_leaf=lambda x: x is None
    )
    return cells.make(shape, spacing, film, bump_height=0.0, level=10.5 * spacing)


@eqx.filter_jit
def shares(model, state, at_surface=AT_SURFACE, at_face=AT_FACE, current=CURRENT):
    """Measures while the overpotential rises evenly from the lithium to the outer face."""
    units, grid = model.scales, model.grid
    rising = jnp.clip(state.coating.depth, 0.0, 1.0)
    potential = (at_surface + (at_face - at_surface) * rising) / units.potential
    recent = eqx.tree_at(lambda r: (r.last.potential, r.last.metal_potential), state.recent, (potential, jnp.zeros(())))
    state = eqx.tree_at(lambda s: s.recent, state, recent)
    area = Look.at(state.lithium, model.width, grid).area
    flow = jnp.full(grid.shape, current / units.current_density)
    return measure(model.stack, state, flow, area, None, model.width, units, grid)


def split(inside: float, upon: float) -> tuple[float, float]:
    total = CURRENT + inside + upon
    return inside / total, upon / total


# --- the law ----------------------------------------------------------------------------------------------------------


@given(st.floats(0.0, 8.0), st.floats(-5.0, 6.0), st.floats(1e-4, 1.0))
def test_the_law_is_the_closed_form(thicknesses, power, overpotential):
    leak = Leak(jnp.asarray(TUNNELLING), jnp.asarray(EXCHANGE), jnp.asarray(0.5))
    found = leak.current(Way(*jnp.asarray([[thicknesses], [10.0**power * VOLT], [overpotential * VOLT]])))
    assert float(found[0]) == pytest.approx(plated(thicknesses, 10.0**power, overpotential), rel=1e-6)


def test_more_lets_through_in_the_order_of_the_tunnelling_thicknesses():
    """3 nm of LiF let fewest electrons through, then Li3PO4, then Li2CO3."""
    upon = []
    for name in ("lif", "li3po4", "li2co3"):
        layer = cells.layer(3e-9, tunnelling_thickness=library.load(name)["tunnelling_thickness"])
        upon.append(float(shares(*coated(layer)).upon_plating))
    assert upon[0] < 0.5 * upon[1] < 1e-3 * upon[2]


# --- its integrals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [SHAPE, (4, 4, 48)])
@pytest.mark.parametrize(("thickness", "tunnelling", "conductivity"), [(20e-9, 16e-9, 1e-20), (20e-9, 5e-9, 1e-9)])
def test_a_flat_film_splits_the_current_in_closed_form(shape, thickness, tunnelling, conductivity):
    """Tunnelling, then conduction; the grid finds the thickness within 2e-3, which the first law magnifies 50 times."""
    layer = cells.layer(thickness, tunnelling_thickness=tunnelling, electronic_conductivity=conductivity)
    found = shares(*coated(layer, shape=shape))
    upon = plated(thickness / tunnelling, thickness / conductivity, AT_FACE)
    near = AT_SURFACE + (AT_FACE - AT_SURFACE) * tunnelling / thickness
    inside, upon = split(plated(1.0, tunnelling / conductivity, near) - upon, upon)
    assert float(found.upon_plating) == pytest.approx(upon, rel=2e-3 * 40 * thickness / tunnelling, abs=1e-12)
    assert float(found.inside_plating) == pytest.approx(inside, rel=2e-2)


def test_layers_count_in_series():
    """Tunnelling thicknesses and resistances add; inside is what stops beyond that of the inner layer."""
    inner = cells.layer(12e-9, tunnelling_thickness=6e-9, electronic_conductivity=2e-9)
    outer = cells.layer(10e-9, tunnelling_thickness=2e-9, electronic_conductivity=5e-10)
    found = shares(*coated(inner, outer))
    upon = plated(2 + 5, 12e-9 / 2e-9 + 10e-9 / 5e-10, AT_FACE)
    near = AT_SURFACE + (AT_FACE - AT_SURFACE) * 6 / 22
    inside, upon = split(plated(1.0, 6e-9 / 2e-9, near) - upon, upon)
    assert float(found.upon_plating) == pytest.approx(upon, rel=2e-2)
    assert float(found.inside_plating) == pytest.approx(inside, rel=2e-2)


def test_less_plates_upon_the_thicker():
    upon = []
    for thickness in (8e-9, 12e-9, 16e-9, 20e-9):
        layer = cells.layer(thickness, tunnelling_thickness=8e-9, electronic_conductivity=1e-12)
        upon.append(float(shares(*coated(layer)).upon_plating))
    assert all(thick < thin for thin, thick in zip(upon, upon[1:], strict=False))


def test_a_film_thinner_than_its_tunnelling_thickness_holds_nothing_inside():
    """And one that is hardly there lets plate upon it what the reaction would."""
    found = shares(*coated(cells.layer(8e-9, tunnelling_thickness=40e-9)))
    assert float(found.inside_plating) == pytest.approx(0.0, abs=1e-12)
    reaction = plated(0.2, 1e30, AT_FACE)
    assert float(found.upon_plating) == pytest.approx(reaction / (reaction + CURRENT), rel=1e-3)


def test_nothing_plates_elsewhere_while_lithium_is_stripped():
    layer = cells.layer(20e-9, tunnelling_thickness=5e-9, electronic_conductivity=1e-9)
    found = shares(*coated(layer), -AT_SURFACE, -AT_FACE, -CURRENT)
    assert float(found.inside_plating) == pytest.approx(0.0, abs=1e-9)
    assert float(found.upon_plating) == pytest.approx(0.0, abs=1e-9)
    assert float(found.beneath_plating) == pytest.approx(1.0, abs=1e-9)


# --- the shares -------------------------------------------------------------------------------------------------------


STUDY = {
    "title": "a leaky coating with a crack",
    "grid": {"cells": [16, 40], "size": ["32 nm", "80 nm"]},
    "surface": {"level": "16 nm", "bumps": [{"height": "6 nm", "radius": "8 nm"}]},
    "coating": {
        "layers": [{"material": "lipon", "thickness": "24 nm", "toughness": "0.05 J/m^2",
                    "tunnelling_thickness": "8 nm", "electronic_conductivity": "1e-10 S/m"}],
        "fracture": {"length": "8 nm"},
    },
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "1 s"}]},
}  # fmt: skip


def test_they_sum_to_one_beside_a_crack():
    case = build(validated(STUDY, "leaky"))
    state = case.start()
    assert state.coating is not None
    cracked = jnp.where(jnp.abs(jnp.arange(16) - 8) < 2, 1.0, 0.0)[:, None] + 0 * state.lithium
    whole, broken = (
        shares(case.model, eqx.tree_at(lambda s: s.coating.damage, state, d)) for d in (0 * cracked, cracked)
    )
    for found in (whole, broken):
        assert sum(float(getattr(found, name)) for name in SHARES) == pytest.approx(1.0, abs=1e-12)
        assert float(found.inside_plating) > 1e-6
        assert float(found.upon_plating) > 1e-6
    assert float(whole.bare_plating) < 1e-6
    assert float(broken.bare_plating) > 0.1
    kept = 1 - float(broken.bare_plating)
    assert float(broken.inside_plating) == pytest.approx(kept * float(whole.inside_plating), rel=0.1)


def test_what_is_not_known_is_not_reported():
    bare = cells.make(SHAPE, SPACING, bump_height=0.0, level=10e-9)
    unknown = cells.make(SHAPE, SPACING, cells.coating(cells.layer(20e-9)), bump_height=0.0, level=10e-9)
    for model, state in (bare, unknown):
        area = Look.at(state.lithium, model.width, model.grid).area
        found = measure(model.stack, state, area, area, None, model.width, model.scales, model.grid)
        assert all(getattr(found, name) is None for name in SHARES[1:])


def test_their_derivative_is_that_of_the_differences():
    """With respect to the thickness, to what lets electrons through, and to what drives them."""
    case = build(validated(STUDY, "leaky"))

    def layer(case):
        made = case.model.stack.coating.layers[0]
        return made.thickness, made.tunnelling_thickness, made.electronic_conductivity, made.ionic_conductivity

    @jax.jit
    def measured(factors):
        values = tuple(factor * value for factor, value in zip(factors, layer(case), strict=False))
        changed = eqx.tree_at(layer, case, values)
        found = shares(changed.model, changed.start(), at_face=AT_FACE * factors[4])
        return jnp.stack([found.inside_plating, found.upon_plating])

    here, step = jnp.ones(5), 1e-5
    slopes = jax.jacrev(measured)(here)
    for k in range(5):
        central = (measured(here.at[k].add(step)) - measured(here.at[k].add(-step))) / (2 * step)
        np.testing.assert_allclose(slopes[:, k], central, rtol=1e-6, atol=1e-9)
