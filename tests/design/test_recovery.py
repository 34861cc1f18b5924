"""A known coating is found again from what it does."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config import design as designing
from interphase.config.load import validated
from interphase.config.places import place
from interphase.design.optimise import Design, Evaluator
from interphase.design.problem import Wish

KNOWN = {"modulus": 5e9, "thickness": 300e-9, "ionic_conductivity": 1e-4}
START = {"modulus": 50e9, "thickness": 600e-9, "ionic_conductivity": 1e-3}  # of thickness the grid has no tenfold room
BOUNDS = {
    "modulus": ("0.1 GPa", "100 GPa"), "thickness": ("180 nm", "700 nm"), "ionic_conductivity": ("1e-6 S/m", "0.1 S/m"),
}  # fmt: skip
SEEN = ("overpotential", "hot_spot", "roughness_growth", "film_strain", "elastic_energy")

STUDY = {
    "title": "known",
    "grid": {"cells": [16, 48], "size": ["480 nm", "1440 nm"]},
    "surface": {"level": "180 nm", "bumps": [{"height": "80 nm", "radius": "120 nm"}]},
    "coating": {
        "layers": [{"material": "lipon", "thickness": "600 nm", "modulus": "50 GPa", "ionic_conductivity": "1e-3 S/m"}],
        "mosaic": {"correlation_length": "120 nm", "ionic_conductivity": 0.5, "seed": 1},
    },
    "electrolyte": {"material": "lipf6-ec-dmc"},
    "protocol": {"steps": [{"duration": "15 s", "current": "1 mA/cm^2"}]},
    "numerics": {"tolerance": 1e-7},
    "design": {
        "variables": [
            {"path": f"coating.layers[0].{name}", "lower": lower, "upper": upper}
            for name, (lower, upper) in BOUNDS.items()
        ],
        "terms": [{"name": name} for name in SEEN],
        "frontier": {"conductivity": False, "strain_limit": False},
        "search": {"starts": 1, "tolerance": 1e-6, "evaluations": 60},
    },
}  # fmt: skip


@pytest.mark.slow  # compiles a run and its gradient: three minutes
def test_a_known_coating_is_found_again():
    """Modulus and conductivity from a factor of ten off, thickness from twice, each within 1 %."""
    study = validated(STUDY, "known")
    planned = designing.plan(study)
    problem = planned.problem
    paths = [member.path for member in problem.variables.members]
    known = problem.variables.point({path: KNOWN[path.rsplit(".", 1)[-1]] for path in paths})
    np.testing.assert_allclose(
        planned.starts[0], problem.variables.point({path: START[path.rsplit(".", 1)[-1]] for path in paths})
    )
    assert float(place(paths[0], study).get(problem.case)[0]) == START["modulus"]
    knobs = jax.tree.map(lambda x: x[0], planned.knobs)
    truth = eqx.filter_jit(lambda problem, point: problem.judge(point, knobs))(problem, jnp.asarray(known)).terms
    wishes = tuple(Wish(name, 0.3 * abs(float(q)), target=float(q)) for name, q in zip(SEEN, truth, strict=True))
    problem = dataclasses.replace(problem, wishes=wishes)
    design = Design(
        problem, Evaluator(problem), planned.starts, planned.knobs, planned.settings, planned.controls.tolerance
    )  # fmt: skip
    design.go()
    found = {path: float(value[0]) for path, value in problem.variables.values(design.searches.point[0]).items()}
    for path, value in found.items():
        assert value == pytest.approx(KNOWN[path.rsplit(".", 1)[-1]], rel=0.01), design.outcome()
