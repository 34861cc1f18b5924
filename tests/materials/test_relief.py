"""The solid's face at the start: it meets the share of the lithium it is asked to, stands back as its map says."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.build import build
from interphase.config.load import validated
from interphase.grid.grid import Grid
from interphase.materials.mosaic import random_map
from interphase.materials.relief import LIP, Cracks, Relief, Unevenness

GRID = Grid((64, 64), (1.0, 1.0))
LENGTH = 0.25e-6
WIDTH, DEPTH, CENTRE, MOUTH = 2e-6, 6e-6, 0.5e-6, 5e-6  # across the seam


def cracks() -> Cracks:
    one = lambda value: jnp.asarray([value])  # noqa: E731
    return Cracks(one(WIDTH), one(DEPTH), one(CENTRE), jnp.asarray(MOUTH), period=64 * LENGTH)


@pytest.mark.parametrize("touching", [0.05, 0.3])
def test_a_share_of_the_faces_meets_at_first(touching):
    rough = random_map(jax.random.key(2), (4096,), (1.0,), 4.0)
    pressed = Unevenness.pressed_flat(jnp.asarray(1e-7), rough, touching)
    assert float(jnp.mean(pressed.map == 0)) == pytest.approx(touching, abs=2e-3)
    stands = pressed.map > 0
    np.testing.assert_allclose(jnp.diff(pressed.map[stands]), jnp.diff(rough[stands]), atol=1e-12)


def test_a_crack_has_its_width_depth_and_area():
    across, up = GRID.cell_centres() * LENGTH
    distance = cracks().distances(GRID, LENGTH)[0]
    above = np.asarray((distance < 0) & (up > MOUTH))
    assert np.sum(above[:, 24]) * LENGTH == pytest.approx(WIDTH, abs=LENGTH)
    assert np.max(np.where(above, up, 0)) == pytest.approx(MOUTH + DEPTH, abs=LENGTH)
    area = WIDTH * (DEPTH - WIDTH / 2) + math.pi * WIDTH**2 / 8
    assert np.sum(above) * LENGTH**2 == pytest.approx(area, rel=0.03)
    assert above[0, 30] and above[4, 30] and above[-1, 30] and not above[20, 30]


def test_distances_beside_a_crack_are_those_to_its_walls_tip_and_round_edges():
    """Also below its mouth: there nothing is nearer than an edge. Against points all along the solid's face."""
    across, up = np.asarray(GRID.cell_centres()) * LENGTH
    across = across - CENTRE - 64 * LENGTH * np.round((across - CENTRE) / (64 * LENGTH))
    up = up - MOUTH
    half, lip, turn = WIDTH / 2, LIP * WIDTH, np.linspace(0, np.pi / 2, 400)
    wall, flat = np.linspace(lip, DEPTH - half, 800), np.linspace(half + lip, 32 * LENGTH, 800)
    face = np.concatenate(
        [
            [flat, 0 * flat],
            [half + lip * (1 - np.sin(turn)), lip * (1 - np.cos(turn))],
            [0 * wall + half, wall],
            [half * np.cos(turn), DEPTH - half + half * np.sin(turn)],
        ],
        axis=1,
    )
    nearest = np.min(
        np.hypot(np.abs(across)[..., None] - face[0], up[..., None] - face[1]),
        axis=-1,
    )
    distance = cracks().cut(GRID.cell_centres()[1] - MOUTH / LENGTH, GRID, LENGTH)
    np.testing.assert_allclose(np.abs(distance), nearest / LENGTH, atol=0.03)
    empty = (up > 0) & (np.abs(across) < half) & (up < DEPTH - half)
    assert np.all(np.asarray(distance)[empty | (up < 0)] < 0)
    assert np.all(np.asarray(distance)[(up > 0) & (np.abs(across) > half + lip)] > 0)


def test_what_counts_as_in_a_crack_begins_behind_its_mouth_and_rises_with_the_solid():
    inside = cracks().inside(GRID, LENGTH, 0.0)
    area = WIDTH * (DEPTH - WIDTH) + math.pi * WIDTH**2 / 8
    assert float(jnp.sum(inside)) * LENGTH**2 == pytest.approx(area, rel=0.03)
    np.testing.assert_allclose(
        np.asarray(cracks().inside(GRID, LENGTH, 3.0))[..., 3:], np.asarray(inside)[..., :-3], atol=1e-12
    )


def test_the_face_stands_back_from_a_flat_surface_by_its_map():
    """On a slope distances are shorter than heights, by the cosine."""
    ramp = jnp.abs(jnp.arange(64.0) - 32) * 0.5
    relief = Relief(Unevenness(jnp.asarray(LENGTH), ramp), None)
    level = GRID.cell_centres()[1] - 20.0
    distance = relief.distance_to_solid(level, GRID, LENGTH)
    np.testing.assert_allclose(distance[10, 20:], (level[10, 20:] - 11.0) / math.sqrt(1.25), rtol=1e-12)
    assert jnp.all(distance <= level)


def test_void_lies_between_the_face_and_the_lithium():
    """Before the first step: as much void as the map and the crack say, all of it between lithium and solid."""
    study = {
        "title": "relief",
        "grid": {"cells": [64, 48], "size": ["16 um", "12 um"]},
        "surface": {"level": "4 um"},
        "solid_electrolyte": {"material": "lpscl"},
        "contact": {"unevenness": {"height": "200 nm", "correlation_length": "2 um", "touching": 0.2}},
        "cell": {"top": "plate"},
        "protocol": {"steps": [{"current": "-1 mA/cm^2", "duration": "1 s"}]},
    }
    case = build(validated(study, "relief"))
    relief = case.model.stack.faces.relief
    state = jax.jit(lambda case: case.start())(case)
    void = 1 - state.lithium - state.riding
    assert jnp.all(void > -1e-12)
    columns = jnp.sum(void, axis=-1) * 0.25e-6
    np.testing.assert_allclose(columns, 200e-9 * relief.unevenness.map, atol=2e-9 + 0.05 * 200e-9)
    study["solid_electrolyte"]["cracks"] = [{"width": "1.5 um", "depth": "3 um"}]
    cracked = jax.jit(lambda case: case.start())(build(validated(study, "relief")))
    area = 1.5 * (3 - 0.75) + math.pi * 1.5**2 / 8 + 2 * (1 - math.pi / 4) * (LIP * 1.5) ** 2
    more = float(jnp.sum(cracked.filler) - jnp.sum(state.filler)) * 0.25**2
    assert more == pytest.approx(area, rel=0.05)
    np.testing.assert_array_equal(cracked.lithium, state.lithium)
