"""A design problem: what a point in the unit cube is worth.

    J(u) = mean_s J_s + k·std_s J_s,        J_s = Σ_k w_k q_k / scale_k        over the scenarios s
    L(u) = J + Σ_j [max(0, λ_j + ρ c_j)² − λ_j²]/2ρ        with constraints c_j(u) ≤ 0

q_k is a term of `objectives`, or ((q − target)/scale)² where a target is given. Constraints are the hard limits of
terms, q/limit − 1, and the material frontier, log₁₀ κ/κ_max(E) at every control point.
Source of L: Rockafellar, J. Optim. Theory Appl. 12 (1973) 555.
"""

import abc
import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Scalar
from interphase.design.frontier import Frontier
from interphase.design.objectives import TERMS
from interphase.design.variables import Point, Variables
from interphase.materials.coating import Coating, Layer, along_profile
from interphase.run.case import Case
from interphase.solvers.batch import over_batch
from interphase.solvers.rollout import kept_states

STATES_OF_A_STEP = 24
"""Memory over that of a state that differentiating one step takes; 20 to 22 measured at 96² and 32 × 64 cells."""


class Wish(eqx.Module):
    """A term as a study asks for it.

    **Arguments:**

    - `name`: in `TERMS`; `scale`: what counts as one; `target`, `limit`: or `None` [SI].
    """

    name: str = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    target: float | None = eqx.field(static=True, default=None)
    limit: float | None = eqx.field(static=True, default=None)

    def judged(self, value: Array) -> Array:
        """Its share of the objective before weighting."""
        return value / self.scale if self.target is None else ((value - self.target) / self.scale) ** 2


class Uncertain(eqx.Module):
    """An input that is not known: how every scenario changes the case.

    **Arguments:**

    - `path`: its key in the study; `change`: puts the scenario's number into the case.
    - `numbers`: one per scenario.
    """

    path: str = eqx.field(static=True)
    change: Callable[[Case, Array], Case] = eqx.field(static=True)
    numbers: Float[Array, " scenarios"]


class Knobs(eqx.Module):
    """What an optimum depends on besides physics; of one start or, as a batch, of all.

    **Arguments:**

    - `weights`: w per wish.
    - `conductivity_exponent`, `strain_exponent`: of the frontier; unused without one.
    """

    weights: Float[Array, "*starts wishes"]
    conductivity_exponent: Float[Array, "*starts"]
    strain_exponent: Float[Array, "*starts"]


class Judgement(eqx.Module):
    """What a point is worth.

    **Arguments:**

    - `objective`: J; `shares`: what every wish adds to it, weighted; `terms`: q [SI], means over the scenarios.
    - `constraints`: c, none may be positive.
    - `residual`: the worst of any step of any scenario.
    """

    objective: Scalar
    shares: Float[Array, " wishes"]
    terms: Float[Array, " wishes"]
    constraints: Float[Array, " constraints"]
    residual: Scalar


class AbstractProblem(eqx.Module):
    """What a search needs of a problem.

    **Arguments:**

    - `schedule`: step sizes of a run [s]; its precision is that of the search.
    - `variables`, `wishes`: what is free and what is wanted.
    """

    schedule: eqx.AbstractVar[Float[Array, " steps"]]
    variables: eqx.AbstractVar[Variables]
    wishes: eqx.AbstractVar[tuple[Wish, ...]]

    @abc.abstractmethod
    def judge(self, point: Point, knobs: Knobs) -> Judgement:
        """What a design is worth."""

    @abc.abstractmethod
    def constraint_names(self) -> list[str]:
        """What every constraint holds back."""

    def direct_constraints(self, point: Point, knobs: Knobs) -> Array:
        """The last of the constraints: those that need no run, whose slopes cost next to nothing."""
        return jnp.zeros(0, point.dtype)


class Problem(AbstractProblem):
    """A coating under a simulated run.

    **Arguments:**

    - `case`: the study with its numbers; `schedule`: step sizes of the run [s].
    - `frontier`: or `None`; `limits_conductivity`: it is a constraint; `ties_strain_limit`: ε_lim follows E.
    - `uncertain`: inputs that differ between scenarios; `caution`: k.
    - `segment`: of the rollout, see `solvers.rollout`.
    """

    case: Case
    schedule: Float[Array, " steps"]
    variables: Variables
    wishes: tuple[Wish, ...]
    frontier: Frontier | None
    uncertain: tuple[Uncertain, ...]
    limits_conductivity: bool = eqx.field(static=True)
    ties_strain_limit: bool = eqx.field(static=True)
    caution: float = eqx.field(static=True, default=0.0)
    segment: int | None = eqx.field(static=True, default=None)

    @property
    def num_scenarios(self) -> int:
        return len(self.uncertain[0].numbers) if self.uncertain else 1

    def within(self, num_bytes: float) -> "Problem":
        """With every state of a run kept if that fits, which spares a run; otherwise as few as can be."""
        keeps_all = dataclasses.replace(self, segment=1)
        return keeps_all if keeps_all.memory <= num_bytes else dataclasses.replace(self, segment=None)

    @property
    def memory(self) -> float:
        """About what a gradient keeps [bytes]: states, and one step taken apart."""
        state = jax.eval_shape(self.case.start)
        one = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
        return one * self.num_scenarios * (kept_states(len(self.schedule), self.segment) + STATES_OF_A_STEP)

    def designed(self, point: Point, knobs: Knobs) -> Case:
        """The case at `point`, before anything uncertain."""
        case = self.variables.applied(self.case, point)
        frontier = self._frontier(knobs)
        return tied(case, frontier) if frontier is not None and self.ties_strain_limit else case

    def judge(self, point: Point, knobs: Knobs) -> Judgement:
        """Runs all scenarios of a design."""
        designed = self.designed(point, knobs)

        def scenario(numbers: tuple[Array, ...]) -> tuple[Array, Scalar]:
            case = designed
            for uncertain, number in zip(self.uncertain, numbers, strict=True):
                case = uncertain.change(case, number)
            course = case.observed(self.schedule, self.segment)
            terms = jnp.stack([TERMS[wish.name].measure(course) for wish in self.wishes])
            return terms, jnp.max(course.residual)

        if self.uncertain:
            terms, residual = over_batch(scenario, tuple(u.numbers for u in self.uncertain))
        else:
            terms, residual = jax.tree.map(lambda x: x[None], scenario(()))
        shares = knobs.weights * jnp.stack([w.judged(terms[:, k]) for k, w in enumerate(self.wishes)], axis=1)
        of_scenarios = jnp.sum(shares, axis=1)
        objective = jnp.mean(of_scenarios)
        if self.caution and self.num_scenarios > 1:
            objective += self.caution * jnp.sqrt(jnp.var(of_scenarios) + 1e-16)
        limits = [
            jnp.mean(terms[:, k]) / wish.limit - 1 for k, wish in enumerate(self.wishes) if wish.limit is not None
        ]
        return Judgement(
            objective=objective,
            shares=jnp.mean(shares, axis=0),
            terms=jnp.mean(terms, axis=0),
            constraints=jnp.concatenate([jnp.stack(limits) if limits else jnp.zeros(0), self._beyond(designed, knobs)]),
            residual=jnp.max(residual),
        )

    def direct_constraints(self, point: Point, knobs: Knobs) -> Array:
        return self._beyond(self.designed(point, knobs), knobs)

    def constraint_names(self) -> list[str]:
        """What every constraint holds back."""
        names = [f"{wish.name} limit" for wish in self.wishes if wish.limit is not None]
        coating = self.case.model.stack.coating
        if self.frontier is None or not self.limits_conductivity or coating is None:
            return names
        for k, layer in enumerate(coating.layers):
            points = max(_points(self.variables, k, name, layer) for name in ("modulus", "ionic_conductivity"))
            names += [f"frontier of layer {k}" + (f" at point {p}" if points > 1 else "") for p in range(points)]
        return names

    def _frontier(self, knobs: Knobs) -> Frontier | None:
        if self.frontier is None:
            return None
        return eqx.tree_at(
            lambda f: (f.conductivity_exponent, f.strain_exponent),
            self.frontier,
            (knobs.conductivity_exponent, knobs.strain_exponent),
        )

    def _beyond(self, case: Case, knobs: Knobs) -> Array:
        """log₁₀ κ/κ_max(E) at the control points of every layer."""
        frontier, coating = self._frontier(knobs), case.model.stack.coating
        if frontier is None or coating is None or not self.limits_conductivity:
            return jnp.zeros(0)
        return jnp.concatenate([_beyond_of(coating, k, frontier) for k in range(len(coating.layers))])


def _points(variables: Variables, index: int, name: str, layer: Layer) -> int:
    """Control points that a property of a layer has in every design."""
    path = f"coating.layers[{index}].{name}"
    return next((v.points for v in variables.members if v.path == path), getattr(layer, name).shape[0])


def _beyond_of(coating: Coating, index: int, frontier: Frontier) -> Array:
    layer = coating.layers[index]
    points = max(layer.modulus.shape[0], layer.ionic_conductivity.shape[0])
    at = jnp.linspace(0.0, 1.0, points)
    modulus, conductivity = along_profile(layer.modulus, at), along_profile(layer.ionic_conductivity, at)
    return jnp.log10(conductivity) - frontier.log_conductivity(modulus)


def tied(case: Case, frontier: Frontier) -> Case:
    """The case with every layer's strain limit where the frontier has it for the layer's modulus."""
    coating = case.model.stack.coating
    assert coating is not None
    layers = tuple(
        eqx.tree_at(lambda layer: layer.strain_limit, layer, frontier.strain_limit(layer.modulus))
        for layer in coating.layers
    )
    coating = eqx.tree_at(lambda c: c.layers, coating, layers)
    coating = dataclasses.replace(coating, has_strain_limit=True)
    return eqx.tree_at(lambda c: c.model.stack.coating, case, coating)
