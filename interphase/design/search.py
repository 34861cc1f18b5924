"""The search from one start, as a state that every evaluation of the objective moves on; starts are a batch of it.

    quasi-Newton    trial = clip(u + α d),  d = −H g on the variables that may move;
                    taken when L(trial) ≤ L(u) + 10⁻⁴ g·(trial − u), else α shrinks
    Adam            trial = clip(u + Adam(g)), taken whenever it could be computed

Then, where there are constraints and the inner search has come to rest: λ ← max(0, λ + ρ c), and ρ grows where c did
not fall. A trial that is not finite or was not solved is rejected and counted.
H and Adam are optax's. Sources: Bertsekas, SIAM J. Control Optim. 20 (1982) 221 (projected Newton directions);
Nocedal & Wright, Numerical Optimization, alg. 17.4 (multipliers).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PyTree

from interphase.arrays import Scalar
from interphase.design.problem import Judgement
from interphase.design.variables import Point

RUNNING, CONVERGED, STALLED = 0, 1, 2
STATUS = ("not at rest", "converged", "stalled")
ARMIJO = 1e-4
SHRINK = (0.1, 0.5)  # bounds of how α falls after a rejected trial
LONGEST = 0.25  # of the unit cube that a trial may go along any variable
SHORTEST = 1e-4  # below which a line search has failed
PATIENCE = {"lbfgs": 3, "adam": 20}  # iterations in a row without a fall; Adam overshoots and comes back
KEPT = 1e-3  # violation that counts as none
PENALTY, PENALTY_GROWTH, LARGEST_PENALTY = 1.0, 4.0, 1e4


class Settings(eqx.Module):
    """How to search.

    **Arguments:**

    - `method`: `"lbfgs"` or `"adam"`.
    - `tolerance`: of the projected gradient over the first one.
    - `stall`: relative fall of the objective below which an iteration counts as none; see `PATIENCE`.
    - `evaluations`: most per start.
    - `learning_rate`, `clip`: of Adam, in the unit cube; the rate decays as a cosine over the evaluations.
    """

    method: str = eqx.field(static=True, default="lbfgs")
    tolerance: float = eqx.field(static=True, default=1e-3)
    stall: float = eqx.field(static=True, default=1e-6)
    evaluations: int = eqx.field(static=True, default=60)
    learning_rate: float = eqx.field(static=True, default=0.05)
    clip: float = eqx.field(static=True, default=10.0)

    @property
    def rule(self) -> optax.GradientTransformation:
        if self.method == "lbfgs":
            return optax.scale_by_lbfgs(memory_size=10)
        schedule = optax.cosine_decay_schedule(self.learning_rate, self.evaluations, alpha=0.05)
        return optax.chain(optax.clip_by_global_norm(self.clip), optax.adam(schedule))


class Search(eqx.Module):
    """Where a search stands.

    **Arguments:**

    - `point`, `value`, `gradient`, `judgement`: the last that was taken; `trial`: what is to be evaluated next.
    - `direction`, `length`: d and α; `memory`: of the optax rule.
    - `multipliers`, `penalty`: λ and ρ; `violation`: when they last changed.
    - `must_take`: the next trial is no step but a beginning.
    - `first_norm`, `norm`: of the projected gradient, at the first point and now.
    - `status`: an index of `STATUS`; `taken`, `rejected`: trials; `idle`: iterations in a row without a fall.
    """

    point: Point
    value: Scalar
    gradient: Point
    judgement: Judgement
    trial: Point
    direction: Point
    length: Scalar
    memory: PyTree
    multipliers: Float[Array, " constraints"]
    penalty: Scalar
    violation: Scalar
    must_take: Bool[Array, ""]
    first_norm: Scalar
    norm: Scalar
    status: Int[Array, ""]
    taken: Int[Array, ""]
    rejected: Int[Array, ""]
    idle: Int[Array, ""]


def begin(point: Point, judgement: Judgement, settings: Settings) -> Search:
    """A search at its start.

    **Arguments:**

    - `judgement`: of any point; only its shapes are used.
    """
    zero = jnp.zeros((), point.dtype)
    count = jnp.zeros((), jnp.int32)
    return Search(
        point=point,
        value=zero + jnp.inf,
        gradient=jnp.zeros_like(point),
        judgement=jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), judgement),
        trial=point,
        direction=jnp.zeros_like(point),
        length=zero,
        memory=settings.rule.init(point),
        multipliers=jnp.zeros(judgement.constraints.shape, point.dtype),
        penalty=zero + PENALTY,
        violation=zero + jnp.inf,
        must_take=jnp.asarray(True),
        first_norm=zero,
        norm=zero,
        status=count,
        taken=count,
        rejected=count,
        idle=count,
    )


def advance(
    search: Search, value: Scalar, gradient: Point, judgement: Judgement, settings: Settings, tolerance: float
) -> tuple[Search, Bool[Array, ""]]:
    """The search after its trial was evaluated, and whether the trial was taken.

    **Arguments:**

    - `value`, `gradient`: of L; `tolerance`: of the coupled balance, above which a run was not solved.
    """
    solved = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient)) & (judgement.residual <= tolerance)
    promised = ARMIJO * jnp.vdot(search.gradient, search.trial - search.point)
    falls = value <= search.value + promised
    takes = solved & (search.must_take | falls | (settings.method == "adam")) & (search.status == RUNNING)
    moved = _moved(search, value, gradient, judgement, settings)
    refused = _refused(search, jnp.where(solved, value, jnp.inf), settings)
    chosen = _either(takes, moved, refused)
    return _either(search.status == RUNNING, chosen, search), takes


def _either(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _blocked(point: Point, gradient: Point) -> Bool[Array, " variables"]:
    """At a bound, and downhill leads out."""
    return ((point <= 0) & (gradient > 0)) | ((point >= 1) & (gradient < 0))


def _moved(search: Search, value: Scalar, gradient: Point, judgement: Judgement, settings: Settings) -> Search:
    """The trial becomes the point; what to try next."""
    point, dtype = search.trial, search.point.dtype
    free = jnp.where(_blocked(point, gradient), 0.0, gradient)
    update, memory = settings.rule.update(free, search.memory, point)
    update = jnp.asarray(update)  # of one array it is one array
    if settings.method == "lbfgs":
        downhill = jnp.where(_blocked(point, gradient), 0.0, -update)
        direction = jnp.where(jnp.vdot(downhill, free) < 0, downhill, -free)
    else:
        direction = update
    length = jnp.minimum(1.0, LONGEST / (jnp.max(jnp.abs(direction)) + 1e-30)).astype(dtype)
    norm = jnp.linalg.norm(jnp.clip(point - gradient, 0.0, 1.0) - point)
    first_norm = jnp.where(search.taken == 0, norm, search.first_norm)
    fell = search.value - value > settings.stall * jnp.abs(value)
    idle = jnp.where(fell | search.must_take, 0, search.idle + 1)
    search = eqx.tree_at(
        lambda s: (
            s.point, s.value, s.gradient, s.judgement, s.trial, s.direction, s.length, s.memory, s.must_take,
            s.first_norm, s.norm, s.taken, s.idle,
        ),
        search,
        (
            point, value, gradient, judgement, jnp.clip(point + length * direction, 0.0, 1.0), direction, length,
            memory, jnp.asarray(False), first_norm, norm, search.taken + 1, idle,
        ),
    )  # fmt: skip
    return _rested(search, norm <= settings.tolerance * first_norm, idle >= PATIENCE[settings.method], settings)


def _refused(search: Search, value: Scalar, settings: Settings) -> Search:
    """A shorter trial, at the minimum of the parabola through what is known; when it is too short, none."""
    slope = jnp.vdot(search.gradient, search.trial - search.point)
    shrink = jnp.clip(-0.5 * slope / (value - search.value - slope), *SHRINK)
    length = jnp.where(jnp.isfinite(shrink), shrink, SHRINK[0]) * search.length
    step = jnp.max(jnp.abs(length * search.direction))
    trial = jnp.clip(search.point + length * search.direction, 0.0, 1.0)
    search = eqx.tree_at(lambda s: (s.length, s.trial, s.rejected), search, (length, trial, search.rejected + 1))
    return _rested(search, jnp.asarray(False), step < SHORTEST, settings)


def _rested(search: Search, is_flat: Array, is_stuck: Array, settings: Settings) -> Search:
    """What follows when the inner search has come to rest: new multipliers, or the end."""
    judgement, constraints = search.judgement, search.judgement.constraints
    rests = is_flat | is_stuck
    ended = jnp.where(is_flat, CONVERGED, STALLED).astype(search.status.dtype)
    if constraints.shape[0] == 0:
        return eqx.tree_at(lambda s: s.status, search, jnp.where(rests, ended, search.status))
    multipliers = jnp.maximum(search.multipliers + search.penalty * constraints, 0.0)
    # Of a constraint that holds with room to spare only the multiplier that is left counts.
    violation = jnp.max(jnp.abs(jnp.maximum(constraints, -search.multipliers / search.penalty)))
    grown = jnp.minimum(PENALTY_GROWTH * search.penalty, LARGEST_PENALTY)
    penalty = jnp.where(violation > 0.25 * search.violation, grown, search.penalty)
    shift = jnp.sum(multipliers**2) / (2 * penalty)
    pressed = jnp.maximum(multipliers + penalty * constraints, 0.0)
    value = judgement.objective + jnp.sum(pressed**2) / (2 * penalty) - shift
    again = eqx.tree_at(
        lambda s: (
            s.multipliers, s.penalty, s.violation, s.value, s.trial, s.memory, s.must_take, s.length, s.idle,
        ),
        search,
        (
            multipliers, penalty, violation, value, search.point, settings.rule.init(search.point), jnp.asarray(True),
            jnp.ones_like(search.length), jnp.zeros_like(search.idle),
        ),
    )  # fmt: skip
    done = rests & (violation <= KEPT)
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
