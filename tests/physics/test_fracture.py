"""Fracture of a coating: strengths and crack energies in one dimension, irreversibility, what a crack bears."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.build import build
from interphase.config.load import validated
from interphase.grid.grid import Grid
from interphase.physics import mixture
from interphase.physics.fracture import LEFT, Resistance, damaged, degradation, healed, passable, tensile_energy
from interphase.physics.interface import Look
from interphase.physics.measures import measure
from interphase.physics.principal import principal_values

TOUGHNESS, MODULUS = 2.0, 50.0
MODELS = {"AT1": True, "AT2": False}
STRENGTHS = {"AT1": np.sqrt(3 / 8), "AT2": 9 / 16 / np.sqrt(3)}  # 0.6124 and 0.3248 √(E G_c/ℓ)


def bar(cells: int, spacing: float = 1.0) -> Grid:
    return Grid((cells, 16), (spacing, 1.0))


def resisting(grid: Grid, length: float, model: str) -> Resistance:
    return Resistance(jnp.full(grid.shape, TOUGHNESS), jnp.asarray(length), MODELS[model])


@functools.cache
def compiled(grid: Grid, model: str):
    def step(damage, energy, length):
        resistance = Resistance(jnp.full(grid.shape, TOUGHNESS), length, MODELS[model])
        return damaged(damage, energy, resistance, jnp.ones(grid.shape), grid)

    return jax.jit(step)


def stepper(grid: Grid, length: float, model: str):
    return lambda damage, energy: compiled(grid, model)(damage, energy, jnp.asarray(length))


@pytest.mark.parametrize("model", MODELS)
def test_a_bar_breaks_at_its_strength(model):
    """The largest of (1−d)² E ε as it is stretched, within 1 %."""
    grid, length = bar(8), 4.0
    step = stepper(grid, length, model)
    scale = np.sqrt(TOUGHNESS / (MODULUS * length))
    damage, largest = jnp.zeros(grid.shape), 0.0
    for strain in np.linspace(0.02, 1.0, 100) * scale:
        damage = step(damage, jnp.full(grid.shape, 0.5 * MODULUS * strain**2))
        largest = max(largest, float((1 - damage[0, 0]) ** 2 * MODULUS * strain))
    assert largest == pytest.approx(STRENGTHS[model] * np.sqrt(MODULUS * TOUGHNESS / length), rel=0.01)


def test_one_law_is_elastic_before_it_breaks_and_the_other_softens():
    grid, length = bar(8), 4.0
    half = jnp.full(grid.shape, 0.125 * TOUGHNESS * 3 / 8 / length)
    assert float(jnp.max(stepper(grid, length, "AT1")(0 * half, half))) == 0
    assert float(jnp.min(stepper(grid, length, "AT2")(0 * half, half))) > 0.01


def spent(grid: Grid, length: float, model: str, columns: slice) -> float:
    """Energy per area of a bar whose damage is complete in some columns."""
    energy = jnp.zeros(grid.shape).at[columns].set(1e4)
    damage = stepper(grid, length, model)(jnp.zeros(grid.shape), energy)
    assert float(jnp.min(damage[columns])) > 0.999
    return float(resisting(grid, length, model).energy(damage, grid)) * grid.shape[0] / grid.shape[1]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", [4.0, 8.0])
def test_a_crack_costs_the_toughness(model, length):
    """Across one column of cells, within 2 %: damage and stiffness share cells, so it is no wider than one cell."""
    assert spent(bar(128), length, model, slice(64, 65)) == pytest.approx(TOUGHNESS, rel=0.02)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", [4.0, 8.0])
def test_a_crack_between_two_places_costs_what_elements_have_it_cost(model, length):
    """G_c(1 + 3h/8ℓ) or G_c(1 + h/2ℓ), within 2 %: an element breaks between two nodes, here two columns."""
    excess = (3 / 8 if MODELS[model] else 1 / 2) / length
    assert spent(bar(128), length, model, slice(63, 65)) == pytest.approx(TOUGHNESS * (1 + excess), rel=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_its_profile_is_the_known_one(model):
    """(1 − x/2ℓ)² of finite width, or e^{−x/ℓ}."""
    grid, length = bar(128), 8.0
    damage = stepper(grid, length, model)(jnp.zeros(grid.shape), jnp.zeros(grid.shape).at[64].set(1e4))[64:, 0]
    x = np.arange(64.0)
    wanted = np.maximum(1 - x / (2 * length), 0) ** 2 if model == "AT1" else np.exp(-x / length)
    np.testing.assert_allclose(damage[:40], wanted[:40], atol=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_it_never_heals_by_itself(model):
    grid, length = bar(8), 4.0
    step = stepper(grid, length, model)
    rng = np.random.default_rng(0)
    damage = jnp.zeros(grid.shape)
    for _ in range(6):
        energy = jnp.asarray(rng.exponential(0.3, grid.shape) * TOUGHNESS / length)
        later = step(damage, energy)
        assert float(jnp.min(later - damage)) >= 0
        assert float(jnp.max(later)) <= 1
        damage = later
    np.testing.assert_allclose(step(damage, 0 * damage), damage, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_closed_cracks_heal_in_their_time_and_open_ones_do_not(model):
    """e^{−t/τ} in three unequal steps, unloaded; nothing under a tension too small to damage any further."""
    grid = bar(8)
    step, pulled = stepper(grid, 4.0, model), jnp.zeros((4, *grid.shape)).at[0].set(0.01)
    damage = start = jnp.full(grid.shape, 0.8)
    for elapsed in (0.1, 0.5, 0.9):
        damage = step(healed(damage, 0 * pulled, jnp.asarray(elapsed)), 0 * damage)
    np.testing.assert_allclose(damage, 0.8 * np.exp(-1.5), rtol=1e-4)
    np.testing.assert_allclose(healed(start, -pulled, jnp.asarray(1.5)), 0.8 * np.exp(-1.5), rtol=1e-6)
    np.testing.assert_allclose(healed(start, pulled, jnp.asarray(1.5)), start, rtol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_derivative_is_that_of_the_differences(model):
    grid, length = bar(8), 4.0
    resistance = resisting(grid, length, model)
    shape = jnp.asarray(np.random.default_rng(1).uniform(0.2, 1.0, grid.shape)) * TOUGHNESS / length

    @jax.jit
    def outcome(factor):
        d = damaged(jnp.zeros(grid.shape), factor * shape, resistance, jnp.ones(grid.shape), grid, 1e-12)
        return jnp.sum(d**2)

    slope = float(jax.jit(jax.grad(outcome))(1.0))
    assert slope == pytest.approx(float((outcome(1 + 1e-4) - outcome(1 - 1e-4)) / 2e-4), rel=1e-4)


def test_a_crack_bears_compression_until_it_comes_apart_and_no_tension():
    pulled = jnp.zeros((4, 2, 2)).at[0].set(3.0)
    tension = jnp.zeros((4, 2, 2)).at[:3].set(3.0)
    broken, cracked = jnp.ones((2, 2)), jnp.full((2, 2), 0.4)
    for stress in (pulled, tension):
        np.testing.assert_allclose(degradation(broken, stress), LEFT)
        np.testing.assert_allclose(degradation(cracked, stress), 0.6**2 + LEFT * (1 - 0.6**2))
        np.testing.assert_allclose(degradation(cracked, -stress), 1.0)
        np.testing.assert_allclose(degradation(broken, -stress), LEFT)
        np.testing.assert_allclose(degradation(0 * broken, stress), 1.0)
    assert float(passable(cracked)[0, 0]) == 0
    assert float(passable(broken)[0, 0]) == 1


def test_only_tension_drives_a_crack():
    """σ²/2E in one direction, σ²(1−ν)/E in two, τ²/2E in shear; compression drives nothing."""
    bulk, shear = jnp.full((2, 2), MODULUS / (3 * (1 - 2 * 0.25))), jnp.full((2, 2), MODULUS / (2 * 1.25))
    one, two, all_ways = (jnp.zeros((4, 2, 2)).at[:n].set(3.0) for n in (1, 2, 3))
    sheared = jnp.zeros((4, 2, 2)).at[3].set(3.0)
    np.testing.assert_allclose(tensile_energy(one, bulk, shear), 9 / (2 * MODULUS), rtol=1e-12)
    np.testing.assert_allclose(tensile_energy(two, bulk, shear), 9 * 0.75 / MODULUS, rtol=1e-12)
    np.testing.assert_allclose(tensile_energy(sheared, bulk, shear), 9 / (2 * MODULUS), rtol=1e-12)
    for pressed in (-one, -two, -all_ways):
        np.testing.assert_allclose(tensile_energy(pressed, bulk, shear), 0.0, atol=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_principal_values_are_the_eigenvalues(dim):
    components = jnp.asarray(np.random.default_rng(2).normal(size=(3 + (1 if dim == 2 else 3), 50)))
    whole = np.zeros((50, 3, 3))
    places = [(0, 0), (1, 1), (2, 2)] + ([(0, 1)] if dim == 2 else [(0, 1), (0, 2), (1, 2)])
    for (a, b), component in zip(places, components, strict=True):
        whole[:, a, b] = whole[:, b, a] = component
    found = np.sort(np.asarray(principal_values(components)), axis=0)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(whole).T, atol=2e-3 if dim == 3 else 1e-12)


def test_where_a_cell_is_not_mainly_coating_damage_is_continued():
    """However stressed such a cell is: it takes the damage of the coating beside it, and drives none."""
    grid, length = Grid((4, 16), (1.0, 1.0)), 4.0
    resistance = Resistance(jnp.full(grid.shape, TOUGHNESS), jnp.asarray(length), True)
    share = jnp.ones(grid.shape).at[:, :4].set(0.0)
    threshold = 3 / 16 * TOUGHNESS / length
    beside = jnp.zeros(grid.shape).at[:, :4].set(1e3 * threshold)
    step = jax.jit(lambda energy: damaged(0 * energy, energy, resistance, share, grid))
    np.testing.assert_allclose(step(beside), 0.0, atol=1e-6)
    damage = step(jnp.full(grid.shape, 20 * threshold))
    np.testing.assert_allclose(damage, damage[0, -1], rtol=1e-3)
    assert float(damage[0, 0]) == pytest.approx(0.95, abs=1e-3)


STUDY = {
    "title": "a coating with one place that is overstressed",
    "grid": {"cells": [16, 24], "size": ["512 nm", "768 nm"]},
    "surface": {"level": "256 nm"},
    "coating": {
        "layers": [{"material": "lipon", "thickness": "256 nm", "modulus": "10 GPa", "toughness": "0.05 J/m^2"}],
        "fracture": {"length": "64 nm"},
    },
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "film": {"inner_thickness": "0 nm", "outer_thickness": "0 nm"},
    "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "1 s"}]},
}


def broken_where(overstressed) -> tuple:
    """The study's model and its state once the coating has broken under half its strength, and 30 times that in some
    cells.
    """
    case = build(validated(STUDY, "overstressed"))
    model, state = case.model, case.start()
    coating = model.stack.coating
    assert state.coating is not None
    assert coating is not None
    strength = np.sqrt(3 / 8 * 10e9 / (1 - 0.25**2) * 0.05 / 64e-9) / model.scales.stress
    pulled = jnp.zeros_like(state.coating.stress).at[0].set(0.5 * strength).at[2].set(0.125 * strength)
    pulled = pulled * jnp.where(overstressed, 30.0, 1.0)
    coated = eqx.tree_at(lambda c: c.stress, state.coating, pulled)
    fracture = eqx.filter_jit(mixture.fractured)
    damage = fracture(coating, coated, jnp.ones(()), model.width, model.scales, model.grid)
    return model, eqx.tree_at(lambda s: s.coating, state, eqx.tree_at(lambda c: c.damage, coated, damage))


@eqx.filter_jit
def exposed_in(model, state):
    """Share of the surface that solvent comes to, per column where lithium's surface is; and conductivity over that of
    the whole coating, of the coating's inner half.
    """
    look = Look.at(state.lithium, model.width, model.grid)
    exposed = mixture.exposed(model.stack, state, look.area, model.width, model.scales, model.grid)
    whole = jnp.full(model.grid.shape, model.stack.coating.layers[0].ionic_conductivity[0])
    cracks = mixture.beside_cracks(whole, state.coating, model.stack.electrolyte.conductivity_at(jnp.ones(()))) / whole
    surface = jnp.argmin(jnp.abs(state.lithium - 0.5), axis=1)
    columns = jnp.arange(surface.size)
    return exposed[columns, surface], cracks[columns, surface + 3]


def test_a_coating_breaks_through_at_its_weak_place_and_exposes_lithium_there():
    model, state = broken_where((jnp.abs(jnp.arange(16) - 8) < 2)[:, None] & (jnp.arange(24) >= 0))
    damage = np.asarray(state.coating.damage)
    inside = np.asarray(state.coating.fraction)[8] > 0.5
    assert damage[8, inside].min() > 0.95
    assert damage[0, inside].max() < 1e-3
    exposed, conductivity = exposed_in(model, state)
    assert exposed[8] > 0.5
    assert exposed[0] < 1e-6
    assert conductivity[8] > 1000
    assert conductivity[0] == 1.0


@eqx.filter_jit
def plated_bare(model, state, current):
    area = Look.at(state.lithium, model.width, model.grid).area
    return measure(model.stack, state, current, area, None, model.width, model.scales, model.grid).bare_plating


def test_what_plates_through_a_crack_is_told_apart():
    """The share of the current, even or focused, that flows where the surface lies bare; none under a whole coating."""
    cracked = (jnp.abs(jnp.arange(16) - 8) < 2)[:, None] & (jnp.arange(24) >= 0)
    model, state = broken_where(cracked)
    exposed, _ = exposed_in(model, state)
    for in_crack in (1.0, 3.0):
        current = jnp.where(cracked, in_crack, 1.0)
        expected = float(jnp.sum(exposed * current[:, 0]) / jnp.sum(current[:, 0]))
        assert expected > 0.15
        assert float(plated_bare(model, state, current)) == pytest.approx(expected, rel=0.02)
    assert float(plated_bare(*broken_where(jnp.zeros_like(cracked)), current)) < 1e-6


def test_a_crack_that_does_not_reach_the_liquid_exposes_nothing():
    """From the inner face half-way through: no liquid is in it, and none comes to the lithium."""
    model, state = broken_where((jnp.abs(jnp.arange(16) - 8) < 2)[:, None] & (jnp.arange(24) < 11))
    assert float(state.coating.damage[8, 9]) > 0.95
    exposed, conductivity = exposed_in(model, state)
    assert exposed.max() < 1e-6
    assert conductivity.max() == 1.0
