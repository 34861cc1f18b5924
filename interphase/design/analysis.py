"""What an optimum is worth: how flat it is, and how it moves with every weight and every exponent of the frontier.

At an optimum u* of J with active constraints c (gradients A) and a knob q,

    ⎡H  Aᵀ⎤ ⎡du*/dq⎤     ⎡∂²L/∂u∂q⎤
    ⎣A  0 ⎦ ⎣dλ/dq ⎦ = − ⎣  ∂c/∂q  ⎦

on the variables that are not at a bound; H and the right side are central differences of gradients of L.
Source: Fiacco, Introduction to Sensitivity and Stability Analysis in Nonlinear Programming (1983), ch. 3.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.design.optimise import Evaluator
from interphase.design.problem import Knobs, Problem

STEP = 0.02  # of the differences, in the unit cube
KNOB_STEP = 0.05  # relative, of an exponent
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
    return Neighbourhood(gradients[here], hessian, moves, {k: v for k, v in indifferent.items() if v})


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


def slices(
    problem: Problem, batches: Batches, point: np.ndarray, knobs: Knobs, points: int = 7
) -> list[dict[str, Any]]:
    """J and the shares along every variable through the optimum, the others held: one dictionary per variable."""
    at = np.linspace(0.0, 1.0, points)
    every = []
    for k in range(len(point)):
        for u in at:
            moved = point.copy()
            moved[k] = u
            every.append(moved)
    judgements, *_ = batches(np.stack(every), [knobs] * len(every))
    cut = []
    for k, name in enumerate(problem.variables.names):
        chosen = slice(k * points, (k + 1) * points)
        values = [
            float(np.concatenate([np.asarray(v) for v in problem.variables.values(jnp.asarray(x)).values()])[k])
            for x in every[chosen]
        ]
        cut.append(
            {
                "variable": name,
                "unit": at.tolist(),
                "value": values,
                "objective": judgements.objective[chosen].tolist(),
                "shares": {w.name: judgements.shares[chosen, i].tolist() for i, w in enumerate(problem.wishes)},
                "is_attainable": [bool(np.all(c <= 1e-3)) for c in judgements.constraints[chosen]],
            }
        )
    return cut


def nearest(
    materials: list[dict[str, Any]], modulus: float, conductivity: float, strain_limit: float, count: int = 5
) -> list[dict[str, Any]]:
    """Library materials nearest to a design, in decades of modulus, conductivity and strain limit.

    **Arguments:**

    - `materials`: dictionaries with `name`, `modulus`, `ionic_conductivity`, and `strain_limit` or `None`.

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
        if material["strain_limit"] is None:
            lacks.append("a measured strain limit")
        else:
            distances.append(np.log10(material["strain_limit"] / strain_limit))
            if material["strain_limit"] < strain_limit / 1.5:
                lacks.append(f"strain limit, by a factor of {strain_limit / material['strain_limit']:.2g}")
        distance = float(np.sqrt(np.mean(np.square(distances))))
        found.append({**material, "distance": distance, "lacks": lacks})
    return sorted(found, key=lambda material: material["distance"])[:count]
