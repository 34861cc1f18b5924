"""Simulations and wall time to reach the same objective: gradients through the run against methods without them.

    python benchmarks/design.py experiments/010-modulus-thickness-conductivity --starts 4
    python benchmarks/design.py experiments/011-graded-coating --methods ours cma --most-runs 5000

Everybody minimises the augmented Lagrangian at the multipliers where our search came to rest, within the unit cube,
from the same start. Only our search has to find the multipliers; the others are given them. A gradient is counted as
the runs it costs on the clock. Reached is what lies above our best value by no more than a share of its size.
Needs `pip install interphase[benchmarks]` for CMA-ES.
"""

import argparse
import contextlib
import dataclasses
import json
import pathlib
import time
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from interphase.config.design import Plan, plan
from interphase.config.load import read_study
from interphase.design.optimise import Design, Evaluator
from interphase.verbs.machine import choose_device, made_with

SHARES = (0.01, 0.001)  # of our best value, above which a value has not reached it
UNSOLVED = 1e3  # what a run that could not be solved is worth to methods that need a number
DIFFERENCE = 1e-3  # of L-BFGS-B, in the unit cube: the solves leave about 1e-6
FIRST_SIMPLEX = 0.15  # edge of Nelder and Mead's, in the unit cube
FIRST_SPREAD = 0.2  # standard deviation of CMA-ES's first generation, in the unit cube


@dataclasses.dataclass
class Trace:
    """What a method saw: the cost so far [runs] and the value, of every evaluation; seconds in all."""

    method: str
    start: int
    costs: list[float]
    values: list[float]
    wall_s: float

    def cost_of(self, target: float) -> float | None:
        reached = np.flatnonzero(np.asarray(self.values) <= target)
        return self.costs[reached[0]] if len(reached) else None


class TooDear(Exception):  # noqa: D101
    pass


class Counted:
    """The function that the others minimise, with a list of what it returned."""

    def __init__(self, function: Callable[[np.ndarray], float], most: int):
        self.function, self.most = function, most
        self.values: list[float] = []

    def __call__(self, point: np.ndarray) -> float:
        if len(self.values) >= self.most:
            raise TooDear
        value = self.function(np.clip(point, 0.0, 1.0))
        self.values.append(value)
        return value


def nelder_mead(function: Counted, start: np.ndarray) -> None:
    simplex = np.vstack([start, *(start + FIRST_SIMPLEX * np.where(start > 0.5, -1, 1)[:, None] * np.eye(len(start)))])
    options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6, "maxfev": function.most}
    minimize(function, start, method="Nelder-Mead", bounds=[(0, 1)] * len(start), options=options)


def finite_differences(function: Counted, start: np.ndarray) -> None:
    options = {"eps": DIFFERENCE, "ftol": 1e-9, "maxfun": function.most}
    minimize(function, start, method="L-BFGS-B", bounds=[(0, 1)] * len(start), options=options)


def cma_es(function: Counted, start: np.ndarray) -> None:
    import cma

    options = {"bounds": [0, 1], "seed": 1, "verbose": -9, "maxfevals": function.most, "tolfun": 1e-7}
    cma.fmin2(function, start, FIRST_SPREAD, options)


OTHERS = {"nelder-mead": nelder_mead, "l-bfgs-b": finite_differences, "cma": cma_es}


def ours(planned: Plan, evaluator: Evaluator, price: float) -> tuple[list[Trace], tuple[np.ndarray, float]]:
    """Our search from every start, and the multipliers and penalty where the best of them came to rest.

    **Arguments:**

    - `price`: of a gradient [runs].
    """
    names = planned.problem.constraint_names()
    designs, walls = [], []
    for k in range(len(planned.starts)):
        began = time.perf_counter()
        knobs = jax.tree.map(lambda x, k=k: x[k : k + 1], planned.knobs)
        start = planned.starts[k : k + 1]
        design = Design(planned.problem, evaluator, start, knobs, planned.settings, planned.controls.tolerance)
        design.go()
        designs.append(design)
        walls.append(time.perf_counter() - began)
        print(f"ours, start {k}: {design.evaluation} gradients, {design.outcome()[0]['status']}", flush=True)
    best = min(designs, key=lambda design: float(design.searches.judgement.objective[0])).searches
    rests = np.asarray(best.multipliers[0]), float(best.penalty[0])
    traces = []
    for k, (design, wall) in enumerate(zip(designs, walls, strict=True)):
        values = [
            lagrangian(row["objective"], np.array([row[name] for name in names], float), *rests)
            for row in design.history
        ]
        traces.append(Trace("ours", k, list(price * np.arange(1, len(values) + 1)), values, wall))
    return traces, rests


def lagrangian(objective: float | None, constraints: np.ndarray, multipliers: np.ndarray, penalty: float) -> float:
    if objective is None:
        return UNSOLVED
    pressed = np.maximum(multipliers + penalty * constraints, 0.0)
    return float(objective + np.sum(pressed**2 - multipliers**2) / (2 * penalty))


def timed(function: Callable[[], object], repeats: int = 3) -> float:
    jax.block_until_ready(function())
    walls = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(function())
        walls.append(time.perf_counter() - began)
    return float(np.median(walls))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=["ours", *OTHERS])
    parser.add_argument("--most-runs", type=int, default=400, help="of a method without gradients, per start")
    parser.add_argument("--out", type=pathlib.Path, help="a JSON file for all that was measured")
    arguments = parser.parse_args()
    study = read_study(arguments.study, [f"design.search.starts={arguments.starts}"])
    choose_device(None, study.numerics.precision, num_cells=int(np.prod(study.grid.cells)))
    planned = plan(study, print)
    planned = dataclasses.replace(planned, problem=planned.problem.within(4e9))
    problem, tolerance = planned.problem, planned.controls.tolerance
    knobs = jax.tree.map(lambda x: x[0], planned.knobs)
    judge = eqx.filter_jit(lambda problem, point: problem.judge(point, knobs))
    first = jnp.asarray(planned.starts[0])
    run_s = timed(lambda: judge(problem, first))
    evaluator = Evaluator(problem)
    one = jax.tree.map(lambda x: x[:1], planned.knobs)
    gradient_s = timed(lambda: evaluator(first[None], one))
    print(f"a run {run_s:.2f} s, a gradient {gradient_s:.2f} s: {gradient_s / run_s:.1f} runs", flush=True)
    traces, rests = ours(planned, evaluator, gradient_s / run_s)

    def value(point: np.ndarray) -> float:
        judged = judge(problem, jnp.asarray(point))
        solved = float(judged.residual) <= tolerance and np.isfinite(float(judged.objective))
        return lagrangian(float(judged.objective), np.asarray(judged.constraints), *rests) if solved else UNSOLVED

    for method in arguments.methods:
        for k, start in enumerate(planned.starts if method != "ours" else ()):
            counted, began = Counted(value, arguments.most_runs), time.perf_counter()
            with contextlib.suppress(TooDear):
                OTHERS[method](counted, start)
            costs = list(np.arange(1.0, len(counted.values) + 1))
            traces.append(Trace(method, k, costs, counted.values, time.perf_counter() - began))
            print(f"{method}, start {k}: {len(costs)} runs, best {min(counted.values):.6f}", flush=True)
    best = min(min(trace.values) for trace in traces if trace.method == "ours")
    print(table(traces, best))
    if arguments.out:
        facts = {"study": study.title, "run_s": run_s, "gradient_s": gradient_s, "best": best, "made": made_with(),
                 "traces": [dataclasses.asdict(trace) for trace in traces]}  # fmt: skip
        arguments.out.write_text(json.dumps(facts), encoding="utf-8")


def table(traces: list[Trace], best: float) -> str:
    """A row per method and start: runs to come within each share of the best."""
    heads = " | ".join(f"runs to {100 * share:g} %" for share in SHARES)
    lines = [f"| method | start | {heads} | evaluations | best | seconds |", "|---" * (5 + len(SHARES)) + "|"]
    for trace in traces:
        costs = [trace.cost_of(best + share * abs(best)) for share in SHARES]
        shown = " | ".join("not reached" if cost is None else f"{cost:.0f}" for cost in costs)
        lines.append(
            f"| {trace.method} | {trace.start} | {shown} | {len(trace.values)} | {min(trace.values):.5f} | "
            f"{trace.wall_s:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
