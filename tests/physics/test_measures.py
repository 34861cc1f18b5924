"""What a film is compared with: strength and toughness, in closed form where the stress is uniform."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase.config.build import build
from interphase.config.load import read_study
from interphase.physics.measures import CHANNELLING, measure
from studies import write_small

STRESS, STRENGTH, TOUGHNESS = 120e6, 400e6, 2.0


@pytest.fixture
def flat(tmp_path):
    """A flat film under uniform in-plane tension."""
    overrides = [
        "surface.bumps=[]",
        f'coating.layers[0].strength="{STRENGTH} Pa"',
        f'coating.layers[0].toughness="{TOUGHNESS} J/m^2"',
    ]
    case = build(read_study(write_small(tmp_path), overrides))
    state = case.start()
    tension = jnp.zeros_like(state.coating.stress).at[0].set(STRESS / case.model.scales.stress)
    return case, eqx.tree_at(lambda s: s.coating.stress, state, tension)


def measured(case, state):
    model, none = case.model, jnp.zeros(case.model.grid.shape)
    return measure(model.stack, state, none, none + 1, None, model.width, model.scales, model.grid)


def test_stress_over_strength(flat):
    assert float(measured(*flat).coating_stress_over_strength) == pytest.approx(STRESS / STRENGTH, rel=1e-6)


def test_a_channelling_crack_releases_as_in_the_closed_form(flat):
    case, state = flat
    (layer,) = case.model.stack.coating.layers
    modulus = float(layer.modulus[0] / (1 - layer.poisson_ratio[0] ** 2))
    wanted = CHANNELLING * STRESS**2 * float(layer.thickness) / modulus / TOUGHNESS
    # Of a film of six cells the two diffuse faces leave no cell that is whole.
    assert float(measured(case, state).crack_driving_force) == pytest.approx(wanted, rel=1e-2)


def test_compression_drives_no_crack(flat):
    case, state = flat
    pressed = eqx.tree_at(lambda s: s.coating.stress, state, -state.coating.stress)
    assert float(measured(case, pressed).crack_driving_force) < 1e-12


def test_both_have_finite_gradients_where_nothing_is_stressed(flat):
    case, state = flat
    relaxed = eqx.tree_at(lambda s: s.coating.stress, state, 0 * state.coating.stress)

    def both(stress):
        found = measured(case, eqx.tree_at(lambda s: s.coating.stress, relaxed, stress))
        return found.coating_stress_over_strength + found.crack_driving_force

    assert bool(jnp.all(jnp.isfinite(jax.grad(both)(relaxed.coating.stress))))
