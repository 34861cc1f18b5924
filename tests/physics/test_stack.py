"""The stack: a plate under a weight, on a spring, or bolted at a gap; the pressure that comes out, in closed form."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import pytest

from cells import drive, lithium, make, scalar
from interphase.materials.material import SolidElectrolyte

CURRENT, PRESSURE = 10.0, 1e6  # [A/m²], [Pa]
SPEED = CURRENT * 13e-6 / 96485.33212  # of plating [m/s]
STEPS, DT = 5, 0.4  # [s]
FLAT = {"bump_height": 0.0, "pressure": PRESSURE, "current_density": CURRENT}


@eqx.filter_jit
def step(model, state, now, dt):
    return model.step(state, now, dt)


def plated(spring: float, has_plate: bool, current: float = CURRENT):
    """Travel of the plate and pressure on it [SI] after a layer of elastic lithium grew under a solid electrolyte."""
    solid = SolidElectrolyte(scalar(22e9), scalar(0.3), scalar(0.16), scalar(10.0))
    model, state = make((8, 32), solid=solid, metal=lithium(creeps=False), has_plate=has_plate, **FLAT)
    model = dataclasses.replace(model, spring=jnp.asarray(spring))
    for _ in range(STEPS):
        state, report = step(model, state, drive(current, PRESSURE), scalar(DT))
        assert float(report.balance.residual) < 1e-4
    travel = float(state.plate_travel) * model.scales.length
    return travel, float(report.plate_pressure) * model.scales.stress


def stiffness_of_the_layers() -> float:
    """Pressure per squeeze of lithium and solid on one another, in uniaxial strain [Pa/m]."""
    level, height = 150e-9, 32 * 32e-9
    longitudinal = [e * (1 - nu) / ((1 + nu) * (1 - 2 * nu)) for e, nu in ((7.82e9, 0.381), (22e9, 0.3))]
    return 1 / (level / longitudinal[0] + (height - level) / longitudinal[1])


def test_under_a_weight_the_pressure_stays_and_the_plate_rises_as_lithium_grows():
    travel, pressure = plated(0.0, True)
    assert pressure == pytest.approx(PRESSURE, rel=1e-4)
    assert travel == pytest.approx(STEPS * DT * SPEED, rel=1e-3)


@pytest.mark.parametrize("current", [CURRENT, -CURRENT])
@pytest.mark.parametrize("spring", [1e15, 1e17])
def test_a_spring_shares_the_growth_with_the_layers(spring, current):
    """Spring and layers in series: what does not lift the plate squeezes the stack, within 2 %."""
    layers = stiffness_of_the_layers()
    grown = STEPS * DT * SPEED * current / CURRENT
    travel, pressure = plated(spring, True, current)
    assert pressure - PRESSURE == pytest.approx(spring * travel, rel=1e-3)
    assert travel == pytest.approx(grown * layers / (spring + layers), rel=0.02)


def test_in_a_closed_gap_the_pressure_breathes_with_the_lithium():
    """The plate stands still, and the layers take all that is plated, within 2 %."""
    for current in (CURRENT, -CURRENT):
        travel, pressure = plated(0.0, False, current)
        squeezed = STEPS * DT * SPEED * current / CURRENT
        assert travel == 0.0
        assert pressure - PRESSURE == pytest.approx(stiffness_of_the_layers() * squeezed, rel=0.02)
