"""Slopes of what breaks, and of what that costs, by modulus, thickness, conductivity and toughness of a coating."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase.config.build import build
from interphase.config.load import validated

STUDY = {
    "title": "a coating over a bump begins to break",
    "grid": {"cells": [16, 24], "size": ["512 nm", "768 nm"]},
    "surface": {"level": "256 nm", "bumps": [{"height": "60 nm", "radius": "100 nm"}]},
    "lithium": {"creeps": False},
    "coating": {
        "layers": [{"material": "lipon", "thickness": "200 nm", "modulus": "10 GPa", "toughness": "0.01 J/m^2"}],
        "fracture": {"length": "64 nm"},
    },
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "film": {"material": "carbonate-sei", "inner_thickness": "0 nm", "outer_thickness": "0 nm"},
    "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "8 s"}]},
}
FREE = ("modulus", "thickness", "ionic_conductivity", "toughness")


@pytest.mark.slow
def test_slopes_of_damage_and_of_what_it_costs_are_those_of_the_differences():
    """Damaged share, and what of the lithium the film took, after five coupled steps: reverse mode, within 1e-4."""
    case = build(validated(STUDY, "bump"))
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-10, adjoint_tolerance=1e-10)
    case = eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)
    schedule = jnp.full(5, 0.8)

    def outcome(factors):
        layer = case.model.stack.coating.layers[0]
        numbers = [getattr(layer, name) * factor for name, factor in zip(FREE, factors, strict=True)]
        changed = eqx.tree_at(
            lambda c: [getattr(c.model.stack.coating.layers[0], name) for name in FREE], case, numbers
        )
        measures = changed.rollout(schedule)
        lost = measures.sei_lithium[-1] / (measures.plated_thickness[-1] + measures.sei_lithium[-1])
        return jnp.stack([measures.damage_fraction[-1], lost])

    here, step = jnp.ones(len(FREE)), 1e-4
    run, slopes = jax.jit(outcome), jax.jit(jax.jacrev(outcome))(here)
    damaged, lost = run(here)
    assert float(damaged) > 0.005
    assert float(lost) > 1e-6
    for k, name in enumerate(FREE):
        values = [run(here.at[k].add(s * step)) for s in (-2, -1, 1, 2)]
        central = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step)
        print(name, slopes[:, k], central, slopes[:, k] / central - 1)
        for j, what in enumerate(("damage", "loss")):
            assert float(slopes[j, k]) == pytest.approx(float(central[j]), rel=1e-4), (what, name)
