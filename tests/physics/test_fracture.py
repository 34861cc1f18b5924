"""Fracture of a coating: strengths and crack energies in one dimension, irreversibility, what a crack bears."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.grid.grid import Grid
from interphase.physics.fracture import LEFT, Resistance, damaged, degradation, passable, tensile_energy

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


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("length", [4.0, 8.0])
def test_a_crack_costs_the_toughness(model, length):
    """Across one column of cells, within 2 %: damage and stiffness share cells, so it is no wider than one cell."""
    grid = bar(128)
    energy = jnp.zeros(grid.shape).at[64].set(1e4)
    damage = stepper(grid, length, model)(jnp.zeros(grid.shape), energy)
    assert float(damage[64, 0]) > 0.999
    spent = float(resisting(grid, length, model).energy(damage, grid)) * grid.shape[0] / grid.shape[1]
    assert spent == pytest.approx(TOUGHNESS, rel=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_its_profile_is_the_known_one(model):
    """(1 − x/2ℓ)² of finite width, or e^{−x/ℓ}."""
    grid, length = bar(128), 8.0
    damage = stepper(grid, length, model)(jnp.zeros(grid.shape), jnp.zeros(grid.shape).at[64].set(1e4))[64:, 0]
    x = np.arange(64.0)
    wanted = np.maximum(1 - x / (2 * length), 0) ** 2 if model == "AT1" else np.exp(-x / length)
    np.testing.assert_allclose(damage[:40], wanted[:40], atol=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_it_never_heals(model):
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


def test_a_crack_bears_compression_and_no_tension():
    tension = jnp.zeros((4, 2, 2)).at[:3].set(3.0)
    broken = jnp.ones((2, 2))
    np.testing.assert_allclose(degradation(broken, tension), LEFT)
    np.testing.assert_allclose(degradation(broken, -tension), 1.0)
    np.testing.assert_allclose(degradation(0 * broken, tension), 1.0)
    assert float(passable(0.4 * broken)[0, 0]) == 0
    assert float(passable(broken)[0, 0]) == 1


def test_only_tension_and_shear_drive_a_crack():
    """Pressure drives nothing; the energy of a tension in one direction is σ²/2E."""
    bulk, shear = jnp.full((2, 2), MODULUS / (3 * (1 - 2 * 0.25))), jnp.full((2, 2), MODULUS / (2 * 1.25))
    pulled = jnp.zeros((4, 2, 2)).at[0].set(3.0)
    np.testing.assert_allclose(tensile_energy(pulled, bulk, shear), 9 / (2 * MODULUS), rtol=1e-12)
    pressed = jnp.zeros((4, 2, 2)).at[:3].set(-3.0)
    np.testing.assert_allclose(tensile_energy(pressed, bulk, shear), 0.0, atol=1e-12)
