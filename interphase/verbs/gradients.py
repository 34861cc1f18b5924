"""`interphase check --gradients`: every term against every variable, four ways, and what a gradient costs."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.config import schema
from interphase.config.design import plan
from interphase.design.optimise import Evaluator

TOLERANCE = 1e-10  # of the solves while gradients are compared: differences see what a looser one leaves
STEP = 3e-4  # of the central differences, in the unit cube; they are of fourth order
WIDE = 0.05  # relative change of a number, for the slope that a designer follows
LARGEST_ERROR = 1e-4
NEGLIGIBLE = 1e-3  # of a term's largest slope: errors of smaller ones are measured by that


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Derivatives of one term by one variable, per unit of the cube, in the term's SI unit.

    **Arguments:**

    - `wide`: slope over ±5 % of the number, or `None` for one that may be zero.
    - `largest`: of the central differences of the same term by all variables.
    """

    term: str
    variable: str
    reverse: float
    forward: float
    central: float
    wide: float | None
    largest: float

    @property
    def error(self) -> float:
        """Of the worse mode against the central difference, relative; zero where no variable moves the term."""
        size = max(abs(self.central), NEGLIGIBLE * self.largest)
        off = max(abs(self.reverse - self.central), abs(self.forward - self.central))
        return off / size if size else off


@dataclasses.dataclass(frozen=True)
class Cost:
    """Wall time of a gradient over that of a run, what it keeps over one state, and the steps of the run."""

    time_ratio: float
    memory_ratio: float
    num_steps: int


def compare_gradients(
    study: schema.Study, tell: Callable[[str], None] = lambda text: None
) -> tuple[list[Comparison], Cost]:
    """Compares gradients at the study's own numbers, or in the middle of the bounds when those lie outside."""
    assert study.design is not None
    numerics = study.numerics.model_copy(update={"tolerance": TOLERANCE})
    search = study.design.search.model_copy(update={"starts": 1})
    one = study.design.model_copy(update={"search": search, "pareto": None})
    planned = plan(study.model_copy(update={"numerics": numerics, "design": one}), tell)
    problem, point = planned.problem, planned.starts[0]
    knobs = jax.tree.map(lambda x: x[0], planned.knobs)
    num_terms, num = len(problem.wishes), len(point)
    only = eqx.tree_at(
        lambda q: q.weights,
        jax.tree.map(lambda x: jnp.stack([x] * num_terms), knobs),
        jnp.eye(num_terms, dtype=knobs.weights.dtype),
    )
    given = (jnp.tile(jnp.asarray(point), (num_terms, 1)), only)
    scales = np.array([wish.scale for wish in problem.wishes])
    tell("reverse mode")
    reverse = Evaluator(problem)(*given)[1] * scales[:, None]
    tell("forward mode")
    forward = Evaluator(problem, forward=True)(*given)[1] * scales[:, None]
    tell("central differences")
    judge = eqx.filter_jit(lambda problem, x: problem.judge(x, knobs).terms)

    def slope_over(step: float, k: int) -> np.ndarray:
        up, down = (np.asarray(judge(problem, _shifted(point, k, by))) for by in (step, -step))
        return (up - down) / (2 * step)

    central, wide = np.zeros((num_terms, num)), np.full((num_terms, num), np.nan)
    names = problem.variables.names
    for k in range(num):
        near, far, broad = STEP, 2 * STEP, _wide_step(problem, point, k)
        central[:, k] = (4 * slope_over(near, k) - slope_over(far, k)) / 3
        if broad is not None:
            wide[:, k] = slope_over(broad, k)
    rows = [
        Comparison(
            term=wish.name,
            variable=names[k],
            reverse=float(reverse[i, k]),
            forward=float(forward[i, k]),
            central=float(central[i, k]),
            wide=float(wide[i, k]) if np.isfinite(wide[i, k]) else None,
            largest=float(np.max(np.abs(central[i]))),
        )
        for i, wish in enumerate(problem.wishes)
        for k in range(num)
    ]
    return rows, _cost(problem, jnp.asarray(point), knobs, judge)


def _shifted(point: np.ndarray, k: int, by: float) -> jax.Array:
    moved = point.copy()
    moved[k] += by
    return jnp.asarray(moved)


def _wide_step(problem: Any, point: np.ndarray, k: int) -> float | None:
    """Half the part of the cube that ±5 % of a number span."""
    owner = [member for member in problem.variables.members for _ in range(member.points)][k]
    value = float(owner.value(point[k]))
    if value == 0:
        return None
    if owner.logarithmic:
        return float(np.log1p(WIDE) / np.log(owner.upper / owner.lower))
    return WIDE * abs(value) / (owner.upper - owner.lower)


def _cost(problem: Any, point: jax.Array, knobs: Any, judge: Callable) -> Cost:
    def objective(problem: Any, x: jax.Array) -> jax.Array:
        return problem.judge(x, knobs).objective

    gradient = eqx.filter_jit(lambda problem, x: jax.value_and_grad(lambda y: objective(problem, y))(x))
    compiled = gradient.lower(problem, point).compile()
    walls = []
    for function in (lambda: judge(problem, point), lambda: compiled(problem, point)):
        jax.block_until_ready(function())
        began = time.perf_counter()
        jax.block_until_ready(function())
        walls.append(time.perf_counter() - began)
    state = jax.eval_shape(problem.case.start)
    one = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    kept = compiled.compiled.memory_analysis().temp_size_in_bytes
    return Cost(walls[1] / walls[0], kept / one, len(problem.schedule))


def table(rows: list[Comparison], cost: Cost) -> str:
    """The comparison as text."""
    heads = "".join(f"{name:>14s}" for name in ("reverse", "forward", "central"))
    lines = [f"{'term':24s}{'variable':40s}{heads}{'error':>10s}{'over ±5 %':>12s}"]
    for row in rows:
        wide = "" if row.wide is None or row.reverse == 0 else f"{100 * (row.wide / row.reverse - 1):+.1f} %"
        lines.append(
            f"{row.term:24s}{row.variable:40s}{row.reverse:14.6e}{row.forward:14.6e}{row.central:14.6e}"
            f"{row.error:10.1e}{wide:>12s}"
        )
    lines.append(
        f"a gradient costs {cost.time_ratio:.1f} runs and {cost.memory_ratio:.0f} stored states over "
        f"{cost.num_steps} steps"
    )
    return "\n".join(lines)


def worst(rows: list[Comparison]) -> Comparison | None:
    """The comparison that is off by most, if any is off by more than the largest error."""
    off = [row for row in rows if row.error > LARGEST_ERROR]
    return max(off, key=lambda row: row.error, default=None)
