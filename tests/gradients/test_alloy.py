"""Reverse mode through a layer that fills and swells, against central differences of fourth order."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase.config.build import build
from interphase.config.load import validated
from interphase.config.places import place

STUDY = {
    "title": "an alloy under a liquid",
    "grid": {"cells": [8, 32], "size": ["256 nm", "1.024 um"]},
    "surface": {"level": "300 nm", "waves": [{"height": "10 nm", "waves": [1]}]},
    "coating": {
        "layers": [
            {
                "material": "silver", "thickness": "256 nm", "ionic_conductivity": "1e-3 S/m",
                "alloy_capacity": "0.5 A h/cm^3", "swelling": 0.3, "initial_occupancy": 0.96,
            }
        ]
    },
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "protocol": {"steps": [{"current": "-1 mA/cm^2", "duration": "60 s"}]},
}  # fmt: skip
SCHEDULE = (0.01, 0.02, 0.04, 0.04)  # [s]
STEP = 1e-4  # relative
PATHS = ("alloy_capacity", "alloying_potential", "alloying_width", "swelling")
TERMS = ("alloy_filling", "metal_potential", "coating_compression", "plated_thickness", "roughness_peak_to_valley")


@pytest.mark.slow
def test_reverse_mode_against_differences():
    """What fills, potential, stress, metal and roughness by capacity, potential, width and swelling, within 1e-5."""
    study = validated(STUDY, "alloy")
    case = build(study)
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-11, adjoint_tolerance=1e-11)
    case = eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)
    places = [place(f"coating.layers[0].{name}", study) for name in PATHS]

    def outcome(factors):
        changed = case
        for k, where in enumerate(places):
            changed = where.put(changed, where.get(case) * factors[k])
        measures = changed.rollout(jnp.asarray(SCHEDULE))
        return jnp.stack([getattr(measures, term)[-1] for term in TERMS])

    run, here = jax.jit(outcome), jnp.ones(len(PATHS))
    slopes = jax.jit(jax.jacrev(outcome))(here)
    for k, name in enumerate(PATHS):
        ahead, far_ahead, behind, far_behind = (run(here.at[k].add(n * STEP)) for n in (1, 2, -1, -2))
        # Of second order the difference itself would be 2e-4 off: stress is exponential in the potential.
        central = (8 * (ahead - behind) - (far_ahead - far_behind)) / (12 * STEP)
        size = jnp.maximum(jnp.abs(central), 1e-3 * jnp.max(jnp.abs(slopes), axis=1))
        assert jnp.all(jnp.abs(slopes[:, k] - central) < 1e-5 * size), (name, slopes[:, k], central)
