"""Flow laws: the published flow stress of lithium, potentials whose derivative is the stress, caps and relaxation."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import lithium
from interphase.materials.material import shear_modulus
from interphase.physics.creep import Elastic, Hardening, MaxwellYield, PowerLawCreep
from interphase.physics.momentum import Phase, Strain, von_mises

RATE = float(lithium().creep_rate)  # [1/s]


def creep(resistance=1.0, rate=0.014, exponent=1 / 0.15, viscosity=1e30):
    return PowerLawCreep(*(jnp.asarray(float(x)) for x in (resistance, rate, exponent, viscosity)))


def capped(relaxation_time=1e15, yield_strength=1.0):
    return MaxwellYield(jnp.asarray(float(relaxation_time)), jnp.asarray(float(yield_strength)))


def steady_stress(strain_rate, strain_step=1e-2, steps=8000):
    """Flow stress [Pa] of a bar pulled at a constant rate until its resistance is saturated."""
    metal = lithium()
    modulus = shear_modulus(metal.modulus, metal.poisson_ratio)
    hardening = Hardening(
        metal.hardening_modulus, metal.hardening_exponent, metal.saturation_resistance, metal.rate_hardening
    )
    dt = jnp.asarray(strain_step / strain_rate)

    def pull(carry, _):
        stress, resistance = carry
        trial = stress + 3 * modulus * strain_rate * dt
        law = PowerLawCreep(resistance, metal.creep_rate, metal.creep_exponent, metal.diffusional_viscosity)
        factor = law.factor(trial, modulus, dt)
        flowed = trial * (1 - factor) / (3 * modulus)
        return (trial * factor, hardening.updated(resistance, flowed, dt, metal.creep_rate)), None

    (stress, resistance), _ = jax.lax.scan(pull, (jnp.asarray(0.0), metal.initial_resistance), None, steps)
    return float(stress), float(resistance)


@pytest.mark.parametrize("strain_rate, expected", [(2e-5, 0.540e6), (2e-4, 0.855e6), (2e-3, 1.355e6), (2e-2, 2.148e6)])
def test_flow_stress_of_lithium(strain_rate, expected):
    """Anand–Narayan at saturation, 298 K: 0.540 MPa at 2e-5 /s to 2.148 MPa at 2e-2 /s, within 1 %."""
    stress, resistance = steady_stress(strain_rate)
    assert resistance == pytest.approx(2e6 * (strain_rate / RATE) ** 0.05, rel=0.01)
    assert stress == pytest.approx(expected, rel=0.01)


@given(st.floats(-8, 8), st.floats(-6, 6), st.floats(0, 4), st.floats(1.0, 12.0), st.sampled_from([1e30, 1.0, 1e-3]))
def test_creep_factor_solves_its_equation(log_trial, log_rate, log_modulus, exponent, viscosity):
    """q + 3GΔt[ε̇₀(q/S)ⁿ + q/3η] = q_tr to 1e-8 over sixteen decades of trial stress and twelve of the rate."""
    trial, modulus, dt = jnp.asarray(10.0**log_trial), jnp.asarray(10.0**log_modulus), jnp.asarray(1.0)
    law = creep(1.0, 10.0**log_rate, exponent, viscosity)
    factor = law.factor(trial, modulus, dt)
    stress = trial * factor
    restored = stress + 3 * modulus * dt * (10.0**log_rate * stress**exponent + stress / (3 * viscosity))
    assert 0 < float(factor) <= 1
    assert float(restored / trial) == pytest.approx(1.0, abs=1e-8)
    hardening = law.power_law_strain(trial, factor, modulus, dt) * 3 * modulus / trial
    assert float(hardening) == pytest.approx(float(3 * modulus * 10.0**log_rate * stress**exponent / trial), abs=1e-8)


@pytest.mark.parametrize("exponent", [1.0, 5.0, 1 / 0.15])
@pytest.mark.parametrize("viscosity", [1e30, 0.4])
@pytest.mark.parametrize("way", ["uniaxial", "shear"])
def test_steady_flow(exponent, viscosity, way):
    """Pulled or sheared at a constant rate, a bar comes to the stress at which Bσⁿ + σ/3η is that rate, to 1e-6."""
    rate, dt, ones = 0.7, jnp.asarray(0.05), jnp.ones((1, 1))
    phase = Phase(
        ones, jnp.asarray(90.0), jnp.asarray(40.0), creep(1.0, 1.0, exponent, viscosity), jnp.zeros((4, 1, 1))
    )
    pulled = jnp.asarray([1.0, -0.5, -0.5]) * (way == "uniaxial") * rate * dt
    sheared = jnp.full((1, 1, 1), jnp.sqrt(3.0) * rate * dt * (way == "shear"))
    strain = Strain(pulled.reshape(3, 1, 1), sheared, sheared**2, sheared, 0 * ones)
    for _ in range(60):
        phase = dataclasses.replace(phase, stress=phase.respond(strain, dt).stress)
    stress = float(von_mises(phase.stress)[0, 0])
    assert stress**exponent + stress / (3 * viscosity) == pytest.approx(rate, rel=1e-6)
    if way == "shear":
        assert float(phase.stress[3, 0, 0]) == pytest.approx(stress / math.sqrt(3), rel=1e-6)


LAWS = {
    "elastic": Elastic(),
    "power law": creep(),
    "power law and diffusion": creep(viscosity=50.0),
    "yield": capped(),
    "Maxwell": capped(relaxation_time=3.0, yield_strength=1e6),
    "Maxwell and yield": capped(relaxation_time=3.0),
}


@pytest.mark.parametrize("name", LAWS)
def test_derivative_of_the_potential_is_the_stress(name):
    """Φ' = q/3G to 1e-8, from far below the yield or flow stress to far above."""
    law, modulus, dt = LAWS[name], jnp.asarray(40.0), jnp.asarray(2.0)
    trial = jnp.geomspace(1e-3, 1e3, 61)
    slope = jax.vmap(jax.grad(lambda q: law.potential(q, modulus, dt)))(trial)
    stress = trial * law.factor(trial, modulus, dt)
    np.testing.assert_allclose(slope, stress / (3 * modulus), rtol=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_derivative_of_the_factor(name):
    """r'(q_tr) by forward mode equals central differences."""
    law, modulus, dt = LAWS[name], jnp.asarray(40.0), jnp.asarray(2.0)
    trial = jnp.geomspace(1e-2, 1e2, 41)
    _, slope = jax.jvp(lambda q: law.factor(q, modulus, dt), (trial,), (trial,))
    difference = (law.factor(trial * (1 + 1e-5), modulus, dt) - law.factor(trial * (1 - 1e-5), modulus, dt)) / 2e-5
    np.testing.assert_allclose(slope, difference, atol=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_potential_is_convex_and_the_factor_a_share(name):
    """Stress rises with the trial stress and never exceeds it."""
    law, modulus, dt = LAWS[name], jnp.asarray(40.0), jnp.asarray(2.0)
    trial = jnp.geomspace(1e-3, 1e4, 400)
    factor = law.factor(trial, modulus, dt)
    stress = trial * factor
    assert float(jnp.min(factor)) > 0 and float(jnp.max(factor)) <= 1 + 1e-12
    assert float(jnp.min(jnp.diff(stress) / stress[1:])) > -1e-9


def test_yield_caps_the_stress():
    """Far above yield the stress is σ_Y, far below the trial stress; the corner is rounded by ln 2/50 of σ_Y."""
    law = capped(yield_strength=2.0)

    def stress(trial):
        return float(trial * law.factor(jnp.asarray(trial), jnp.asarray(40.0), jnp.asarray(1.0)))

    assert stress(100.0) == pytest.approx(2.0, rel=1e-9)
    assert stress(1e6) == pytest.approx(2.0, rel=1e-12)
    # What is left of it must not be what round-off leaves, in the single precision of linear solves either.
    trial = jnp.asarray(1e9, jnp.float32)
    single = jax.tree.map(lambda x: x.astype(jnp.float32), law)
    factor = single.factor(trial, jnp.asarray(40.0, jnp.float32), jnp.asarray(1.0, jnp.float32))
    assert float(trial * factor) == pytest.approx(2.0, rel=1e-6)
    assert stress(1.0) == pytest.approx(1.0, rel=1e-9)
    assert stress(2.0) == pytest.approx(2.0 * (1 - np.log(2) / 50), rel=1e-6)


def test_maxwell_relaxes_exponentially():
    """At constant strain the stress falls as e^{−t/τ}; the error falls with the first order of the step."""
    errors = []
    for steps in (50, 100):
        law = capped(relaxation_time=2.0, yield_strength=1e6)
        factor = law.factor(jnp.asarray(1.0), jnp.asarray(40.0), jnp.asarray(3.0 / steps))
        errors.append(abs(float(factor) ** steps - np.exp(-1.5)))
    assert errors[1] < 5e-3 and np.log2(errors[0] / errors[1]) == pytest.approx(1.0, abs=0.2)


def test_hardening_never_overshoots():
    """However long the step, S stays between where it was and S*."""
    law = Hardening(jnp.asarray(5.0), jnp.asarray(2.0), jnp.asarray(1.0), jnp.asarray(0.05))
    for start in (0.5, 3.0):
        target = (1e-2 / 0.014) ** 0.05
        for strain in (1e-6, 1e-2, 1.0, 1e3):
            resistance = float(
                law.updated(jnp.asarray(start), jnp.asarray(strain), jnp.asarray(strain / 1e-2), jnp.asarray(0.014))
            )
            assert min(start, target) - 1e-9 <= resistance <= max(start, target) + 1e-9
    assert abs(resistance - target) < 1e-2
