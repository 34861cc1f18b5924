"""Where the surface is: normals, curvature, area, and the dyad of the normal."""

import jax.numpy as jnp
import numpy as np
import pytest

from cells import random
from interphase.grid.grid import Grid
from interphase.physics.interface import (
    REACH,
    Look,
    area_density,
    between_cells,
    curvature,
    distance,
    dyad,
    face_normals,
    normal,
    unit,
)
from interphase.physics.start import step_down

CIRCLE = Grid((64, 64), (1.0, 1.0))
SPHERE = Grid((48, 48, 48), (1.0, 1.0, 1.0))
RADIUS = 14.0
SPREAD = (np.pi / RADIUS) ** 2 / 3  # by how much a diffuse sphere's area, that of r² + π²w²/3, exceeds a sharp one's


def ball(grid, radius=RADIUS, width=1.0, centre=0.2):
    """A disc or ball a little off the middle of the box: its fraction, and the distance outside it."""
    offset = grid.cell_centres() - jnp.asarray(grid.shape).reshape(-1, *[1] * grid.dim) / 2 - centre
    outside = jnp.sqrt(jnp.sum(offset**2, axis=0)) - radius
    return step_down(outside, width), outside, offset


@pytest.mark.parametrize("grid, curvatures", [(CIRCLE, 1), (SPHERE, 2)])
@pytest.mark.parametrize("sign", [1, -1])
def test_curvature_of_cylinder_and_sphere(grid, curvatures, sign):
    """K is 1/r and 2/r at its place, within 1 % near the surface; negative where the phase is around a hollow."""
    fraction, outside, _ = ball(grid)
    computed = curvature(fraction if sign == 1 else 1 - fraction, 1.0, grid)
    near = np.asarray(jnp.abs(outside) < 1.0)
    exact = sign * curvatures / (RADIUS + outside)
    np.testing.assert_allclose(np.asarray(computed)[near], np.asarray(exact)[near], rtol=0.01)
    mean = float(jnp.sum(computed * area_density(fraction, grid)) / jnp.sum(area_density(fraction, grid)))
    spread = SPREAD if grid.dim == 3 else 0.0
    assert 0.99 / (1 + spread) <= mean * sign * RADIUS / curvatures <= 1.01


@pytest.mark.parametrize("grid, area", [(CIRCLE, 2 * np.pi * RADIUS), (SPHERE, 4 * np.pi * RADIUS**2)])
def test_area_density_integrates_to_the_area(grid, area):
    """Within 0.5 % for a circle and a sphere of fourteen cells' radius, of a diffuse sphere no more than its spread."""
    fraction, _, _ = ball(grid)
    spread = SPREAD if grid.dim == 3 else 0.0
    assert 0.995 <= float(jnp.sum(area_density(fraction, grid))) / area <= 1.005 + spread


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.77])
def test_area_of_a_flat_surface_is_exact(offset):
    """Wherever it lies in a cell."""
    grid = Grid((4, 40), (1.0, 1.0))
    fraction = step_down(grid.cell_centres()[1] - 20 - offset, 1.0)
    assert float(jnp.sum(area_density(fraction, grid))) / 4 == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("grid", [CIRCLE, SPHERE])
def test_normals_point_out_of_the_phase(grid):
    """Radial within 1e-2 near the surface, in cells and at faces, of length one, and zero far away."""
    fraction, outside, offset = ball(grid)
    radial = offset / jnp.sqrt(jnp.sum(offset**2, axis=0))
    near, far = np.asarray(jnp.abs(outside) < 2.0), np.asarray(jnp.abs(outside) > 4 * REACH)
    computed = np.asarray(normal(fraction, 1.0, grid))
    np.testing.assert_allclose(computed[:, near], np.asarray(radial)[:, near], atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(computed[:, near], axis=0), 1.0, atol=1e-2)
    if far.any():
        assert np.abs(computed[:, far]).max() < 1e-2
    for at_faces in face_normals(fraction, 1.0, grid):
        np.testing.assert_allclose(np.linalg.norm(np.asarray(at_faces)[:, near], axis=0), 1.0, atol=1e-2)


def test_distance_is_the_distance_and_saturates():
    """ψ within 1 % up to four widths from the surface, positive inside, never beyond `REACH` widths."""
    grid, width = Grid((1, 200), (1.0, 1.0)), 1.3
    inside = 100.0 - grid.cell_centres()[1]
    computed = distance(step_down(-inside, width), width)
    near = np.asarray(jnp.abs(inside) < 4 * width)
    np.testing.assert_allclose(np.asarray(computed)[near], np.asarray(inside)[near], rtol=0.01)
    assert float(jnp.max(jnp.abs(computed))) <= REACH * width
    assert float(jnp.min(jnp.diff(computed[0]))) <= 0 and float(jnp.max(jnp.diff(computed[0]))) <= 1e-12


@pytest.mark.parametrize("grid", [CIRCLE, SPHERE])
def test_dyad_has_trace_one(grid):
    """Everywhere, also where there is no normal; along a unit normal it is n⊗n."""
    fraction, outside, _ = ball(grid)
    outward = normal(fraction, 1.0, grid)
    components = dyad(outward, grid)
    assert components.shape[0] == (4 if grid.dim == 2 else 6)
    np.testing.assert_allclose(jnp.sum(components[:3], axis=0), 1.0, atol=1e-14)
    n = np.zeros((grid.dim, *[1] * grid.dim))
    n[0], n[-1] = 0.6, 0.8
    pair = grid.pairs.index((-grid.dim, -1))
    exact = np.ravel(dyad(jnp.asarray(n), Grid((1,) * grid.dim, (1.0,) * grid.dim)))
    np.testing.assert_allclose([exact[0], exact[grid.dim - 1], exact[3 + pair]], [0.36, 0.64, 0.48], atol=1e-14)


def test_unit_fades_with_its_vector():
    """Length one for slopes of one, zero without a direction, and nowhere above one."""
    vector = random(0, 2, 50) * jnp.geomspace(1e-6, 1e3, 50)
    length = jnp.linalg.norm(unit(vector), axis=0)
    size = jnp.linalg.norm(vector, axis=0)
    assert float(jnp.max(length)) <= 1 + 1e-12
    np.testing.assert_allclose(np.asarray(length)[np.asarray(size) > 0.9], 1.0, atol=1e-4)
    assert float(jnp.max(jnp.where(size < 1e-3, length, 0.0))) < 1e-2
    assert not np.any(unit(jnp.zeros((2, 3))))


def test_look_collects_them():
    """The look at a surface is distance, normal, dyad, area and curvature of one fraction."""
    fraction, _, _ = ball(CIRCLE)
    look = Look.at(fraction, 1.0, CIRCLE)
    np.testing.assert_array_equal(look.area, area_density(fraction, CIRCLE))
    np.testing.assert_array_equal(look.direction, dyad(look.normal, CIRCLE))
    assert float(jnp.vdot(look.curvature, look.area)) > 0


@pytest.mark.parametrize("grid", [CIRCLE, SPHERE])
def test_every_cell_finds_its_place_on_the_surface(grid):
    """From up to four widths away, where motion has left the foot of the profile a tenth of a cell off its place.

    Within what linear interpolation makes of a curved ψ, K h²/8, and 0.003 cells.
    """
    _, outside, offset = ball(grid)
    left_behind = outside + 0.1 * (1 - jnp.exp(-((outside / 3) ** 2)))
    look = Look.at(step_down(left_behind, 1.0), 1.0, grid)
    foot = look.nearest + 0.5 - jnp.asarray(grid.shape).reshape(-1, *[1] * grid.dim) / 2 - 0.2
    radius = np.asarray(jnp.sqrt(jnp.sum(foot**2, axis=0)))
    near = np.abs(np.asarray(outside)) < 4.0
    np.testing.assert_allclose(radius[near], RADIUS, atol=(grid.dim - 1) / RADIUS / 8 + 0.003)
    same_ray = jnp.sum(foot * offset, axis=0) / (radius * jnp.linalg.norm(offset, axis=0))
    assert float(jnp.min(same_ray[near])) > 0.999


def test_between_cells_is_linear_periodic_in_plane_and_constant_beyond_the_walls():
    grid = Grid((4, 3), (1.0, 1.0))
    values = jnp.arange(12.0).reshape(1, 4, 3)
    places = jnp.asarray([[0.5, 3.5, -1.0, 1.0], [1.25, 0.0, 7.0, -2.0]])
    places = jnp.broadcast_to(places[:, :, None], (2, 4, 3))
    expected = [0.5 * (1.25 + 4.25), 0.5 * (9.0 + 0.0), 11.0, 3.0]
    np.testing.assert_allclose(between_cells(values, places, grid)[0, :, 0], expected)
