"""Studies that start from nuclei: as many as the law says, always the same ones, with the lithium of half balls."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.build import build
from interphase.config.load import StudyError, validated
from interphase.config.nuclei import _law, nuclei
from interphase.config.places import place
from interphase.physics.seeds import bump_of, expected_density, random_places


def study(cells=(64, 32), size=("2.048 um", "1.024 um"), **nucleation):
    """Nuclei on copper under a liquid."""
    return validated(
        {
            "title": "nuclei",
            "grid": {"cells": list(cells), "size": list(size)},
            "surface": {"level": "250 nm"},
            "nucleation": {"material": "copper", "overpotential": "45 mV", "coverage": 0.35, "seed": 1} | nucleation,
            "electrolyte": {"material": "lipf6-ec-dmc"},
            "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "1 s"}]},
        },
        "nuclei",
    )


@pytest.fixture(scope="module")
def resolved():
    return study()


def test_nuclei_are_as_many_as_expected_and_the_same_every_time(resolved):
    made = nuclei(resolved)
    assert len(made.places) == round(2.048e-6 * np.sqrt(made.density))
    _law.cache_clear()
    assert nuclei(study()) == made
    other = nuclei(study(seed=2))
    assert other.places != made.places
    assert (other.density, other.height) == (made.density, made.height)


def test_a_start_has_the_lithium_of_its_half_cylinders(resolved):
    """On a layer of the level's height; to the size that a period cuts off the bumps."""
    made, case = nuclei(resolved), build(resolved)
    length = case.model.scales.length
    above = float(case.start().initial_lithium) * length - 250e-9
    expected = len(made.places) * np.pi / 2 * made.height**2 / 2.048e-6
    assert above == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("in_plane", [1, 2])
def test_a_bump_has_the_volume_of_a_half_ball(in_plane):
    height, spread = bump_of(3.0, in_plane)
    half = {1: np.pi / 2 * 9, 2: 2 / 3 * np.pi * 27}[in_plane]
    assert height * (np.sqrt(2 * np.pi) * spread) ** in_plane == pytest.approx(half)


def test_places_keep_apart():
    places = random_places(jax.random.key(0), 12, (10.0, 8.0), 1.5)
    assert places.shape == (12, 2)
    apart = places[:, None] - places
    apart -= np.array([10.0, 8.0]) * np.round(apart / np.array([10.0, 8.0]))
    distance = np.sqrt(np.sum(apart**2, axis=-1)) + 9 * np.eye(12)
    assert distance.min() >= 1.5


PLACES = """
import jax
jax.config.update("jax_enable_x64", {double})
jax.config.update("jax_num_cpu_devices", {devices})
from interphase.physics.seeds import random_places
assert len(jax.devices()) == {devices}
print(random_places(jax.random.key(7), 9, (2e-6, 3e-6), 1e-7).tobytes().hex())
"""


def test_one_and_two_devices_and_either_precision_draw_the_same_places():
    """Bit for bit, in processes of their own."""

    def drawn(devices, double=True):
        code = PLACES.format(devices=devices, double=double)
        environment = {"JAX_PLATFORMS": "cpu", "PYTHONPATH": ":".join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=300
        ).stdout

    assert drawn(1) == drawn(2) == drawn(1, double=False) != ""


@pytest.mark.parametrize(
    "change, key",
    [
        ({"overpotential": "30 mV"}, "nucleation.contact_angle"),
        ({"overpotential": "60 mV"}, "under-resolved"),
        ({"material": "gold", "overpotential": "-5 mV"}, "nucleation.overpotential"),
        ({"material": "lif"}, "substrate"),
    ],
)
def test_what_cannot_be_says_what_to_do(change, key):
    with pytest.raises(StudyError, match=key):
        build(study(**change))


def test_the_number_of_nuclei_has_slopes_in_the_numbers_of_the_study():
    """What the start was made with; ln N by numbers that may be free, within 1e-4 of central differences."""
    layer = {"material": "peo", "thickness": "200 nm", "modulus": "5 MPa", "toughness": "1 J/m^2"}
    covered = validated({**study().model_dump(exclude_none=True), "coating": {"layers": [layer]}}, "covered")
    case = build(covered)
    assert float(expected_density(case.model.stack)) == pytest.approx(nuclei(covered).density, rel=1e-9)
    paths = [f"coating.layers[0].{name}" for name in ("modulus", "thickness", "ionic_conductivity", "toughness")]
    paths += [f"nucleation.{name}" for name in ("contact_angle", "overpotential", "site_density")]
    places = [place(path, covered) for path in [*paths, "lithium.surface_energy", "electrolyte.exchange_current"]]

    @jax.jit
    def log_density(factors):
        changed = case
        for free, factor in zip(places, factors, strict=True):
            changed = free.put(changed, jnp.atleast_1d(free.get(case)) * factor)
        return jnp.log(expected_density(changed.model.stack))

    here, step = jnp.ones(len(places)), 1e-4
    slopes = jax.jit(jax.grad(log_density))(here)
    central = [(log_density(here.at[k].add(step)) - log_density(here.at[k].add(-step))) / (2 * step) for k in range(9)]
    np.testing.assert_allclose(slopes, central, rtol=1e-4, atol=1e-4 * float(jnp.max(jnp.abs(slopes))))


def test_a_stiff_coating_lets_no_nuclei_form():
    """The law with the film's numbers. A soft one hinders them little, and slows those that grow: a few more form."""
    layers = [{"material": "peo", "thickness": "100 nm", "modulus": modulus} for modulus in ("1 MPa", "2 GPa")]
    bare = study()
    soft, stiff = (validated({**bare.model_dump(exclude_none=True), "coating": {"layers": [x]}}, "x") for x in layers)
    assert 1.0 < nuclei(soft).density / nuclei(bare).density < 1.05
    with pytest.raises(StudyError, match="nuclei in the box"):
        nuclei(stiff)
