"""A run in single precision, what a GPU takes: as steady as in double, and the same to its digits."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.physics.interface import TRACE, counted
from interphase.physics.measures import smooth_maximum
from studies import interphase

STUDY = """\
title = "Single precision"

[grid]
cells = [64, 64]
size = ["512 nm", "512 nm"]

[surface]
level = "150 nm"
bumps = [{ height = "60 nm", radius = "120 nm" }]

[[coating.layers]]
material = "lipon"
thickness = "100 nm"

[electrolyte]
material = "lipf6-ec-dmc"

[[protocol.steps]]
current = "1 mA/cm^2"
duration = "10 s"

[output]
rows = 4
frames = 2
"""


def test_a_run_in_single_precision_is_that_in_double(tmp_path):
    """A stiff film on lithium that flows: numbers within a few parts in a thousand, and no more Newton steps."""
    study = tmp_path / "study.toml"
    study.write_text(STUDY, encoding="utf-8")
    summaries = []
    for precision in ("float32", "float64"):
        out = tmp_path / precision
        code, _, errors = interphase("run", study, "--precision", precision, "--out", out, cache=tmp_path / "cache")
        assert code == 0, errors
        summaries.append(json.loads((out / "summary.json").read_text()))
    single, double = summaries
    assert single["num_steps"] == double["num_steps"]
    assert single["newton_steps_max_over_run"] <= double["newton_steps_max_over_run"] + 1
    assert single["charge_closure_relative_error"] < 1e-5
    for name, share in (
        ("overpotential_V", 1e-4), ("hot_spot_factor", 1e-4), ("roughness_rms_nm", 1e-4), ("plated_thickness_nm", 1e-5),
        ("coating_strain_max", 5e-3), ("coating_stress_max_MPa", 5e-3), ("elastic_energy_J_per_m2", 5e-3),
    ):  # fmt: skip
        assert single[name] == pytest.approx(double[name], rel=share), name


def test_what_counts_of_a_cell_stays_within_it():
    """One less it is a conductance: a last digit beyond one would make that negative."""
    share = counted(jnp.linspace(-1e-6, 1 + 1e-6, 200_001, dtype=jnp.float32))
    assert share.dtype == jnp.float32
    assert float(jnp.min(share)) == 0.0
    assert float(jnp.max(share)) == 1.0
    assert float(jnp.max(counted(jnp.linspace(1 - TRACE, 1.0, 10_001, dtype=jnp.float32)))) == 1.0


def test_a_largest_value_does_not_see_what_has_no_weight():
    """Not even where a power of it is beyond all numbers."""
    values = jnp.asarray([1.0, 2.0, 3e8], jnp.float32)
    weight = jnp.asarray([1.0, 1.0, 0.0], jnp.float32)
    alone = smooth_maximum(values[:2], weight[:2])
    assert np.isfinite(float(alone))
    assert float(smooth_maximum(values, weight)) == pytest.approx(float(alone), rel=1e-6)
    slope = jax.grad(lambda v: smooth_maximum(v, weight))(values)
    np.testing.assert_allclose(slope[2], 0.0)
    assert np.all(np.isfinite(slope))
