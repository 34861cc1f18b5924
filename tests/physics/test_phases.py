"""Carried phases: conservation to round-off, the tanh profile, drift within the interface, advection and rotation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import random
from interphase.grid.grid import Grid
from interphase.grid.stencils import divergence
from interphase.physics.interface import area_density, counted, normal, on_faces
from interphase.physics.phases import STABLE_SHARPENING, advected, cell_velocity, extended, rotated, transport
from interphase.physics.start import step_down

GRIDS = [Grid((24, 20), (1.0, 1.0)), Grid((10, 12, 14), (1.0, 1.2, 1.0))]
FAST_FIRST = [GRIDS[0], pytest.param(GRIDS[1], marks=pytest.mark.slow)]


def swirl(grid):
    """A velocity of the order of one that leaves no wall."""
    x = grid.cell_centres()
    period = x[0] / (grid.shape[0] * grid.spacing[0])
    velocity = jnp.stack([0.5 + 0.3 * jnp.sin(2 * jnp.pi * period)] * grid.dim)
    return velocity.at[-1, ..., 0].set(0.0)


def still(grid):
    return jnp.zeros((grid.dim, *grid.shape))


@pytest.mark.parametrize("grid", FAST_FIRST)
def test_every_fraction_is_conserved_to_round_off(grid):
    """Sharpening, drift and velocity move volume but make none; a source adds exactly its integral."""
    centre = grid.cell_centres()
    metal = step_down(centre[-1] - 6 - jnp.sin(centre[0]), 1.0)
    film = step_down(centre[-1] - 9 - jnp.sin(centre[0]), 1.0) - metal
    source = 0.2 * area_density(metal, grid)
    dt = jnp.asarray(0.05)
    moved = transport(
        {"lithium": metal, "coating": film},
        swirl(grid),
        jnp.asarray(0.0),
        on_faces(0.2 * counted(metal) * normal(metal, 1.0, grid), grid),
        source,
        jnp.asarray(1.0),
        dt,
        1.0,
        grid,
        4,
    )
    assert float(jnp.max(jnp.abs(moved["coating"] - film))) > 1e-3
    assert float(jnp.sum(moved["coating"]) / jnp.sum(film)) == pytest.approx(1.0, abs=1e-13)
    gained = float(jnp.sum(moved["lithium"] - metal))
    assert gained == pytest.approx(float(jnp.sum(source) * dt), rel=1e-10)


def test_what_the_plate_pushes_out_is_what_is_lost():
    """A rising upper wall carries material out; the loss is the flux of the highest cells."""
    grid = Grid((4, 12), (1.0, 1.0))
    metal = jnp.full(grid.shape, 0.7)
    dt = jnp.asarray(1e-3)
    moved = transport(
        {"lithium": metal},
        still(grid),
        jnp.asarray(2.0),
        still(grid),
        jnp.zeros(grid.shape),
        jnp.asarray(0.0),
        dt,
        1.0,
        grid,
        1,
    )["lithium"]
    assert float(jnp.sum(metal - moved)) == pytest.approx(4 * 2.0 * 0.7 * 1e-3, rel=5e-3)


def thickness(fraction, grid):
    """Interface width of a tanh profile: ∫f(1−f) over its area."""
    inside = jnp.clip(fraction, 0.0, 1.0)
    return float(jnp.sum(inside * (1 - inside)) / jnp.sum(area_density(fraction, grid)))


@pytest.mark.parametrize("width", [1.0, pytest.param(1.5, marks=pytest.mark.slow)])
def test_a_disc_keeps_its_profile_while_it_moves(width):
    """Carried once through the box a disc keeps its place to a fifth of a cell, its width to 5 %, and its bounds."""
    grid = Grid((48, 48), (1.0, 1.0))
    offset = grid.cell_centres() - 24.0
    disc = step_down(jnp.sqrt(jnp.sum(offset**2, axis=0)) - 12.0, width)
    velocity = still(grid).at[0].set(1.0)
    strength = jnp.asarray(2.0)
    dt = 4 * STABLE_SHARPENING / (2.0 * width)
    steps = round(48.0 / dt)

    def move(f, _):
        return transport(
            {"lithium": f},
            velocity,
            jnp.asarray(0.0),
            still(grid),
            jnp.zeros(grid.shape),
            strength,
            jnp.asarray(48.0 / steps),
            width,
            grid,
            4,
        )["lithium"], None

    moved, _ = jax.jit(lambda f: jax.lax.scan(move, f, None, steps))(disc)
    assert float(jnp.sum(moved)) == pytest.approx(float(jnp.sum(disc)), rel=1e-12)
    angle = 2 * jnp.pi * grid.cell_centres()[0] / 48
    turned = jnp.sum(moved * jnp.exp(1j * angle)) / jnp.sum(disc * jnp.exp(1j * angle))
    assert abs(float(jnp.angle(turned)) * 48 / (2 * np.pi)) < 0.2
    assert thickness(disc, grid) == pytest.approx(width, rel=0.01)
    assert thickness(moved, grid) == pytest.approx(width, rel=0.05)
    assert float(jnp.min(moved)) > -1e-3 and float(jnp.max(moved)) < 1 + 1e-3


def sharpened(profile, grid, times):
    """A profile left to the sharpening flux alone for some time of a cell's width each."""

    def sharpen(f, _):
        return transport(
            {"lithium": f},
            still(grid),
            jnp.asarray(0.0),
            still(grid),
            jnp.zeros(grid.shape),
            jnp.asarray(1.0),
            jnp.asarray(0.4),
            1.0,
            grid,
            4,
        )["lithium"], None

    return jax.jit(lambda f: jax.lax.scan(sharpen, f, None, times)[0])(profile)


def test_a_resting_profile_stays():
    """Sharpening alone leaves a flat tanh profile where it is."""
    grid = Grid((2, 40), (1.0, 1.0))
    profile = step_down(grid.cell_centres()[1] - 20.3, 1.0)
    assert float(jnp.max(jnp.abs(sharpened(profile, grid, 20) - profile))) < 0.02


def test_sharpening_restores_a_blurred_profile():
    """A profile three times too wide comes back to its width."""
    grid = Grid((2, 60), (1.0, 1.0))
    blurred = step_down(grid.cell_centres()[1] - 30.3, 3.0)
    assert thickness(blurred, grid) == pytest.approx(3.0, rel=0.05)
    assert thickness(sharpened(blurred, grid, 200), grid) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("thickness", [6, 10])
def test_plating_lifts_a_coating_and_leaves_nothing_behind(thickness):
    """Lithium growing by twenty cells under a coating lifts all of it, by twenty cells, and the two do not overlap."""
    grid, width, speed = Grid((2, 80), (1.0, 1.0)), 1.0, 1.0
    height = grid.cell_centres()[1]
    metal = step_down(height - 15, width)
    film = step_down(height - 15 - thickness, width) - metal
    substeps, dt = 4, 0.15
    steps = round(20 / dt)

    def move(carry, _):
        metal, film = carry
        area = area_density(metal, grid)
        lifted = jnp.cumsum(area, axis=1) * speed
        velocity = still(grid).at[1, :, 1:].set(lifted[:, :-1])
        moved = transport(
            {"lithium": metal, "coating": film},
            velocity,
            lifted[0, -1],
            on_faces(speed * counted(metal) * normal(metal, width, grid), grid),
            speed * area,
            jnp.asarray(2.0 * speed),
            jnp.asarray(20 / steps),
            width,
            grid,
            substeps,
        )
        return (moved["lithium"], moved["coating"]), None

    (grown, carried), _ = jax.jit(lambda c: jax.lax.scan(move, c, None, steps))((metal, film))
    assert float(jnp.sum(grown - metal)) / 2 == pytest.approx(20.0, rel=1e-3)
    assert float(jnp.sum(carried)) == pytest.approx(float(jnp.sum(film)), rel=1e-6)  # its far tail leaves at the top
    left_behind = float(jnp.sum(jnp.where(height < 29, carried, 0.0)) / jnp.sum(film))
    assert abs(left_behind) < 1e-3
    centre = float(jnp.sum(height * carried) / jnp.sum(carried))
    assert centre == pytest.approx(35.0 + thickness / 2, abs=0.01)
    assert float(jnp.sum(jnp.maximum(grown + carried - 1, 0.0))) / 2 < 1e-3


def test_cell_velocity_is_the_mean_of_the_faces():
    """With the plate's speed on the upper wall; its divergence theorem holds."""
    grid = GRIDS[0]
    faces = random(0, 2, *grid.shape).at[-1, ..., 0].set(0.0)
    cells = cell_velocity(faces, jnp.asarray(0.7), grid)
    np.testing.assert_allclose(cells[0], 0.5 * (faces[0] + jnp.roll(faces[0], -1, 0)), atol=1e-15)
    np.testing.assert_allclose(cells[1][:, -1], 0.5 * (faces[1][:, -1] + 0.7), atol=1e-15)
    assert float(jnp.sum(divergence(faces, grid, above=0.7))) == pytest.approx(0.7 * 24, abs=1e-11)


def test_advection_keeps_constants_and_components():
    """A uniform property stays; every component moves as it would alone."""
    grid = GRIDS[0]
    velocity = 0.3 * random(0, 2, *grid.shape)
    np.testing.assert_allclose(
        advected(jnp.full((2, *grid.shape), 3.0), velocity, jnp.asarray(0.5), grid), 3.0, rtol=1e-14
    )
    q = random(1, 2, *grid.shape)
    together = advected(q, velocity, jnp.asarray(0.1), grid)
    np.testing.assert_allclose(together[1], advected(q[1], velocity, jnp.asarray(0.1), grid), atol=1e-14)


def test_advection_goes_with_the_velocity():
    """A wave carried by one cell arrives one cell further."""
    grid = Grid((64, 2), (1.0, 1.0))
    wave = jnp.sin(2 * jnp.pi * grid.cell_centres()[0] / 64)
    q = wave
    for _ in range(10):
        q = advected(q, still(grid).at[0].set(1.0), jnp.asarray(0.1), grid)
    np.testing.assert_allclose(q, jnp.roll(wave, 1, 0), atol=1e-4)


def test_properties_are_extended_beyond_their_phase():
    """A uniform property reaches two cells past a sharp edge with its value; inside it stays; far away it is zero."""
    grid = Grid((4, 20), (1.0, 1.0))
    fraction = jnp.zeros(grid.shape).at[:, :10].set(1.0)
    spread = extended(5.0 * fraction, fraction, jnp.asarray(1.0), grid)
    np.testing.assert_array_equal(extended(5.0 * fraction, fraction, jnp.asarray(0.0), grid), 5.0 * fraction)
    np.testing.assert_allclose(spread[:, :12], 5.0, rtol=1e-3)
    assert not np.any(spread[:, 14:])


def tensor(stress, grid):
    """The full matrices of stress components, grid axes first."""
    dim = grid.dim
    full = np.zeros((*grid.shape, dim, dim))
    for i in range(dim):
        full[..., i, i] = stress[i]
    for k, (a, b) in enumerate(grid.pairs):
        full[..., a, b] = full[..., b, a] = stress[3 + k]
    return full


@pytest.mark.parametrize("dim, axes", [(2, (0, 1)), (3, (0, 1)), (3, (0, 2)), (3, (1, 2))])
def test_rigid_rotation(dim, axes):
    """Stress turns with the material, R σ Rᵀ, and its invariants stay, both up to the square of the angle."""
    grid = Grid((7,) * dim, (1.0, 0.8, 1.2)[-dim:])
    middle = (3,) * dim
    stress = jnp.broadcast_to(
        random(0, 4 if dim == 2 else 6).reshape(-1, *[1] * dim), (4 if dim == 2 else 6, *grid.shape)
    )
    x, (a, b) = grid.cell_centres(), axes
    velocity = still(grid).at[a].set(-x[b]).at[b].set(x[a])  # turns a towards b by one radian per time
    misses, drifts = [], []
    for angle in (2e-2, 1e-2):
        turned = tensor(rotated(stress, velocity, jnp.asarray(angle), grid), grid)[middle]
        before = tensor(stress, grid)[middle]
        rotation = np.eye(dim)
        rotation[a, a] = rotation[b, b] = np.cos(angle)
        rotation[a, b], rotation[b, a] = -np.sin(angle), np.sin(angle)
        misses.append(np.abs(turned - rotation @ before @ rotation.T).max())
        drifts.append(abs(np.sum(turned**2) - np.sum(before**2)))
        assert np.trace(turned) == pytest.approx(np.trace(before), abs=1e-13)
    np.testing.assert_allclose(np.log2(np.asarray([misses[0] / misses[1], drifts[0] / drifts[1]])), 2.0, atol=0.2)
