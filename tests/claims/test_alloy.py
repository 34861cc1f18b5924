"""A layer of an alloy in whole runs: in space, in single precision, through a kill, and where contact is lost."""

import dataclasses

import jax
import numpy as np
import pytest

from interphase.config.build import build, controls, positions
from interphase.config.load import validated
from interphase.io.checkpoint import Checkpoints
from interphase.run.simulate import INTERRUPTED, Run, simulate

SILVER = {
    "material": "silver", "thickness": "400 nm", "ionic_conductivity": "0.01 S/m", "alloy_capacity": "0.5 A h/cm^3",
    "swelling": 0.3, "initial_occupancy": 0.5,
}  # fmt: skip
STUDY = {
    "title": "an alloy under a liquid",
    "grid": {"cells": [8, 24], "size": ["512 nm", "1.536 um"]},
    "surface": {"level": "400 nm"},
    "coating": {"layers": [SILVER]},
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "10 s"}]},
    "numerics": {"stress_change": "100 MPa", "tolerance": 1e-6},
    "output": {"rows": 6, "checkpoint_steps": 5},
}
BUMP = {"surface": {"level": "400 nm", "bumps": [{"height": "60 nm", "radius": "200 nm"}]}}
IN_SPACE = {"grid": {"cells": [8, 8, 24], "size": ["512 nm", "512 nm", "1.536 um"]}}


def outcome(*sections):
    data = dict(STUDY)
    for section in sections:
        data |= section
    study = validated(data, "alloy")
    return simulate(build(study), controls(study))


@pytest.mark.slow
def test_flat_layers_are_the_same_in_space():
    """A flat layer fills, swells and is pressed in 3-D as in 2-D, within 1e-6; under a bump its budgets close."""
    flat, space = outcome().last, outcome(IN_SPACE).last
    for key in ("alloy_lithium_nm", "alloy_filling_mean", "alloy_swelling_fraction", "plated_thickness_nm"):
        assert space[key] == pytest.approx(flat[key], rel=1e-6), key
    assert space["metal_potential_V"] == pytest.approx(flat["metal_potential_V"], rel=1e-5)
    assert space["coating_compression_max_MPa"] == pytest.approx(flat["coating_compression_max_MPa"], rel=1e-2)
    bump = outcome(IN_SPACE, BUMP, {"protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "2 s"}]}})
    assert bump.last["lithium_budget_relative_error"] < 1e-8
    assert bump.worst.charge_closure < 1e-8
    assert abs(bump.last["coating_volume_relative_change"]) < 1e-10


@pytest.mark.slow
def test_single_precision():
    """What fills, potential and stress as in double precision, within 1e-3."""
    single = {"numerics": STUDY["numerics"] | {"precision": "float32", "tolerance": 1e-4}}
    double, short = outcome(BUMP).last, outcome(BUMP, single).last
    for key in ("alloy_filling_mean", "alloy_swelling_fraction", "metal_potential_V", "coating_compression_max_MPa"):
        assert short[key] == pytest.approx(double[key], rel=1e-3), key


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    study = validated(STUDY | BUMP, "alloy")
    case, how = build(study), controls(study)
    axes = positions(case.model.grid, case.model.scales)

    def new(name: str, **options) -> Run:
        (tmp_path / name).mkdir(exist_ok=True)
        return Run(case, how, axes, tmp_path / name, Checkpoints(tmp_path / name / "checkpoints"), **options)

    whole = new("whole").go()
    asked: list = []
    stopped = new("stopped", tell=asked.append, asked_to_stop=lambda: len(asked) == 8).go()
    assert stopped.status == INTERRUPTED
    run = new("stopped")
    run.resume()
    resumed = run.go()
    leaves, others = jax.tree.leaves(resumed.state), jax.tree.leaves(whole.state)
    assert len(leaves) == len(others)
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(leaves, others, strict=True))
    assert dataclasses.asdict(resumed.worst) == dataclasses.asdict(whole.worst)
