"""Nuclei on a bare collector at the start: volume, angle, and the coating that lies on both."""

import jax.numpy as jnp
import numpy as np
import pytest

from cells import coating, drive, layer, make, scales
from interphase.grid.grid import Grid
from interphase.physics.caps import Caps
from interphase.physics.nucleation import measure_of_unit_sphere, share_of_ball
from interphase.physics.start import initial_state, step_down, volume

PERIOD = 512e-9
SPACING = 4e-9


def caps(dim, *angles, radius=120e-9, places=(0.3, 0.8)):
    """Nuclei at places of the diagonal, in shares of the period."""
    centre = jnp.asarray([[place * PERIOD] * (dim - 1) for place in places[: len(angles)]])
    return Caps(jnp.full(len(angles), radius), jnp.radians(jnp.asarray(angles)), centre, (PERIOD,) * (dim - 1))


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("angle", [50.0, 90.0, 130.0])
def test_a_cap_has_its_volume(dim, angle):
    """With what a diffuse surface adds, ½V''(r) π²w²/3 with the centre held."""
    grid, width, radius, theta = (
        Grid((128,) * (dim - 1) + (80,), (1.0,) * dim),
        0.8,
        120e-9 / SPACING,
        np.radians(angle),
    )
    lithium = step_down(caps(dim, angle).distance(grid, SPACING), width)
    sharp = float(share_of_ball(jnp.asarray(theta), dim)) * measure_of_unit_sphere(dim) / dim * radius**dim
    bend = 2 * theta + 2 / np.tan(theta) if dim == 2 else 2 * np.pi * radius * (2 - np.cos(theta))
    expected = sharp + bend * np.pi**2 * width**2 / 6
    assert float(volume(lithium, grid)) * grid.area == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize("angle", [50.0, 90.0, 130.0])
def test_a_cap_meets_the_collector_at_its_angle(angle):
    """To a degree, from the slope of the distance at the contact line."""
    grid = Grid((1024, 4), (1.0, 1.0))
    distance = np.asarray(caps(2, angle).distance(grid, PERIOD / 1024))
    column = int(np.argmin(np.abs(distance[: int(0.3 * 1024), 0])))
    slope = distance[column, 1] - distance[column, 0]
    assert np.degrees(np.arccos(slope)) == pytest.approx(angle, abs=1.0)


def test_nuclei_are_the_same_across_the_seam():
    grid = Grid((128, 80), (1.0, 1.0))
    here = caps(2, 90.0, places=(0.5,)).distance(grid, SPACING)
    there = caps(2, 90.0, places=(0.0,)).distance(grid, SPACING)
    np.testing.assert_allclose(jnp.roll(here, 64, axis=0), there, atol=1e-9)


def test_a_coating_lies_on_nuclei_and_collector_alike():
    """As thick over the crest as far from it, with the same depths, and nothing between it and either."""
    model, _ = make(shape=(128, 128), spacing=SPACING, coat=coating(layer(thickness=80e-9)))
    state = initial_state(model.stack, caps(2, 90.0), drive(), model.width, scales(SPACING), model.grid)
    film, below = np.asarray(state.coating.fraction), np.asarray(state.lithium + state.coating.fraction)
    crest, far = int(0.3 * 128), int(0.8 * 128)
    assert film[far].sum() == pytest.approx(20.0, abs=0.01)
    assert film[crest].sum() == pytest.approx(20.0, abs=0.1)
    assert below[:, 0].min() > 0.999
    assert float(state.coating.depth[far, 8]) == pytest.approx(0.425)
    assert float(state.initial_lithium) == pytest.approx(float(volume(state.lithium, model.grid)))
