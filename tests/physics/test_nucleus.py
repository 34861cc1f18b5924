"""The phase field of one nucleus: its energy, critical radius and contact angle, and benchmark 8a."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.grid.grid import Grid
from interphase.materials.substrate import Site
from interphase.physics.nucleation import share_of_ball
from interphase.physics.nucleus import Nucleus, ball, linear_mobility
from interphase.units import FARADAY, GAS_CONSTANT

ENERGY = 0.5  # of the surface [J/m²]; lengths in nm


def nucleus(grid, width, driving=0.0, degrees=90.0, **options):
    numbers = (ENERGY, width, driving, 1.0, np.deg2rad(degrees))
    return Nucleus(grid, *map(jnp.asarray, numbers), **options)


@eqx.filter_jit
def relaxed(model, fraction, num_steps):
    return model.relaxed(fraction, num_steps * model.stable_step, num_steps)


def test_a_flat_interface_has_its_energy_and_width():
    """γ within a hundredth of a per cent with four cells a width, and the profile stays."""
    grid = Grid((2, 64), (0.25, 0.25))
    model = nucleus(grid, width=1.0)
    profile = jnp.broadcast_to(0.5 * (1 - jnp.tanh(grid.cell_centres()[1] - 8.0)), grid.shape)
    assert float(model.energy(profile)) / grid.area == pytest.approx(ENERGY, rel=1e-4)
    assert float(jnp.max(jnp.abs(relaxed(model, profile, 200) - profile))) < 1e-3


def test_a_driven_front_runs_as_fast_as_it_should():
    """3λMg, which is Butler and Volmer near equilibrium."""
    grid = Grid((2, 128), (0.25, 0.25))
    model = nucleus(grid, width=1.0, driving=0.02)
    front = jnp.broadcast_to(0.5 * (1 - jnp.tanh(grid.cell_centres()[1] - 8.0)), grid.shape)
    steps = 2000
    far = relaxed(model, front, steps)
    speed = (jnp.sum(far) - jnp.sum(front)) * grid.cell_volume / grid.area / (steps * model.stable_step)
    assert float(speed) == pytest.approx(3 * 0.02, rel=5e-3)
    site = Site(*map(jnp.asarray, (1.0, 1e19, 0.5, 13e-6, 70.6, 0.5, 298.15)))
    mobility, pressure, width = float(linear_mobility(site, 1e-9)), 1e5, 1e-9
    current = 70.6 * pressure * 13e-6 / (GAS_CONSTANT * 298.15)
    assert 3 * width * mobility * pressure == pytest.approx(current * 13e-6 / FARADAY, rel=1e-9)


def test_the_speed_is_downhill():
    """−M times the gradient of the discrete energy; a held volume is held, and the energy falls."""
    grid = Grid((12, 10), (0.3, 0.25))
    model = nucleus(grid, width=0.6, driving=0.7, degrees=50.0)
    fraction = ball(grid, 1.0, 0.6, (1.8, 0.2))
    rate = model.speed(fraction)
    np.testing.assert_allclose(rate, -jax.grad(model.energy)(fraction) / grid.cell_volume, rtol=1e-9, atol=1e-12)
    held = nucleus(grid, width=0.6, degrees=50.0, holds_volume=True)
    later = relaxed(held, fraction, 100)
    assert float(held.volume(later)) == pytest.approx(float(held.volume(fraction)), rel=1e-3)
    assert float(held.surface_part(later)) < float(held.surface_part(fraction))


DRIVING = FARADAY * 0.1 / 13e-6 * 1e-9  # 0.1 V [J/m² per nm]


@eqx.filter_jit
def gained(model, fraction):
    """Volume gained once the interface has come to rest."""
    rested = model.relaxed(fraction, 40 * model.stable_step, 40)
    later = model.relaxed(rested, 160 * model.stable_step, 160)
    return model.volume(later) - model.volume(rested)


@pytest.mark.parametrize("dim, critical", [(2, 0.674), pytest.param(3, 1.347, marks=pytest.mark.slow)])
def test_the_critical_radius_is_bracketed(dim, critical):
    """At 0.1 V and 0.5 J/m²: 7 % above it grows, 7 % below it shrinks; in 2-D the same within 1 %."""
    width = critical / 4
    half, h = 28, width / 2
    grid = Grid((2 * half,) * (dim - 1) + (half,), (h,) * dim)
    model = nucleus(grid, width, DRIVING)
    centre = (half * h,) * (dim - 1) + (0.0,)
    for share in (0.07, 0.01) if dim == 2 else (0.07,):
        assert float(gained(model, ball(grid, (1 + share) * critical, width, centre))) > 0
        assert float(gained(model, ball(grid, (1 - share) * critical, width, centre))) < 0


def drop(dim, degrees, radius, width=0.5, h=0.25):
    """A cap that came to rest on a wall: its contact angle [°], and the share of a ball's energy that it has."""
    angle = np.deg2rad(degrees)
    half = int(np.ceil((1.25 * radius + 4 * width) / h))
    high = int(np.ceil((1.15 * radius * (1 - np.cos(angle)) + 5 * width) / h))
    grid = Grid((2 * half,) * (dim - 1) + (high,), (h,) * dim)
    model = nucleus(grid, width, degrees=degrees, holds_volume=True)
    centre = (half * h,) * (dim - 1) + (-radius * np.cos(angle),)
    fraction = relaxed(model, ball(grid, radius, width, centre), 800)
    volume = float(model.volume(fraction))
    whole = 2 * np.sqrt(np.pi * volume) if dim == 2 else np.cbrt(36 * np.pi) * volume ** (2 / 3)
    share = (float(model.surface_part(fraction)) / (ENERGY * whole)) ** dim
    # A circle through the half level of the middle plane; near the wall the interface is met by its own tail.
    plane = np.asarray(fraction if dim == 2 else fraction[:, half])[half:]
    points = []
    for k in range(high):
        column = plane[:, k]
        for j in np.flatnonzero((column[:-1] > 0.5) & (column[1:] <= 0.5)):
            points.append(((j + 0.5 + (column[j] - 0.5) / (column[j] - column[j + 1])) * h, (k + 0.5) * h))
    x, z = np.array([p for p in points if p[1] > 1.5 * width]).T
    (middle, rest), *_ = np.linalg.lstsq(np.stack([2 * z, np.ones_like(z)], axis=1), x**2 + z**2)
    return np.rad2deg(np.arccos(-middle / np.sqrt(rest + middle**2))), share


@pytest.mark.parametrize(
    "dim, degrees, radius",
    [
        (2, 60, 10.0),
        (2, 90, 8.0),
        (2, 120, 8.0),
        pytest.param(3, 60, 8.0, marks=pytest.mark.slow),
        pytest.param(3, 90, 6.0, marks=pytest.mark.slow),
    ],
)
def test_a_drop_rests_at_youngs_angle_and_has_its_share_of_energy(dim, degrees, radius):
    """Within 2°; f(θ) within 3 %, of a ball's energy to the power of dim, which a barrier goes with."""
    angle, share = drop(dim, degrees, radius)
    assert angle == pytest.approx(degrees, abs=2.0)
    expected = float(share_of_ball(jnp.deg2rad(float(degrees)), dim))
    assert share == pytest.approx(expected, rel=0.03)


@functools.partial(jax.jit, static_argnums=(0, 2))
def benchmark(cells, share, time):
    """PFHub 8a: area fraction at the start and after `time`."""
    h = 100.0 / cells
    grid = Grid((cells // 2, cells // 4), (h, h))  # what is near the nucleus
    numbers = (1 / (3 * np.sqrt(2)), np.sqrt(2), np.sqrt(2) / 30, 1.0, np.pi / 2)
    model = Nucleus(grid, *map(jnp.asarray, numbers))
    fraction = ball(grid, share * 5.0, np.sqrt(2), (25.0, 0.0))
    later = model.relaxed(fraction, float(time), int(np.ceil(time / (0.15 * h**2))))
    return jnp.stack([jnp.mean(fraction), jnp.mean(later)]) / 4, 8 * model.energy(fraction) / 4


def test_a_hundredth_decides_in_benchmark_8a():
    """At 0.99 r* the nucleus shrinks and at 1.01 r* it grows; areas within 1 % of twice the resolution."""
    (start, below), energy = benchmark(200, 0.99, 50)
    (_, above), _ = benchmark(200, 1.01, 50)
    assert float(below) < float(start)
    assert float(above) > 1.01 * float(start)
    assert [float(start), float(below), float(above)] == pytest.approx([0.0082142, 0.0070007, 0.0094428], rel=5e-3)
    assert float(energy) == pytest.approx(3.6435, rel=1e-3)
