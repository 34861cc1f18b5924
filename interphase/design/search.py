"""The search from one start, as a state that every evaluation of the objective moves on; starts are a batch of it.

    quasi-Newton    trial = u + α d,  d where a quadratic model of L is least within the cube;
                    taken when L(trial) ≤ L(u) + 10⁻⁴ ∇L·(trial − u), else α shrinks
    Adam            trial = clip(u + Adam(∇L)), taken whenever it could be computed

Then, where there are constraints and the inner search has come to rest, at first roughly and later closely:
λ ← max(0, λ + ρ c), and ρ grows where c did not fall. A trial that is not finite or was not solved is rejected and
counted. Adam is optax's. Source: Nocedal & Wright, Numerical Optimization, alg. 17.4 (multipliers).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PyTree

from interphase.arrays import Scalar
from interphase.design.descent import Constraints, Curvature, first_curvature, least, updated
from interphase.design.problem import Judgement
from interphase.design.variables import Point

RUNNING, CONVERGED, STALLED = 0, 1, 2
STATUS = ("not at rest", "converged", "stalled")
ARMIJO = 1e-4
SHRINK = (0.1, 0.5)  # bounds of how α falls after a rejected trial
LONGEST = 0.25  # of the unit cube that a trial may go along any variable
SHORTEST = 1e-4  # below which a line search has failed
PATIENCE = {"bfgs": 3, "adam": 20}  # iterations in a row without a fall; Adam overshoots and comes back
KEPT = 1e-3  # violation that counts as none
PENALTY, PENALTY_GROWTH, LARGEST_PENALTY = 1.0, 4.0, 1e4
CLOSER = 0.1  # of the gradient at which the inner search rests, from one set of multipliers to the next


class Settings(eqx.Module):
    """How to search.

    **Arguments:**

    - `method`: `"bfgs"` or `"adam"`.
    - `tolerance`: of the projected gradient over the first one.
    - `stall`: relative fall of the objective below which an iteration counts as none; see `PATIENCE`.
    - `evaluations`: most per start.
    - `learning_rate`, `clip`: of Adam, in the unit cube; the rate decays as a cosine over the evaluations.
    """

    method: str = eqx.field(static=True, default="bfgs")
    tolerance: float = eqx.field(static=True, default=1e-3)
    stall: float = eqx.field(static=True, default=1e-6)
    evaluations: int = eqx.field(static=True, default=60)
    learning_rate: float = eqx.field(static=True, default=0.05)
    clip: float = eqx.field(static=True, default=10.0)

    @property
    def rule(self) -> optax.GradientTransformation:
        """Of Adam."""
        schedule = optax.cosine_decay_schedule(self.learning_rate, self.evaluations, alpha=0.05)
        return optax.chain(optax.clip_by_global_norm(self.clip), optax.adam(schedule))


class Search(eqx.Module):
    """Where a search stands.

    **Arguments:**

    - `point`, `judgement`, `slope`, `constraint_slopes`: the last that was taken; ∇J and ∇c.
    - `trial`: what is to be evaluated next; `direction`, `length`: d and α; `reach`: longest d along any variable.
    - `curvature`: of J + λ·c, gathered; `memory`: of Adam.
    - `multipliers`, `penalty`: λ and ρ; `violation`: when they last changed; `rest`: ‖∇L‖ that counts as none so far.
    - `first_norm`, `norm`: of the projected gradient of L, at the first point and now.
    - `status`: an index of `STATUS`; `taken`, `rejected`: trials; `idle`: iterations in a row without a fall.
    """

    point: Point
    judgement: Judgement
    slope: Point
    constraint_slopes: Float[Array, "constraints variables"]
    trial: Point
    direction: Point
    length: Scalar
    reach: Scalar
    curvature: Curvature
    memory: PyTree
    multipliers: Float[Array, " constraints"]
    penalty: Scalar
    violation: Scalar
    rest: Scalar
    first_norm: Scalar
    norm: Scalar
    status: Int[Array, ""]
    taken: Int[Array, ""]
    rejected: Int[Array, ""]
    idle: Int[Array, ""]

    @property
    def constraints(self) -> Constraints:
        return Constraints(self.judgement.constraints, self.constraint_slopes, self.multipliers, self.penalty)

    @property
    def value(self) -> Scalar:
        """L."""
        return self.judgement.objective + self.constraints.share(jnp.zeros_like(self.point))

    @property
    def gradient(self) -> Point:
        """∇L."""
        return self.slope + self.constraints.slope(jnp.zeros_like(self.point))


class Verdict(NamedTuple):
    """What became of a trial: whether it was taken, its L and ‖∇L‖."""

    takes: Bool[Array, ""]
    value: Scalar
    gradient_norm: Scalar


def begin(point: Point, judgement: Judgement, settings: Settings) -> Search:
    """A search at its start.

    **Arguments:**

    - `judgement`: of any point; only its shapes are used.
    """
    zero, count = jnp.zeros((), point.dtype), jnp.zeros((), jnp.int32)
    none = jnp.zeros(judgement.constraints.shape, point.dtype)
    return Search(
        point=point,
        judgement=jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), judgement),
        slope=jnp.zeros_like(point),
        constraint_slopes=jnp.zeros((*none.shape, *point.shape), point.dtype),
        trial=point,
        direction=jnp.zeros_like(point),
        length=zero,
        reach=zero + LONGEST,
        curvature=first_curvature(jnp.zeros_like(point)),
        memory=settings.rule.init(point),
        multipliers=none,
        penalty=zero + PENALTY,
        violation=zero + jnp.inf,
        rest=zero,
        first_norm=zero,
        norm=zero,
        status=count,
        taken=count,
        rejected=count,
        idle=count,
    )


def advance(
    search: Search,
    judgement: Judgement,
    slope: Point,
    constraint_slopes: Float[Array, "constraints variables"],
    settings: Settings,
    tolerance: float,
) -> tuple[Search, Verdict]:
    """The search after its trial was judged.

    **Arguments:**

    - `slope`, `constraint_slopes`: ∇J and ∇c; `tolerance`: of the coupled balance, above which a run was not solved.
    """
    found = (judgement, slope, constraint_slopes)
    there = eqx.tree_at(lambda s: (s.judgement, s.slope, s.constraint_slopes), search, found)
    finite = jnp.isfinite(there.value) & jnp.all(jnp.isfinite(there.gradient))
    solved = finite & jnp.all(jnp.isfinite(constraint_slopes)) & (judgement.residual <= tolerance)
    promised = ARMIJO * jnp.vdot(search.gradient, search.trial - search.point)
    falls = there.value <= search.value + promised
    is_first = search.taken == 0
    takes = solved & (is_first | falls | (settings.method == "adam")) & (search.status == RUNNING)
    moved = _moved(search, there, settings)
    refused = _refused(search, jnp.where(solved, there.value, jnp.inf), settings)
    chosen = _either(takes, moved, refused)
    verdict = Verdict(takes, there.value, jnp.linalg.norm(there.gradient))
    return _either(search.status == RUNNING, chosen, search), verdict


def _either(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _projected_norm(search: Search) -> Scalar:
    return jnp.linalg.norm(jnp.clip(search.point - search.gradient, 0.0, 1.0) - search.point)


def _moved(search: Search, there: Search, settings: Settings) -> Search:
    """The trial becomes the point; what to try next."""
    is_first, is_second = search.taken == 0, search.taken == 1
    pressed = there.constraints.pressed(jnp.zeros_like(there.point))
    change = there.slope - search.slope + pressed @ (there.constraint_slopes - search.constraint_slopes)
    gathered = updated(search.curvature, search.trial - search.point, change, is_second)
    fell = search.value - there.value > settings.stall * jnp.abs(there.value)
    idle = jnp.where(fell | is_first, 0, search.idle + 1)
    # The model held as far as the step that was taken: when that was a shortened one, it is the measure of the next.
    held = jnp.where(search.length < 1, jnp.max(jnp.abs(search.trial - search.point)), search.reach)
    reach = jnp.where(is_first, LONGEST, jnp.minimum(2 * held, LONGEST))
    there = eqx.tree_at(
        lambda s: (s.point, s.curvature, s.reach, s.taken, s.idle),
        there,
        (search.trial, jnp.where(is_first, first_curvature(there.slope), gathered), reach, search.taken + 1, idle),
    )
    norm = _projected_norm(there)
    first_norm = jnp.where(is_first, norm, search.first_norm)
    rest = jnp.where(is_first, CLOSER * norm, search.rest)
    there = eqx.tree_at(lambda s: (s.norm, s.first_norm, s.rest), there, (norm, first_norm, rest))
    return _aimed(_rested(there, idle >= PATIENCE[settings.method], settings), settings)


def _aimed(search: Search, settings: Settings) -> Search:
    """The next trial."""
    point, memory = search.point, search.memory
    if settings.method == "adam":
        update, memory = settings.rule.update(search.gradient, memory, point)
        direction = jnp.asarray(update)  # of one array it is one array
        direction *= jnp.minimum(1.0, LONGEST / (jnp.max(jnp.abs(direction)) + 1e-30))
    else:
        lower, upper = jnp.maximum(-point, -search.reach), jnp.minimum(1 - point, search.reach)
        direction = least(search.slope, search.curvature, search.constraints, lower, upper)
    trial = jnp.clip(point + direction, 0.0, 1.0)
    return eqx.tree_at(
        lambda s: (s.direction, s.length, s.trial, s.memory),
        search,
        (direction, jnp.ones_like(search.length), trial, memory),
    )


def _refused(search: Search, value: Scalar, settings: Settings) -> Search:
    """A shorter trial, at the minimum of the parabola through what is known; when it is too short, what was gathered
    is forgotten, and the point counts as one of rest."""
    slope = jnp.vdot(search.gradient, search.trial - search.point)
    shrink = jnp.clip(-0.5 * slope / (value - search.value - slope), *SHRINK)
    length = jnp.where(jnp.isfinite(shrink), shrink, SHRINK[0]) * search.length
    trial = jnp.clip(search.point + length * search.direction, 0.0, 1.0)
    search = eqx.tree_at(lambda s: (s.length, s.trial, s.rejected), search, (length, trial, search.rejected + 1))
    afresh = (first_curvature(search.slope), jnp.full_like(length, LONGEST))
    forgotten = eqx.tree_at(lambda s: (s.curvature, s.reach), search, afresh)
    too_short = jnp.max(jnp.abs(length * search.direction)) < SHORTEST
    return _either(too_short, _aimed(_rested(forgotten, jnp.asarray(True), settings), settings), search)


def _rested(search: Search, is_stuck: Array, settings: Settings) -> Search:
    """What follows when the inner search has come to rest: new multipliers, or the end."""
    closest = settings.tolerance * search.first_norm
    is_flat = search.norm <= closest
    ended = jnp.where(is_flat, CONVERGED, STALLED).astype(search.status.dtype)
    constraints = search.judgement.constraints
    if constraints.shape[0] == 0:
        return eqx.tree_at(lambda s: s.status, search, jnp.where(is_flat | is_stuck, ended, search.status))
    rests = is_stuck | (search.norm <= jnp.maximum(search.rest, closest))
    # Of a constraint that holds with room to spare only the multiplier that is left counts.
    violation = jnp.max(jnp.abs(jnp.maximum(constraints, -search.multipliers / search.penalty)))
    done = (is_flat | is_stuck) & (violation <= KEPT)
    grown = jnp.minimum(PENALTY_GROWTH * search.penalty, LARGEST_PENALTY)
    again = eqx.tree_at(
        lambda s: (s.multipliers, s.penalty, s.violation, s.rest, s.idle),
        search,
        (
            search.constraints.pressed(jnp.zeros_like(search.point)),
            jnp.where(violation > 0.25 * search.violation, grown, search.penalty),
            violation,
            CLOSER * search.rest,
            jnp.zeros_like(search.idle),
        ),
    )
    search = _either(rests & ~done, again, search)
    return eqx.tree_at(lambda s: s.status, search, jnp.where(done, ended, search.status))


def start_points(num_variables: int, num_starts: int, seed: int, first: np.ndarray | None) -> np.ndarray:
    """Starts spread over the inner four fifths of the unit cube by a scrambled Halton sequence.

    **Arguments:**

    - `first`: the study's own numbers, which are the first start when they lie within the bounds.
    """
    from scipy.stats import qmc

    spread = 0.1 + 0.8 * qmc.Halton(num_variables, rng=seed).random(num_starts)
    if first is not None:
        spread[0] = first
    return spread
