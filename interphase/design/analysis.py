"""What an optimum is worth: how flat it is, and how it moves with every weight and every exponent of the frontier.

At an optimum u* of J with active constraints c (gradients A) and a knob q,

    ⎡H  Aᵀ⎤ ⎡du*/dq⎤     ⎡∂²L/∂u∂q⎤
    ⎣A  0 ⎦ ⎣dλ/dq ⎦ = − ⎣  ∂c/∂q  ⎦

on the variables that are not at a bound; H and the right side are central differences of gradients of L.
Source: Fiacco, Introduction to Sensitivity and Stability Analysis in Nonlinear Programming (1983), ch. 3.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.design.optimise import Evaluator
from interphase.design.problem import Judgement, Knobs, Problem
from interphase.solvers.batch import over_batch

STEP = 0.02  # of the differences, in the unit cube
KNOB_STEP = 0.05  # relative, of an exponent
FINE = 61  # points of a raster that costs nothing
TOGETHER = 7  # points that are judged between two reports of progress
MOST_VARIABLES = 8  # beyond which a Hessian by differences is not worth its runs


@dataclasses.dataclass(frozen=True)
class Neighbourhood:
    """The optimum and its surroundings.

    **Arguments:**

    - `slopes`: dJ/du of every variable; `hessian`: of L, `(variables, variables)`.
    - `moves`: knob → how far u* moves when the knob is doubled (an exponent: raised by a tenth), to first order.
    - `is_indifferent`: knobs, by name, that move a variable by more than the distance to the bound it moves to.
    """

    slopes: np.ndarray
    hessian: np.ndarray
    moves: dict[str, np.ndarray]
    is_indifferent: dict[str, list[str]]


class Batches:
    """Any number of points through an evaluator of a fixed batch."""

    def __init__(self, evaluator: Evaluator, size: int, tell: Callable[[int, int], None]):
        self._evaluator, self._size, self._tell = evaluator, size, tell

    def __call__(self, points: np.ndarray, knobs: list[Knobs]) -> Any:
        """Judgements, ∇J and ∇c as arrays of numpy."""
        num, size = len(points), self._size
        answers = []
        for begin in range(0, num, size):
            chosen = [min(k, num - 1) for k in range(begin, begin + size)]
            stacked = jax.tree.map(lambda *x: jnp.stack(x), *[knobs[k] for k in chosen])
            answer = self._evaluator(jnp.asarray(points[chosen]), stacked)
            answers.append(jax.tree.map(np.asarray, answer))
            self._tell(min(begin + size, num), num)
        return jax.tree.map(lambda *parts: np.concatenate(parts)[:num], *answers)


def neighbourhood(
    problem: Problem, batches: Batches, point: np.ndarray, knobs: Knobs, multipliers: np.ndarray, penalty: float
) -> Neighbourhood | None:
    """Sensitivities of an optimum, or `None` with too many variables for them."""
    n = len(point)
    if n > MOST_VARIABLES:
        return None
    weight_names = [f"weight of {wish.name}" for wish in problem.wishes]
    exponents = ["conductivity_exponent", "strain_exponent"] if problem.frontier is not None else []
    points, settings = [], []
    for k in range(n):
        for sign in (1, -1):
            moved = point.copy()
            moved[k] = np.clip(point[k] + sign * STEP, 0.0, 1.0)
            points.append(moved)
            settings.append(knobs)
    for k in range(len(weight_names)):
        points.append(point)
        settings.append(eqx.tree_at(lambda q, k=k: q.weights, knobs, knobs.weights.at[k].multiply(2.0)))
    for name in exponents:
        for sign in (1, -1):
            points.append(point)
            settings.append(
                eqx.tree_at(lambda q, name=name: getattr(q, name), knobs, getattr(knobs, name) * (1 + sign * KNOB_STEP))
            )
    points.append(point)
    settings.append(knobs)
    judgements, slopes, constraint_slopes = batches(np.stack(points), settings)
    pressed = np.maximum(multipliers + penalty * judgements.constraints, 0.0)
    gradients = slopes + np.einsum("pc,pcv->pv", pressed, constraint_slopes)
    here = len(points) - 1
    width = np.array([points[2 * k][k] - points[2 * k + 1][k] for k in range(n)])
    hessian = np.stack([(gradients[2 * k] - gradients[2 * k + 1]) / width[k] for k in range(n)])
    hessian = 0.5 * (hessian + hessian.T)
    mixed: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    unchanged = np.zeros(len(multipliers))
    for k, name in enumerate(weight_names):
        mixed[name] = (gradients[2 * n + k] - gradients[here], unchanged)  # doubled: J is linear in the weights
    for k, name in enumerate(exponents):
        first = 2 * n + len(weight_names) + 2 * k
        tenth = 0.1 / (2 * KNOB_STEP)
        mixed[name.replace("_", " ")] = (
            tenth * (gradients[first] - gradients[first + 1]),
            tenth * (judgements.constraints[first] - judgements.constraints[first + 1]),
        )
    active = multipliers + penalty * judgements.constraints[here] > 0
    free = (point > 1e-6) & (point < 1 - 1e-6)
    moves = {
        name: _moved(hessian, constraint_slopes[here][active], right, change[active], free)
        for name, (right, change) in mixed.items()
    }
    names = problem.variables.names
    indifferent = {
        name: [
            names[k]
            for k in range(n)
            if free[k] and (not np.isfinite(move[k]) or not 0 <= point[k] + move[k] <= 1)
        ]
        for name, move in moves.items()
    }  # fmt: skip
    return Neighbourhood(slopes[here], hessian, moves, {k: v for k, v in indifferent.items() if v})


def _moved(
    hessian: np.ndarray, active: np.ndarray, right: np.ndarray, change: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """du* on the free variables, staying on the active constraints; the others stand still."""
    n, m = int(free.sum()), len(active)
    move = np.zeros(len(right))
    if n == 0:
        return move
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = hessian[np.ix_(free, free)]
    matrix[:n, n:] = active[:, free].T
    matrix[n:, :n] = active[:, free]
    move[free] = -np.linalg.lstsq(matrix, np.concatenate([right[free], change]), rcond=None)[0][:n]
    return move


def elasticities(problem: Problem, point: np.ndarray, slope: np.ndarray, objective: float) -> list[float]:
    """d ln J/d ln p of every free number at a point.

    **Arguments:**

    - `slope`: dJ/du.
    """
    owners = [member for member in problem.variables.members for _ in range(member.points)]
    units_per_e_fold = [
        1 / np.log(owner.upper / owner.lower) if owner.logarithmic
        else float(owner.value(u)) / (owner.upper - owner.lower)
        for owner, u in zip(owners, point, strict=True)
    ]  # fmt: skip
    return (np.asarray(slope) * units_per_e_fold / objective).tolist()


class Judge:
    """Judgements without gradients of any number of points, a few at a time.

    **Arguments:**

    - `tolerance`: of the coupled balance; what was not solved is worth `None`.
    """

    def __init__(self, problem: Problem, knobs: Knobs, tolerance: float, tell: Callable[[int, int], None]):
        self._function = eqx.filter_jit(
            lambda problem, points: over_batch(lambda point: problem.judge(point, knobs), points)
        )
        self._problem, self._tolerance, self._tell = problem, tolerance, tell

    def __call__(self, points: np.ndarray) -> list[Judgement | None]:
        num, answers = len(points), []
        for begin in range(0, num, TOGETHER):
            chosen = np.minimum(np.arange(begin, begin + TOGETHER), num - 1)
            judged = jax.device_get(self._function(self._problem, jnp.asarray(points[chosen])))
            answers += [jax.tree.map(lambda x, k=k: x[k], judged) for k in range(TOGETHER)]
            self._tell(min(begin + TOGETHER, num), num)
        solved = [np.isfinite(a.objective) and a.residual <= self._tolerance for a in answers]
        return [a if is_solved else None for a, is_solved in zip(answers, solved, strict=True)][:num]


def slices(problem: Problem, judge: Judge, point: np.ndarray, points: int = 9) -> list[dict[str, Any]]:
    """J and the shares along every variable through the optimum, the others held: one dictionary per variable."""
    at = np.linspace(0.0, 1.0, points)
    every = np.tile(point, (len(point), points, 1))
    for k in range(len(point)):
        every[k, :, k] = at
    judged = judge(every.reshape(-1, len(point)))
    cut = []
    for k, name in enumerate(problem.variables.names):
        row = judged[k * points : (k + 1) * points]
        cut.append(
            {
                "variable": name,
                "unit": at.tolist(),
                "value": _values(problem, k, at),
                "objective": [_objective(j) for j in row],
                "shares": {
                    w.name: [None if j is None else float(j.shares[i]) for j in row]
                    for i, w in enumerate(problem.wishes)
                },
                "is_attainable": [_is_attainable(j) for j in row],
            }
        )
    return cut


def maps(problem: Problem, judge: Judge, point: np.ndarray, knobs: Knobs, points: int = 7) -> list[dict[str, Any]]:
    """J over every pair of variables through the optimum, the others held; rows are the second variable.

    What lies beyond the frontier needs no run and comes on a finer raster.
    """
    found = []
    beyond = jax.jit(jax.vmap(lambda point: jnp.max(problem.direct_constraints(point, knobs), initial=-jnp.inf)))
    for i, j in itertools.combinations(range(len(point)), 2):

        def raster(size: int, i: int = i, j: int = j) -> tuple[np.ndarray, np.ndarray]:
            at = np.linspace(0.0, 1.0, size)
            every = np.tile(point, (size, size, 1))
            every[..., i], every[..., j] = at[None, :], at[:, None]
            return at, every.reshape(-1, len(point))

        at, every = raster(points)
        fine, finely = raster(FINE)
        found.append(
            {
                "variables": [problem.variables.names[i], problem.variables.names[j]],
                "values": [_values(problem, i, at), _values(problem, j, at)],
                "objective": _rows([_objective(one) for one in judge(every)], points),
                "fine_values": [_values(problem, i, fine), _values(problem, j, fine)],
                "is_beyond": _rows((np.asarray(beyond(jnp.asarray(finely))) > 1e-3).tolist(), FINE),
            }
        )
    return found


def _objective(judgement: Judgement | None) -> float | None:
    return None if judgement is None else float(judgement.objective)


def _is_attainable(judgement: Judgement | None) -> bool:
    return judgement is not None and bool(np.all(judgement.constraints <= 1e-3))


def _rows(values: list[Any], size: int) -> list[list[Any]]:
    return [values[k : k + size] for k in range(0, len(values), size)]


def _values(problem: Problem, k: int, units: np.ndarray) -> list[float]:
    """Of one free number at coordinates of the cube [SI]."""
    owner = [member for member in problem.variables.members for _ in range(member.points)][k]
    return np.asarray(owner.value(units)).tolist()


def nearest(
    materials: list[dict[str, Any]], modulus: float, conductivity: float, strain_limit: float | None, count: int = 5
) -> list[dict[str, Any]]:
    """Library materials nearest to a design, in decades of modulus, conductivity and strain limit.

    **Arguments:**

    - `materials`: dictionaries with `name`, `modulus`, `ionic_conductivity`, and `strain_limit` or `None`.
    - `strain_limit`: `None` where the design has none; then it does not count.

    **Returns:** the nearest with `distance` [decades] and `lacks`: what it falls short of by more than a factor of 1.5.
    """
    found = []
    for material in materials:
        lacks = []
        distances = [np.log10(material["modulus"] / modulus), np.log10(material["ionic_conductivity"] / conductivity)]
        if material["modulus"] < modulus / 1.5:
            lacks.append(f"stiffness, by a factor of {modulus / material['modulus']:.2g}")
        if material["modulus"] > 1.5 * modulus:
            lacks.append(f"softness, by a factor of {material['modulus'] / modulus:.2g}")
        if material["ionic_conductivity"] < conductivity / 1.5:
            lacks.append(f"conductivity, by a factor of {conductivity / material['ionic_conductivity']:.2g}")
        if strain_limit is None:
            pass
        elif material["strain_limit"] is None:
            lacks.append("a measured strain limit")
        else:
            distances.append(np.log10(material["strain_limit"] / strain_limit))
            if material["strain_limit"] < strain_limit / 1.5:
                lacks.append(f"strain limit, by a factor of {strain_limit / material['strain_limit']:.2g}")
        distance = float(np.sqrt(np.mean(np.square(distances))))
        found.append({**material, "distance": distance, "lacks": lacks})
    return sorted(found, key=lambda material: material["distance"])[:count]
