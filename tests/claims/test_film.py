"""Native film in a whole cell: what it takes, rest, and what a cycle's efficiency depends on."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.simulate import simulate

STUDY = {
    "title": "a film in a column",
    "grid": {"cells": [2, 32], "size": ["62.5 nm", "1 um"]},
    "surface": {"level": "500 nm"},
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "film": {"inner_thickness": "1 nm", "outer_thickness": "1 nm"},
    "protocol": {
        "steps": [
            {"current": "1 mA/cm^2", "duration": "10 s"},
            {"current": "0 A/m^2", "duration": "10 s"},
        ]
    },
    "numerics": {"largest_step": "2 s"},
    "output": {"rows": 4},
}
FREE = ("inner_conductivity", "inner_thickness", "solvent_diffusivity", "bare_current")


@pytest.mark.slow
def test_lithium_is_metal_or_film_and_corrodes_at_rest():
    """Metal gained and lithium in the film are the charge to 1e-6; at rest the film grows from the metal."""
    study = validated(STUDY, "column")
    rows = []
    outcome = simulate(build(study), controls(study), tell=lambda progress: rows.append(progress.row))
    last = outcome.last
    assert last["lithium_budget_relative_error"] < 1e-6
    assert outcome.worst.charge_closure < 1e-6
    assert last["charge_C_per_m2"] == pytest.approx(100.0, rel=1e-3)
    per_charge = 1.3e-5 / 96485.33212 * 1e9
    together = last["plated_thickness_nm"] + last["sei_lithium_nm"]
    assert together == pytest.approx(last["charge_C_per_m2"] * per_charge, rel=1e-6)
    began = next(row for row in rows if row and row["time_s"] >= 12.0)  # half a step into the rest still passes charge
    corroded = began["plated_thickness_nm"] - last["plated_thickness_nm"]
    assert corroded > 0
    assert corroded == pytest.approx(last["sei_lithium_nm"] - began["sei_lithium_nm"], rel=1e-2)
    assert abs(last["current_A_per_m2"]) < 1e-3


@pytest.mark.slow
def test_the_slopes_of_a_cycle_at_given_potentials_are_those_of_the_differences():
    """Stripped over plated by conductivity, thickness, limits of the potential, and what feeds growth, within 1e-4."""
    steps = [{"potential": "-20 mV", "duration": "2 s"}, {"potential": "20 mV", "duration": "1.5 s"}]
    case = build(validated(STUDY | {"protocol": {"steps": steps}}, "cycle"))
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-10, adjoint_tolerance=1e-10)
    case = eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)
    schedule = jnp.asarray([0.5] * 4 + [0.375] * 4)

    def efficiency(factors):
        film = case.model.stack.film
        names = [getattr(film, name) * factor for name, factor in zip(FREE, factors[:4], strict=True)]
        changed = eqx.tree_at(lambda c: [getattr(c.model.stack.film, name) for name in FREE], case, names)
        potential = case.protocol.metal_potential * factors[4:]
        changed = eqx.tree_at(lambda c: c.protocol.metal_potential, changed, potential)
        measures = changed.rollout(schedule)
        passed = jnp.diff(measures.charge, prepend=0.0)
        return jnp.sum(jnp.maximum(-passed, 0.0)) / jnp.sum(jnp.maximum(passed, 0.0))

    here, step = jnp.ones(6), 1e-3
    run, slopes = jax.jit(efficiency), jax.jit(jax.grad(efficiency))(here)
    for k in range(6):
        values = [run(here.at[k].add(s * step)) for s in (-2, -1, 1, 2)]
        central = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step)
        assert float(slopes[k]) == pytest.approx(float(central), rel=1e-4), k
