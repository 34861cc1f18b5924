"""How fast the step is: time per act and per coupled step against grid size, and how near to the machine's bandwidth.

A bump under a coating, a few steps in; medians of repeated calls after compilation.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.physics.elimination import CoupledProblem
from interphase.physics.interface import Look
from interphase.run.case import Case

WARM_UP = (*(0.01 * 1.5**k for k in range(9)), 0.4, 0.4, 0.4)  # steps before the measurement [s], grown as a run does
REPEATS = 7


@dataclasses.dataclass
class Timing:
    """What one grid took.

    **Arguments:**

    - `acts`: median wall time by act [ms]. `step_ms`: of the whole step. `compile_s`: of the step.
    - `newton`, `iterations`: of the measured step.
    - `touched`: bytes of one evaluation of the residual over its time; `copied`: of a plain copy [GB/s].
    """

    shape: tuple[int, ...]
    precision: str
    step_ms: float
    compile_s: float
    newton: int
    iterations: int
    acts: dict[str, float]
    touched: float
    copied: float

    @property
    def cells_per_second(self) -> float:
        return float(np.prod(self.shape)) / (self.step_ms * 1e-3)


def median_ms(function: Callable[..., Any], *arguments: Any) -> float:
    """Median wall time of a compiled call [ms]."""
    jax.block_until_ready(function(*arguments))
    walls = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        walls.append(time.perf_counter() - began)
    return float(np.median(walls)) * 1e3


def measure_case(case: Case, precision: str) -> Timing:
    """Times the step of a case and its acts."""
    model, drive = case.model, case.protocol.at(0.0)
    dtype = model.stack.temperature.dtype
    step = eqx.filter_jit(lambda model, state, drive, dt: model.step(state, drive, dt))
    state = eqx.filter_jit(lambda case: case.start())(case)
    began = time.perf_counter()
    report = None
    for k, dt in enumerate(WARM_UP):
        state, report = jax.block_until_ready(step(model, state, drive, jnp.array(dt, dtype)))
        if k == 0:
            compile_s = time.perf_counter() - began
    assert report is not None
    dt = jnp.array(WARM_UP[-1], dtype)
    scaled = dt / model.scales.time
    _, report = step(model, state, drive, dt)
    look = eqx.filter_jit(lambda m, s: Look.at(s.lithium, m.width, m.grid))
    here = look(model, state)
    balancing = eqx.filter_jit(lambda m, s, look, d, dt: m._balance(s, look, d, dt)[0])
    balance = balancing(model, state, here, drive, scaled)
    solving = eqx.filter_jit(lambda m, b, recent, dt: m._solve(b, recent, dt))
    carrying = eqx.filter_jit(lambda m, s, dt: m._carried(s, dt, m.numerics.substeps))
    salting = eqx.filter_jit(lambda m, s, b, dt: m._salted(s, b, dt))
    residual = eqx.filter_jit(lambda b, u: CoupledProblem(b).residual(u))
    acts = {
        "look and mix": median_ms(look, model, state) + median_ms(balancing, model, state, here, drive, scaled),
        "force, charge, rate": median_ms(solving, model, balance, state.recent, scaled),
        "salt": median_ms(salting, model, state, balance, scaled) if state.salt is not None else 0.0,
        "carry": median_ms(carrying, model, state, scaled),
    }
    start = state.recent.continued(scaled)
    touched = residual.lower(balance, start).compile().compiled.cost_analysis()
    gigabytes = float((touched or {}).get("bytes accessed", 0.0)) / 1e9
    return Timing(
        shape=model.grid.shape,
        precision=precision,
        step_ms=median_ms(step, model, state, drive, dt),
        compile_s=compile_s,
        newton=int(report.balance.steps),
        iterations=int(report.balance.linear_iterations),
        acts=acts,
        touched=gigabytes / (median_ms(residual, balance, start) * 1e-3),
        copied=copy_bandwidth(dtype),
    )


def copy_bandwidth(dtype: Any, megabytes: int = 256) -> float:
    """Bytes read and written per second by x + 1 on an array far larger than the caches [GB/s]."""
    array = jnp.zeros(megabytes * 2**20 // jnp.dtype(dtype).itemsize, dtype)
    return 2 * array.nbytes / 1e9 / (median_ms(jax.jit(lambda x: x + 1), array) * 1e-3)


def table(timings: list[Timing]) -> str:
    """Markdown."""
    acts = list(timings[0].acts)
    head = ["grid", "precision", "step (ms)", "cells/s", "Newton", "inner", *[f"{a} (ms)" for a in acts]]
    head += ["residual (GB/s)", "copy (GB/s)", "compile (s)"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for t in timings:
        row = ["×".join(map(str, t.shape)), t.precision, f"{t.step_ms:.1f}", f"{t.cells_per_second:.3g}", str(t.newton)]
        row += [str(t.iterations), *[f"{t.acts[a]:.1f}" for a in acts]]
        row += [f"{t.touched:.1f}", f"{t.copied:.1f}", f"{t.compile_s:.0f}"]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)
