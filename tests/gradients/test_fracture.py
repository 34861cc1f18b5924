"""Slopes of what breaks: the damaged share of a coating by its modulus, thickness and toughness."""

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
    "protocol": {"steps": [{"current": "1 mA/cm^2", "duration": "8 s"}]},
}
FREE = ("modulus", "thickness", "toughness")


@pytest.mark.slow
def test_the_slopes_of_the_damaged_share_are_those_of_the_differences():
    """Over five coupled steps, reverse mode, within 1e-4."""
    case = build(validated(STUDY, "bump"))
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-10, adjoint_tolerance=1e-10)
    case = eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)
    schedule = jnp.full(5, 0.8)

    def damaged_share(factors):
        layer = case.model.stack.coating.layers[0]
        numbers = [getattr(layer, name) * factor for name, factor in zip(FREE, factors, strict=True)]
        changed = eqx.tree_at(
            lambda c: [getattr(c.model.stack.coating.layers[0], name) for name in FREE], case, numbers
        )
        return changed.rollout(schedule).damage_fraction[-1]

    here, step = jnp.ones(3), 1e-4
    run, slopes = jax.jit(damaged_share), jax.jit(jax.grad(damaged_share))(here)
    assert float(run(here)) > 0.005
    for k in range(3):
        values = [run(here.at[k].add(s * step)) for s in (-2, -1, 1, 2)]
        central = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step)
        assert float(slopes[k]) == pytest.approx(float(central), rel=1e-4), FREE[k]
