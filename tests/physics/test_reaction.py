"""Butler–Volmer kinetics against the textbook: slopes, shifts and limits, through the scales that make them SI."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import TEMPERATURE, coating, electrolyte, layer, make, scales
from interphase.physics.interface import Look
from interphase.physics.mixture import conduction, kinetics
from interphase.physics.reaction import LARGEST_EXPONENT, Kinetics, affinity_for, bounded_exponential
from interphase.physics.start import step_down
from interphase.solvers.krylov import conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import smoothing_for_diffusion

FARADAY, GAS_CONSTANT = 96485.33212, 8.314462618
THERMAL = GAS_CONSTANT * TEMPERATURE / FARADAY  # [V]
SCALES = scales()


def rate_law(exchange_current=20.0, alpha=0.5, film_resistance=0.0, offset=0.0):
    """Kinetics of given SI constants."""
    return Kinetics(
        jnp.asarray(exchange_current / SCALES.current_density),
        jnp.asarray(alpha),
        jnp.asarray(film_resistance / SCALES.resistance),
        jnp.asarray(offset),
    )


def current_at(law, overpotential, stress=0.0):
    """Current density [A/m²] at metal minus electrolyte [V] and normal stress [Pa], by bisection on the affinity."""
    driving = jnp.asarray(-overpotential / SCALES.potential)

    def excess(affinity):
        return float(law.mismatch(jnp.asarray(affinity), driving, jnp.asarray(stress / SCALES.stress)))

    low, high = -200.0, 200.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return float(law.current(jnp.asarray(low))) * SCALES.current_density


def potential_at(law, current, stress=0.0):
    """Metal minus electrolyte [V] at which a current density [A/m²] flows."""
    ratio = jnp.asarray(current / SCALES.current_density)
    affinity = affinity_for(ratio, law.exchange_current, law.transfer_coefficient)
    return float(law.mismatch(affinity, jnp.asarray(0.0), jnp.asarray(stress / SCALES.stress))) * -SCALES.potential


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("exchange_current", [5.0, 70.0])
def test_slope_at_equilibrium(alpha, exchange_current):
    """dη/di = RT/(F i₀) within 0.5 %, whatever α; plating needs a negative overpotential."""
    law, step = rate_law(exchange_current, alpha), 5e-5
    plated, stripped = current_at(law, -step), current_at(law, step)
    assert plated > 0 > stripped
    assert 2 * step / (plated - stripped) == pytest.approx(THERMAL / exchange_current, rel=5e-3)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.7])
def test_tafel_slopes(alpha):
    """d ln i/dη = −αF/RT far on the plating side, (1−α)F/RT far on the stripping side, within 1 %."""
    law = rate_law(alpha=alpha)
    plating = np.log(current_at(law, -0.25) / current_at(law, -0.20)) / 0.05
    stripping = np.log(current_at(law, 0.25) / current_at(law, 0.20)) / 0.05
    assert plating == pytest.approx(alpha / THERMAL, rel=0.01)
    assert stripping == pytest.approx((1 - alpha) / THERMAL, rel=0.01)


@pytest.mark.parametrize(("salt", "transference"), [(0.1, 0.5), (2.0, 0.5), (0.1, 0.38), (0.1, 1.0)])
def test_nernst(salt, transference):
    """At rest lithium at c sits at 2(1−t₊) RT/F ln(c/c₀) against lithium in the reservoir, to 0.1 mV.

    In this concentration cell that is Nernst's RT/F per e-fold where both ions are as fast, nothing where one moves.
    """
    liquid = electrolyte(transference_number=transference)
    model, state = make((2, 64), 20e-9, bump_height=0.0, level=300e-9, liquid=liquid)
    grid, height = model.grid, model.grid.cell_centres()[1] / 64
    away = jnp.clip((height - 0.4) / 0.5, 0.0, 1.0)  # flat at the surface and at the wall
    state = eqx.tree_at(lambda s: s.salt, state, salt ** (1 - away))
    ions = conduction(model.stack, state, model.has_reservoir, model.width, model.scales, grid)
    operator = ions.operator(jnp.zeros(grid.shape))
    cycle = Multigrid.build(operator, smoothing_for_diffusion(), jnp.float32)
    at_rest = conjugate_gradients(operator, -ions.outflow(jnp.zeros(grid.shape)), cycle, tolerance=1e-11)[0]
    look = Look.at(state.lithium, model.width, grid)
    law = kinetics(model.stack, state, look, model.width, model.scales, grid)
    none = jnp.zeros(grid.shape)
    found = -np.asarray(law.mismatch(none, at_rest, none))[np.asarray(look.area > 0.1)] * model.scales.potential
    np.testing.assert_allclose(found, 2 * (1 - transference) * THERMAL * np.log(salt), atol=1e-4)
    assert abs(THERMAL * np.log(0.1) + 0.05916) < 1e-4


@pytest.mark.parametrize("salt", [0.25])
def test_exchange_current_follows_the_salt(salt):
    """i₀ = i₀₀ (c/c₀)^{1−α} where liquid touches the metal."""
    model, state = make((8, 16), 20e-9, bump_height=0.0, transfer_coefficient=0.3)
    state = eqx.tree_at(lambda s: s.salt, state, jnp.full_like(state.salt, salt))
    look = Look.at(state.lithium, model.width, model.grid)
    law = kinetics(model.stack, state, look, model.width, model.scales, model.grid)
    surface = np.asarray(look.area > 0.1)
    exchange = np.asarray(law.exchange_current)[surface] * model.scales.current_density
    np.testing.assert_allclose(exchange, 70 * salt**0.7, rtol=1e-6)


@pytest.mark.parametrize("current", [0.0, 10.0, -10.0])
def test_stress_shift(current):
    """Compression moves the potential at any current by −0.1347 mV/MPa, within 1 %: it hinders plating."""
    law = rate_law()
    shift = (potential_at(law, current, -100e6) - potential_at(law, current)) / 100
    assert shift == pytest.approx(-0.1347e-3, rel=0.01)
    assert shift == pytest.approx(-13e-6 * 1e6 / FARADAY, rel=1e-6)


def test_stress_slows_the_rate_as_tafel_says():
    """100 MPa of compression multiplies a Tafel current by exp(αΩσ/RT) = 0.769 at α = ½."""
    law = rate_law()
    ratio = current_at(law, -0.25, -100e6) / current_at(law, -0.25)
    assert ratio == pytest.approx(0.769, rel=0.01)


def test_film_resistance_adds_its_drop():
    """A film of 0.05 Ω m² takes 0.5 V at 10 A/m²."""
    bare, covered = rate_law(), rate_law(film_resistance=0.05)
    assert potential_at(bare, 10.0) - potential_at(covered, 10.0) == pytest.approx(0.5, rel=1e-9)


def test_curvature_shift():
    """A bump of radius 160 nm and 0.5 J/m² is at rest 0.42 mV below a flat surface: −Ωγ/(F r)."""
    model, state = make((64, 64), 8e-9, bump_height=0.0)
    x, z = model.grid.cell_centres() - 32.0
    radius = 20.0
    distance = jnp.sqrt(x**2 + z**2) - radius
    state = eqx.tree_at(lambda s: s.lithium, state, step_down(distance, model.width))
    look = Look.at(state.lithium, model.width, model.grid)
    law = kinetics(model.stack, state, look, model.width, model.scales, model.grid)
    shift = float(jnp.sum(law.offset * look.area) / jnp.sum(look.area)) * model.scales.potential
    assert shift == pytest.approx(-13e-6 * 0.5 / (FARADAY * radius * 8e-9), rel=0.01)


def test_a_coating_brings_its_own_exchange_current():
    """Where a single-ion coating touches the metal, its i₀₀ holds and the salt has no say."""
    model, state = make((8, 32), 20e-9, coating(layer(thickness=240e-9, exchange_current=30.0)), bump_height=0.0)
    state = eqx.tree_at(lambda s: s.salt, state, jnp.full_like(state.salt, 0.3))
    look = Look.at(state.lithium, model.width, model.grid)
    law = kinetics(model.stack, state, look, model.width, model.scales, model.grid)
    surface = np.asarray(look.area > 0.1)
    exchange = np.asarray(law.exchange_current)[surface] * model.scales.current_density
    np.testing.assert_allclose(exchange, 30.0, rtol=1e-3)


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e3), st.floats(0.2, 0.8))
def test_affinity_is_the_inverse_of_the_rate(current, exchange_current, alpha):
    """i(𝒜(i)) = i over seven decades either way."""
    arguments = jnp.asarray(current), jnp.asarray(exchange_current), jnp.asarray(alpha)
    law = Kinetics(arguments[1], arguments[2], jnp.asarray(0.0), jnp.asarray(0.0))
    affinity = affinity_for(*arguments)
    if max(alpha * abs(float(affinity)), (1 - alpha) * abs(float(affinity))) < LARGEST_EXPONENT:
        assert float(law.current(affinity)) == pytest.approx(current, rel=1e-9, abs=1e-9 * exchange_current)


def test_bounded_exponential():
    """The exponential up to the bound, then its tangent: continuous with its slope, finite for any guess."""
    x = jnp.linspace(-50.0, LARGEST_EXPONENT, 101)
    np.testing.assert_allclose(bounded_exponential(x), jnp.exp(x), rtol=1e-14)
    slope = jax.vmap(jax.grad(bounded_exponential))(
        jnp.asarray([LARGEST_EXPONENT - 1e-6, LARGEST_EXPONENT + 1e-6, 1e5])
    )
    np.testing.assert_allclose(slope, np.exp(LARGEST_EXPONENT), rtol=1e-5)
    assert np.isfinite(bounded_exponential(jnp.asarray(1e8)))
