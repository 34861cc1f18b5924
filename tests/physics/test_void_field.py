"""The void of Zhao, Wang and Martínez-Pañeda: its energy, what keeps it, what current and pressure do to it."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.grid.grid import Grid
from interphase.physics.void_current import current_through, plated
from interphase.physics.void_field import THINNEST, ZHAO_2022, free_energy, pull
from interphase.physics.void_growth import NEWTON, Load, Void, held, step
from interphase.physics.void_pressing import Pressed, Solids, press
from interphase.solvers.newton import Newton
from interphase.units import FARADAY

WIDTH = float(ZHAO_2022.width)
QUICK = eqx.tree_at(lambda c: c.mobility, ZHAO_2022, 1e-6)


def groove(grid, radius, width=WIDTH):
    """Half a cylinder of void in the middle of the upper wall."""
    x, z = grid.cell_centres()
    away = jnp.hypot(x - 0.5 * grid.shape[0] * grid.spacing[0], z - grid.height)
    return 0.5 * (1 + jnp.tanh((away - radius) / width))


ALONE = eqx.filter_jit(step)


def after(void, load, steps, constants, grid):
    """The void after steps of given lengths, and the worst residual."""
    worst = 0.0
    for dt in steps:
        void, report = ALONE(void, load, jnp.asarray(dt), constants, grid)
        worst = max(worst, float(report.residual))
    return void, worst


def stripped(void, potential, mean, constants, grid, newton=NEWTON):
    """A step of 100 s with its current: void and potential after it, current density, residual."""
    current = current_through(void.fraction, mean, potential, constants, grid)
    load = Load(plated(current.density, constants, grid), *[jnp.zeros(grid.shape)] * 2)
    void, report = step(void, load, jnp.asarray(100.0), constants, grid, newton)
    return void, current.potential, current.density, report.residual


WITH_CURRENT = eqx.filter_jit(stripped)


def test_a_flat_interface_has_its_energy_and_width():
    """γ = √(2κw)/6 = 0.296 J/m² and λ = 0.507 µm, measured within 0.1 % and 1 %, and the profile stays."""
    assert float(ZHAO_2022.surface_energy) == pytest.approx(0.2958, rel=1e-3)
    assert pytest.approx(0.507e-6, rel=1e-3) == WIDTH
    grid = Grid((2, 128), (WIDTH / 8,) * 2)
    z = grid.cell_centres()[1]
    flat = 0.5 * (1 - jnp.tanh((z - 0.5 * grid.height) / WIDTH))
    void, residual = after(Void.at_rest(flat, QUICK), Load.none(grid), [10.0] * 20, QUICK, grid)
    assert residual < 1e-7
    energy = float(free_energy(void.fraction, QUICK, grid)) / grid.area
    assert energy == pytest.approx(float(ZHAO_2022.surface_energy), rel=1e-3)
    steepest = float(jnp.max(-jnp.diff(void.fraction[0]))) / grid.spacing[1]
    assert 0.5 / steepest == pytest.approx(WIDTH, rel=0.01)
    assert float(jnp.max(jnp.abs(void.fraction - flat))) < 5e-3


@pytest.mark.parametrize("over, stays", [(0.99, True), (1.01, False)])
def test_lithium_loses_its_hold_at_a_supersaturation_of_a_third_of_a_per_cent(over, stays):
    """−w g'/h' is largest at ξ = (8−√10)/6: ln(θ/θ₀) = 0.1766 wΩ/RT = 0.00327, bracketed by 1 %."""
    assert float(ZHAO_2022.limit) == pytest.approx(0.003268, rel=1e-3)
    assert pytest.approx(0.80629, rel=1e-5) == THINNEST
    grid = Grid((2, 2), (WIDTH,) * 2)
    pressing = jnp.asarray(over * ZHAO_2022.limit * ZHAO_2022.stress)

    @jax.jit
    def course():
        def advance(_, fraction):
            return fraction - 20.0 * ZHAO_2022.mobility * pull(fraction, pressing, ZHAO_2022, grid)

        return jax.lax.fori_loop(0, 4000, advance, jnp.ones(grid.shape))

    fraction = float(course()[0, 0])
    assert fraction == pytest.approx(THINNEST, abs=0.05) if stays else fraction < 1e-3
    assert fraction > THINNEST or not stays


@pytest.mark.parametrize("fraction, grows", [(THINNEST + 0.02, False), (THINNEST - 0.02, True)])
def test_thinned_lithium_falls_apart_below_that(fraction, grows):
    """Half a wave over 26 µm in lithium that is a little fuller decays; in one a little thinner it grows."""
    grid = Grid((2, 64), (WIDTH * 0.8,) * 2)
    wave = 1e-3 * jnp.cos(jnp.pi * (jnp.arange(64) + 0.5) / 64) + jnp.zeros(grid.shape)
    x = fraction
    excess = 2 * (1 - x) * (2 * x - 1) / (4 * x**2 - 9 * x + 6) * QUICK.well / QUICK.stress
    start = fraction + wave
    void = Void(start, jnp.full(grid.shape, excess), held(start, jnp.full(grid.shape, excess), QUICK))
    void, _ = after(void, Load.none(grid), [100.0] * 2, QUICK, grid)
    later, _ = after(void, Load.none(grid), [100.0] * 10, QUICK, grid)
    assert bool(jnp.std(later.fraction) > jnp.std(void.fraction)) == grows


@pytest.mark.slow
def test_a_round_void_draws_sites_by_its_curvature():
    """Around a groove of 6 µm at rest ln(θ/θ₀) = γΩ/RTr, within 3 %."""
    grid = Grid((64, 32), (0.8 * WIDTH,) * 2)
    steps = [100.0] * 6 + [1000.0] * 14 + [5000.0] * 6
    void, residual = after(Void.at_rest(groove(grid, 6e-6), QUICK), Load.none(grid), steps, QUICK, grid)
    radius = math.sqrt(2 * float(jnp.sum(void.fraction < 0.5)) * grid.cell_volume / math.pi)
    expected = float(ZHAO_2022.surface_energy / ZHAO_2022.stress) / radius
    assert residual < 1e-7
    assert float(void.excess[0, 0]) == pytest.approx(expected, rel=0.03)


def test_what_is_stripped_comes_from_thinned_lithium_first():
    """A full column: μ of its surface rises as √t, as a diffusion with 2wΩ/RT D has it, within 1 %."""
    grid = Grid((2, 160), (WIDTH,) * 2)
    current, dt, num_steps = -0.02, 60.0, 60
    load = Load(plated(jnp.full(2, current), QUICK, grid), *[jnp.zeros(grid.shape)] * 2)
    void, _ = after(Void.at_rest(jnp.ones(grid.shape), QUICK), load, [dt] * num_steps, QUICK, grid)
    spread = math.sqrt(QUICK.thinning_diffusivity * dt * num_steps)
    z = np.asarray(grid.height - grid.cell_centres()[1, 0]) / (2 * spread)
    integral = np.exp(-(z**2)) / math.sqrt(math.pi) - z * np.asarray(jax.scipy.special.erfc(z))
    drained = -current * QUICK.molar_volume / FARADAY
    expected = drained / QUICK.diffusivity * 2 * spread * integral
    np.testing.assert_allclose(void.excess[0], expected, atol=0.01 * expected.max())


@pytest.mark.parametrize("mean", [0.0, -1.0, 1.0])
def test_only_current_takes_lithium(mean):
    """Without one none goes, to round-off; with one Faraday's share, within 1e-8. All is in ξ and θ but for 1e-7."""
    grid = Grid((64, 32), (0.8 * WIDTH,) * 2)
    start, potential, worst = Void.at_rest(groove(grid, 5e-6), ZHAO_2022), jnp.zeros((64, 64)), 0.0
    void = start
    for _ in range(4):
        void, potential, density, residual = WITH_CURRENT(void, potential, jnp.asarray(mean), ZHAO_2022, grid)
        worst = max(worst, float(residual))
    gained = float(jnp.sum(void.lithium - start.lithium)) * grid.cell_volume
    expected = 400.0 * mean * ZHAO_2022.molar_volume / FARADAY * grid.area
    assert worst < 1e-7
    assert gained == pytest.approx(expected, rel=1e-8, abs=1e-14 * grid.area * grid.height)
    assert float(jnp.linalg.norm(held(void.fraction, void.excess, ZHAO_2022) - void.lithium)) < 1e-7
    if mean:
        assert float(jnp.max(density / mean)) > 1.5


def test_the_step_is_of_first_order():
    """Half the step, half the error, within 15 %: a groove that shrinks under its own curvature and a current."""
    grid = Grid((32, 16), (WIDTH,) * 2)
    start = Void.at_rest(groove(grid, 4e-6), ZHAO_2022)
    beside = jnp.abs(jnp.arange(32) - 15.5) > 12
    load = Load(plated(-1.0 * beside, ZHAO_2022, grid), *[jnp.zeros(grid.shape)] * 2)
    ends = [after(start, load, [800.0 / n] * n, ZHAO_2022, grid)[0].fraction for n in (8, 16, 32)]
    coarse, fine = (float(jnp.linalg.norm(a - b)) for a, b in zip(ends[:-1], ends[1:], strict=True))
    assert coarse / fine == pytest.approx(2.0, rel=0.15)


def test_current_crowds_at_a_contact_as_conformal_mapping_says():
    """Every second strip conducts: its resistance is (2/π) ln 1/sin πf/2 = 0.2206 half periods, f = ½, within 2 %.

    The edges are singular, the error of first order: twice the finer grid less the coarser.
    """
    found = []
    for n in (64, 128):
        grid = Grid((n, 8), (1e-6, 1e-6))
        fraction = jnp.ones(grid.shape).at[n // 4 : 3 * n // 4].set(0.0)
        current = eqx.filter_jit(current_through)(fraction, jnp.asarray(1.0), jnp.zeros((n, n + 8)), ZHAO_2022, grid)
        plain = n * 1e-6 / ZHAO_2022.electrolyte_conductivity
        found.append(float(current.voltage - plain) * ZHAO_2022.electrolyte_conductivity / (0.5 * n * 1e-6))
        assert float(jnp.mean(current.density)) == pytest.approx(1.0, rel=1e-8)
    assert 2 * found[1] - found[0] == pytest.approx(0.2206, rel=0.02)
    assert found[1] == pytest.approx(0.2206, rel=0.06)


BOX, BOTH = Grid((32, 16), (WIDTH,) * 2), Grid((32, 32), (WIDTH,) * 2)
SOLIDS = Solids.of_zhao_2022()


@eqx.filter_jit
def pressed_for(pressed, fraction, pressure, dt):
    """Ten steps under pressure: both solids, what closed in the last, what the plate came down by, worst residual."""

    def advance(pressed, _):
        later, report = press(pressed, fraction, pressure, dt, SOLIDS, BOX)
        return later, (later.closed - pressed.closed, -later.motion[1], report.residual)

    pressed, (closed, down, residuals) = jax.lax.scan(advance, pressed, None, 10)
    return pressed, closed[-1], down[-1], jnp.max(residuals)


def test_pressure_on_full_lithium_is_hydrostatic_once_it_has_crept():
    """Between walls that slide σ = −P in all directions within 5 %, and so ψ = P²/2K and s."""
    pressure, fraction = 0.6e6, jnp.ones(BOX.shape)
    at_rest = Pressed.at_rest(SOLIDS, BOTH)
    pressed, _, _, residual = pressed_for(at_rest, fraction, jnp.asarray(pressure), jnp.asarray(1e8))
    assert float(residual) < 1e-6
    np.testing.assert_allclose(pressed.lithium[:3, :, :16], -pressure, rtol=0.05)
    load = pressed.load(jnp.zeros(BOX.shape), SOLIDS, ZHAO_2022, fraction)
    np.testing.assert_allclose(load.energy, pressure**2 / (2 * 4.9e9 / (3 * (1 - 2 * 0.38))), rtol=0.1)
    np.testing.assert_allclose(load.drift, -(13.1e-6 - 6e-6) * pressure / (8.314462618 * 298), rtol=0.05)


def test_pressure_closes_a_void_by_creep():
    """What closes is what the plate comes down by, within 5 %; twice the pressure closes 2⁵ to 2⁷ times as fast."""
    fraction, speeds = groove(BOX, 4e-6), []
    for pressure in (0.6e6, 1.2e6):
        at_rest, dt = Pressed.at_rest(SOLIDS, BOTH), 100.0 * (0.6e6 / pressure) ** 6
        pressed, closed, down, residual = pressed_for(at_rest, fraction, jnp.asarray(pressure), jnp.asarray(dt))
        assert float(residual) < 1e-6
        assert float(closed) == pytest.approx(float(down) * BOX.area, rel=0.05)
        speeds.append(float(closed) / dt)
    assert 5.0 < math.log2(speeds[1] / speeds[0]) < 7.0


TIGHT = Newton(tolerance=1e-12, most_steps=25, forcing=(1e-6, 1e-2), adjoint_tolerance=1e-11, prepares_anew=True)


@pytest.mark.parametrize(
    "name, reverse",
    [
        ("mobility", False),
        *(pytest.param(n, True, marks=pytest.mark.slow) for n in ("mobility", "diffusivity", "well")),
    ],
)
def test_derivatives_through_steps_of_charge_and_void(name, reverse):
    """Of Σξ² after two steps, in forward or reverse mode, against a central difference, to 1e-5."""
    grid = Grid((16, 8), (WIDTH,) * 2)

    @jax.jit
    def outcome(value):
        constants = eqx.tree_at(lambda c: getattr(c, name), ZHAO_2022, value)

        def advance(carry, _):
            void, potential, *_ = stripped(*carry, jnp.asarray(-1.0), constants, grid, TIGHT)
            return (void, potential), None

        start = Void.at_rest(groove(grid, 2.5e-6), constants)
        (void, _), _ = jax.lax.scan(advance, (start, jnp.zeros((16, 16))), None, 2)
        return jnp.sum(void.fraction**2)

    value = jnp.asarray(getattr(ZHAO_2022, name))
    slope = (jax.jacrev if reverse else jax.jacfwd)(outcome)(value)
    part = 1e-3 * value
    ends = [float(outcome(value + k * part)) for k in (-2, -1, 1, 2)]
    difference = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * float(part))
    assert float(slope) == pytest.approx(difference, rel=1e-5)
