"""The main study: smooth in what a designer changes, converged in the time step, and a coating that stays whole."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from interphase import load
from interphase.run.simulate import simulate

STUDY = "experiments/001-plating-under-a-coating"
OUTPUTS = ("coating_strain_max", "hot_spot_factor", "overpotential_V", "roughness_peak_to_valley_nm")


@pytest.mark.slow
def test_halving_the_time_step():
    """Film strain, hot spot, overpotential and roughness change by less than 2 % when the step is halved."""
    case, controls = load(STUDY, "output.rows=2")
    default = simulate(case, controls)
    halves = {key: getattr(controls, key) / 2 for key in ("courant", "stress_change", "first_step")}
    halved = simulate(case, dataclasses.replace(controls, **halves))
    assert halved.num_steps > 1.7 * default.num_steps
    changes = {key: halved.last[key] / default.last[key] - 1 for key in OUTPUTS}
    assert all(abs(change) < 0.02 for change in changes.values()), changes


@pytest.mark.slow
def test_forty_one_thicknesses():
    """Between 95 and 105 nm every main output lies within 1 % of a quadratic: no jump where a cell begins."""
    case, controls = load(STUDY, "grid.cells=[64,64]", "protocol.steps[0].duration=20 s", "output.rows=2")
    schedule = jnp.asarray(simulate(case, controls).schedule)
    where = lambda c: c.model.stack.coating.layers[0].thickness  # noqa: E731
    measured = eqx.filter_jit(lambda t: eqx.tree_at(where, case, t).rollout(schedule))
    thicknesses = np.linspace(95e-9, 105e-9, 41)
    runs = [measured(jnp.asarray(t)) for t in thicknesses]
    for name in ("coating_strain", "hot_spot_factor", "metal_potential", "roughness_peak_to_valley", "elastic_energy"):
        values = np.asarray([float(getattr(run, name)[-1]) for run in runs])
        along = (thicknesses - 100e-9) / 5e-9
        fitted = np.polyval(np.polyfit(along, values, 2), along)
        assert np.max(np.abs(values / fitted - 1)) < 0.01, (name, np.max(np.abs(values / fitted - 1)))


@pytest.mark.slow
def test_coating_survives_five_thicknesses():
    """After plating five of its thicknesses over a bump the coating has its volume within 0.2 % and is one body,
    and no more than 1 % of it is left in the lithium."""
    case, controls = load(
        STUDY,
        "coating.layers[0].modulus=1 GPa",
        "coating.layers[0].yield_strength=30 MPa",
        "protocol.steps[0].duration=371 s",
        "output.rows=20",
    )
    outcome = simulate(case, controls)
    assert outcome.last["plated_thickness_nm"] == pytest.approx(500, rel=1e-3)
    assert abs(outcome.last["coating_volume_relative_change"]) < 2e-3
    assert outcome.last["coating_bodies"] == 1
    assert outcome.worst.coating_left_behind < 0.01
    assert outcome.worst.charge_closure < 1e-8
    assert outcome.last["lithium_budget_relative_error"] < 1e-5
