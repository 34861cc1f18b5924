"""Small studies of which the answer is known."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from interphase.config.build import build, controls
from interphase.config.load import validated
from interphase.run.case import Case
from interphase.run.controls import Controls

PLAIN_ELECTROLYTE = {  # constant properties, no salt transport
    "concentration": "1 mol/l",
    "conductivity_coefficients": [1.0],
    "log_diffusivity_coefficients": [-9.5],
    "thermodynamic_factor_coefficients": [1.0],
    "transference_number": 1.0,
    "exchange_current": "70 A/m^2",
}
PLAIN_LAYER = {
    "thickness": "100 nm",
    "modulus": "10 GPa",
    "poisson_ratio": 0.25,
    "ionic_conductivity": "1e-6 S/cm",
    "transference_number": 1.0,
    "exchange_current": "70 A/m^2",
}


def case(
    cells: tuple[int, ...],
    size: list[str],
    level: str,
    layers: list[dict[str, Any]] | None = None,
    current: str = "1 mA/cm^2",
    duration: str = "1 s",
    **sections: Any,
) -> tuple[Case, Controls]:
    """A case from the few numbers that differ; further sections replace the defaults."""
    data: dict[str, Any] = {
        "title": "claim",
        "grid": {"cells": list(cells), "size": size},
        "surface": {"level": level},
        "electrolyte": PLAIN_ELECTROLYTE,
        "protocol": {"steps": [{"duration": duration, "current": current}]},
        "output": {"rows": 2},
    }
    if layers:
        data["coating"] = {"layers": [PLAIN_LAYER | layer for layer in layers]}
    for name, section in sections.items():
        data[name] = data.get(name, {}) | section
    study = validated(data, "claim")
    return build(study), controls(study)


@eqx.filter_jit
def one_step(case: Case, dt):
    """State and report of the first step, of `dt` [s]."""
    state, report = case.model.step(case.start(), case.protocol.at(0.0), dt)
    return case.model.synchronised(state), report


def first_step(case: Case, dt: float):
    state, report = one_step(case, jnp.array(dt))
    assert float(report.balance.residual) <= case.model.numerics.newton.tolerance
    return state, report


def with_numbers(case: Case, where, *values) -> Case:
    """The case with other numbers of the same type."""
    return eqx.tree_at(where, case, tuple(jnp.array(v, jnp.result_type(float)) for v in values))


def flux_of_columns(case: Case, report) -> jax.Array:
    """Plating current per projected area of every column over the mean [-]."""
    columns = jnp.sum(report.current * report.area, axis=-1) * case.model.grid.spacing[-1]
    return columns / jnp.mean(columns)
