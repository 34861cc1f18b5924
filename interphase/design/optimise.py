"""A design as a training run: evaluate a batch of trials, move every search on, write, save; the same after a resume.

All starts are one batch. With several devices the batch is shared between them; a start never waits for another's
solver then, because every device runs its own loops.
"""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

from interphase.design.problem import AbstractProblem, Judgement, Knobs
from interphase.design.search import RUNNING, STATUS, Search, Settings, Verdict, advance, begin
from interphase.design.variables import Point
from interphase.io.checkpoint import CheckpointError, Checkpoints
from interphase.io.events import Events
from interphase.io.records import Series, append_log
from interphase.solvers.batch import over_batch

INTERRUPTED = "stopped: interrupted"


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a progress line shows after an evaluation.

    **Arguments:**

    - `evaluation`, `evaluations`: done, and most; `searches`: the batch; `best`: index of the best start.
    - `wall_s`: of the evaluation.
    """

    evaluation: int
    evaluations: int
    searches: Search
    best: int
    wall_s: float


class Evaluator:
    """Judgements, ∇J and ∇c of batches of points; compiled once for one size of batch.

    **Arguments:**

    - `forward`: forward mode, one run more for every variable; otherwise reverse mode.
    - `devices`: that share the batch; its size must be a multiple of their number.
    """

    def __init__(self, problem: AbstractProblem, forward: bool = False, devices: Sequence[Any] | None = None):
        devices = devices or [jax.config.jax_default_device or jax.devices()[0]]
        mesh = Mesh(np.array(devices), ("starts",))
        self._shared = NamedSharding(mesh, PartitionSpec("starts"))
        self._problem = jax.device_put(problem, NamedSharding(mesh, PartitionSpec()))
        of_one = _forward if forward else _reverse

        def batch(problem, points, knobs):
            return over_batch(lambda one: of_one(problem, *one), (points, knobs), devices[0].platform)

        if len(devices) > 1:
            shared, same = PartitionSpec("starts"), PartitionSpec()
            batch = jax.shard_map(
                batch, mesh=mesh, in_specs=(same, shared, shared), out_specs=shared, check_vma=False
            )  # fmt: skip
        self._function = jax.jit(batch)

    def __call__(self, points: Array, knobs: Knobs) -> tuple[Judgement, np.ndarray, np.ndarray]:
        """Judgements, ∇J and ∇c, one per point; all arguments have the batch as leading axis."""
        return jax.device_get(self._function(self._problem, *jax.device_put((points, knobs), self._shared)))


def _reverse(problem: AbstractProblem, point: Point, knobs: Knobs) -> tuple[Judgement, Array, Array]:
    """One sweep for the objective and one for every limit of a term."""
    direct = jax.jacfwd(lambda x: problem.direct_constraints(x, knobs))(point)

    def of_the_run(x):
        judgement = problem.judge(x, knobs)
        limits = judgement.constraints[: judgement.constraints.size - direct.shape[0]]
        return jnp.concatenate([judgement.objective[None], limits]), judgement

    values, pull, judgement = jax.vjp(of_the_run, point, has_aux=True)
    if values.size == 1:
        return judgement, pull(jnp.ones_like(values))[0], direct
    (slopes,) = jax.lax.map(pull, jnp.eye(values.size, dtype=values.dtype))
    return judgement, slopes[0], jnp.concatenate([slopes[1:], direct])


def _forward(problem: AbstractProblem, point: Point, knobs: Knobs) -> tuple[Judgement, Array, Array]:
    def along(direction):
        return jax.jvp(lambda x: problem.judge(x, knobs), (point,), (direction,))

    judgement, change = jax.vmap(along, out_axes=(None, -1))(jnp.eye(point.size, dtype=point.dtype))
    return judgement, change.objective, change.constraints


class Design:
    """One design run.

    **Arguments:**

    - `starts`: points of the unit cube `(starts, variables)`; `knobs`: of every start, batched.
    - `tolerance`: of the coupled balance; a run with a step above it is rejected.
    - `folder`, `checkpoints`: where to write, or `None`; `checkpoint_evaluations`: between exact states.
    - `tell`: called after every evaluation; `asked_to_stop`: asked before every one.
    """

    def __init__(
        self,
        problem: AbstractProblem,
        evaluator: Evaluator,
        starts: np.ndarray,
        knobs: Knobs,
        settings: Settings,
        tolerance: float,
        folder: pathlib.Path | None = None,
        checkpoints: Checkpoints | None = None,
        checkpoint_evaluations: int = 5,
        tell: Callable[[Progress], None] = lambda progress: None,
        asked_to_stop: Callable[[], bool] = lambda: False,
    ):
        self.problem, self.evaluator, self.knobs, self.settings = problem, evaluator, knobs, settings
        self.tolerance = tolerance
        self.folder, self.checkpoints, self.every = folder, checkpoints, checkpoint_evaluations
        self.tell, self.asked_to_stop = tell, asked_to_stop
        dtype = problem.schedule.dtype
        points = jnp.asarray(starts, dtype)
        shapes = jax.eval_shape(problem.judge, points[0], jax.tree.map(lambda x: x[0], knobs))
        searches = jax.vmap(lambda point: begin(point, shapes, settings))(points)
        self.searches = jax.tree.map(lambda x: jax.device_put(x, x.sharding), searches)
        self._advance = jax.jit(jax.vmap(lambda *found: advance(*found, settings=settings, tolerance=tolerance)))
        self.evaluation = 0
        self.history: list[dict[str, Any]] = []
        self.columns = history_columns(problem)
        self.events: Events | None = None

    def resume(self) -> None:
        """Goes back to the last checkpoint; raises `CheckpointError` when there is none."""
        assert self.checkpoints is not None and self.folder is not None
        latest = self.checkpoints.latest()
        if latest is None:
            raise CheckpointError(f"{self.folder}: the design ended before its first checkpoint; start it again")
        there, empty = _not_empty(self.searches)
        there, extra = self.checkpoints.restore(latest, there)
        self.searches = eqx.combine(there, empty)
        self.evaluation = extra["evaluation"]
        Series(self.folder / "history.csv", self.columns).truncate_after(float(self.evaluation))

    def go(self) -> str:
        """Searches until every start has come to rest or its evaluations are used up; returns the status."""
        status = "finished"
        if self.folder is not None:
            self.events = Events(self.folder / "events", after=self.evaluation)
        while self.evaluation < self.settings.evaluations and bool(jnp.any(self.searches.status == RUNNING)):
            if self.asked_to_stop():
                status = INTERRUPTED
                break
            self._evaluate()
            if self.evaluation % self.every == 0:
                self._save()
        self._save()
        if self.events is not None:
            self.events.close()
        return status

    def best(self) -> int:
        """The start whose point keeps the constraints and has the least objective."""
        judgement = self.searches.judgement
        value = np.asarray(judgement.objective, float)
        if judgement.constraints.shape[1]:
            broken = np.asarray(judgement.constraints, float).max(axis=1)
            value = np.where(broken > 0.01, value + 1e6 * (1 + broken), value)
        value = np.where(np.asarray(self.searches.taken) > 0, value, np.inf)
        return int(np.argmin(value))

    def _evaluate(self) -> None:
        began = time.perf_counter()
        searches = self.searches
        was_running = np.asarray(searches.status) == RUNNING
        judgements, slopes, constraint_slopes = self.evaluator(searches.trial, self.knobs)
        self.searches, verdicts = self._advance(searches, judgements, slopes, constraint_slopes)
        wall = time.perf_counter() - began
        self.evaluation += 1
        self._write(searches, judgements, jax.device_get(verdicts), was_running, wall)
        self.tell(Progress(self.evaluation, self.settings.evaluations, self.searches, self.best(), wall))

    def _write(self, tried: Search, judgements: Judgement, verdicts: Verdict, was_running, wall: float) -> None:
        """A row per start that was still searching; a line in the log for every trial that could not be used."""
        for k in np.flatnonzero(was_running):
            judgement, verdict = jax.tree.map(lambda x: np.asarray(x[k]), (judgements, verdicts))  # noqa: B023
            point = np.asarray(tried.trial[k])
            row: dict[str, Any] = {
                "evaluation": self.evaluation,
                "start": int(k),
                "taken": int(verdict.takes),
                "iteration": int(self.searches.taken[k]),
                "objective": float(judgement.objective),
                "lagrangian": float(verdict.value),
                "gradient_norm": float(verdict.gradient_norm),
                "projected_gradient_norm": float(self.searches.norm[k]),
                "residual": float(judgement.residual),
            }
            for wish, term, share in zip(self.problem.wishes, judgement.terms, judgement.shares, strict=True):
                row[wish.name] = float(term)
                row[f"{wish.name} share"] = float(share)
            for name, value in zip(self.problem.constraint_names(), judgement.constraints, strict=True):
                row[name] = float(value)
            values_si = [x for part in self.problem.variables.values(jnp.asarray(point)).values() for x in part]
            for name, u, value in zip(self.problem.variables.names, point, values_si, strict=True):
                row[name], row[f"{name} unit"] = float(value), float(u)
            is_finite = np.isfinite(row["lagrangian"]) and np.isfinite(row["gradient_norm"])
            is_solved = row["residual"] <= self.tolerance
            row = {key: value if np.isfinite(value) else None for key, value in row.items()}
            self.history.append(row)
            if self.folder is None or self.events is None:
                continue
            Series(self.folder / "history.csv", self.columns).append(row)
            self.events.append(
                f"start {k}", self.evaluation, {n: row[n] for n in row if n not in ("evaluation", "start")}
            )
            if not verdict.takes:
                reason = "does not fall enough" if is_solved else "a step was not solved"
                self._log("rejected", start=int(k), reason=reason if is_finite else "not finite")
        self._log("evaluated", wall_s=wall, running=int(np.sum(np.asarray(self.searches.status) == RUNNING)))

    def _save(self) -> None:
        if self.checkpoints is not None:
            self.checkpoints.save(self.evaluation, _not_empty(self.searches)[0], {"evaluation": self.evaluation})

    def _log(self, event: str, **facts: Any) -> None:
        if self.folder is not None:
            append_log(self.folder / "log.jsonl", {"event": event, "evaluation": self.evaluation, **facts})

    def outcome(self) -> list[dict[str, Any]]:
        """How every start ended, best first."""
        ends = []
        names = [wish.name for wish in self.problem.wishes]
        for k in range(self.searches.point.shape[0]):
            search = jax.tree.map(lambda x: np.asarray(x[k]), self.searches)  # noqa: B023
            ends.append(
                {
                    "start": k,
                    "status": STATUS[int(search.status)],
                    "objective": float(search.judgement.objective),
                    "iterations": int(search.taken),
                    "rejected": int(search.rejected),
                    "optimality": float(search.norm / (search.first_norm + 1e-300)),
                    "terms": dict(zip(names, search.judgement.terms.tolist(), strict=True)),
                    "shares": dict(zip(names, search.judgement.shares.tolist(), strict=True)),
                    "constraints": search.judgement.constraints.tolist(),
                    "point": search.point.tolist(),
                }
            )
        best = self.best()
        return sorted(ends, key=lambda end: (end["start"] != best, end["objective"]))


def _not_empty(tree: PyTree) -> tuple[PyTree, PyTree]:
    """What can be saved, and arrays without an entry (no constraints), which Orbax refuses."""
    return eqx.partition(tree, lambda leaf: leaf.size > 0)


def history_columns(problem: AbstractProblem) -> tuple[str, ...]:
    """Columns of `history.csv`."""
    terms = [name for wish in problem.wishes for name in (wish.name, f"{wish.name} share")]
    variables = [name for variable in problem.variables.names for name in (variable, f"{variable} unit")]
    return (
        "evaluation", "start", "taken", "iteration", "objective", "lagrangian", "gradient_norm",
        "projected_gradient_norm", "residual", *terms, *problem.constraint_names(), *variables,
    )  # fmt: skip
