"""The host's loop: steps, numbers, pictures' data, exact states; going on after a kill.

Everything that decides how a run goes on is in the checkpoint: the state, the time, the step size. What was written
after the checkpoint is taken back on resume, so a run that was killed ends in the same bits as one that was not.
"""

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.io.checkpoint import CheckpointError, Checkpoints
from interphase.io.fields import FIELDS
from interphase.io.records import Series, append_log
from interphase.io.trajectory import TrajectoryError, TrajectoryWriter
from interphase.model import Model, StepReport
from interphase.run.bodies import count_bodies, left_behind
from interphase.run.case import Case
from interphase.run.controls import SLACK, Controls, StepSize
from interphase.run.numbers import Worst, row
from interphase.state import State

INTERRUPTED = "stopped: interrupted"
TOP_CELLS = 4  # a deposit nearer than this to the upper wall of a liquid cell has filled it


@dataclasses.dataclass
class Progress:
    """What a run tells while it goes on."""

    time: float
    end: float
    step: int
    dt: float
    row: dict[str, Any]
    iterations: int


@dataclasses.dataclass
class Outcome:
    """What became of a run.

    **Arguments:**

    - `status`: `finished`, or `stopped: reason`.
    - `state`: at the last row, synchronised. `schedule`: sizes of the steps that this process took [s].
    - `last`: the last row of numbers. `worst`: extremes over the run.
    - `compile_s`, `step_wall_ms` (median without compilation, `None` before the first step), `wall_s` of all processes
      of the run.
    """

    status: str
    state: State
    schedule: np.ndarray
    last: dict[str, Any]
    worst: Worst
    num_steps: int
    compile_s: float
    step_wall_ms: float | None
    wall_s: float


class RunError(RuntimeError):
    """A run that cannot go on; the message says what to do. The last good state is saved.

    **Arguments:**

    - `outcome`: of the run until then, or `None` when none began.
    """

    def __init__(self, message: str, outcome: Outcome | None = None):
        super().__init__(message)
        self.outcome = outcome


@eqx.filter_jit
def _advance(model: Model, state: State, drive, dt, courant, stress_change):
    new, report = model.step(state, drive, dt)
    return new, report, model.longest_step(report, courant, stress_change, dt)


@eqx.filter_jit
def _synchronised(model: Model, state: State) -> State:
    return model.synchronised(state)


@eqx.filter_jit
def _observe(model: Model, seen: State, report: StepReport):
    return model.measure(seen, report), model.fields(seen, report)


class Run:
    """One run of a case.

    **Arguments:**

    - `folder`: where rows and fields go, or `None` to write nothing.
    - `checkpoints`: where exact states go, or `None`.
    - `tell`: called after every step. `asked_to_stop`: asked before every step.
    """

    def __init__(
        self,
        case: Case,
        controls: Controls,
        axes: dict[str, np.ndarray],
        folder: pathlib.Path | None = None,
        checkpoints: Checkpoints | None = None,
        tell: Callable[[Progress], None] = lambda progress: None,
        asked_to_stop: Callable[[], bool] = lambda: False,
    ):
        self.case, self.controls, self.axes = case, controls, axes
        self.folder, self.checkpoints = folder, checkpoints
        self.tell, self.asked_to_stop = tell, asked_to_stop
        self.ends = np.cumsum(np.asarray(case.protocol.duration, np.float64))
        self.dtype = case.model.stack.temperature.dtype
        start = jax.jit(lambda case: case.start())(case)
        # Committed to where it is, as a restored state is: JAX compiles the step once for both.
        self.state = jax.tree.map(lambda x: jax.device_put(x, x.sharding), start)
        self.seen = self.state
        self.report: StepReport | None = None
        self.time = 0.0
        self.step_size = StepSize(min(controls.first_step, controls.largest_step or controls.first_step))
        self.row: dict[str, Any] = {}
        self.worst = Worst()
        self.walls: list[float] = []  # of all steps but the first of every process, which compiles
        self.schedule: list[float] = []
        self.compile_s = self.earlier_wall = 0.0
        self.began = time.perf_counter()
        self.series: Series | None = None
        self.trajectory: TrajectoryWriter | None = None

    def resume(self) -> None:
        """Goes back to the last checkpoint; raises `CheckpointError` when there is none."""
        assert self.checkpoints is not None and self.folder is not None
        latest = self.checkpoints.latest()
        if latest is None:
            raise CheckpointError(
                f"{self.folder}: the run ended before its first checkpoint; start it again with interphase run"
            )
        self.state, extra = self.checkpoints.restore(latest, self.state)
        self.seen, self.time = _synchronised(self.case.model, self.state), extra["time_s"]
        self.step_size = StepSize(extra["proposed_s"])
        self.row, self.worst = extra["row"], Worst(**extra["worst"])
        self.earlier_wall, self.compile_s, self.walls = extra["wall_s"], extra["compile_s"], extra["walls_s"]
        self.series = Series(self.folder / "series.csv")
        self.series.truncate_after(float(self.time))
        with contextlib.suppress(TrajectoryError):  # none, or killed while it was made: it is made again
            self.trajectory = TrajectoryWriter.resume(self.folder / "fields.zarr", float(self.time))

    def go(self) -> Outcome:
        """Runs to the end of the protocol. Raises `RunError` when the solver cannot."""
        end = float(self.ends[-1])
        stops = self._stops()
        status = "finished"
        while self.time < end:
            if self.asked_to_stop():
                status = INTERRUPTED
                break
            stop = float(stops[np.searchsorted(stops, self.time, side="right")])
            self._step(stop)
            if self.time in stops:
                self._observe(stops)
                if self.deposit_is_at_the_top():
                    status = "stopped: the deposit reached the upper wall"
                    break
            if int(self.state.step) % self.controls.checkpoint_steps == 0:
                self._save()
        self._save()
        return self._outcome(status)

    def _outcome(self, status: str) -> Outcome:
        return Outcome(
            status=status,
            state=self.seen,
            schedule=np.asarray(self.schedule),
            last=self.row,
            worst=self.worst,
            num_steps=int(self.state.step),
            compile_s=self.compile_s,
            step_wall_ms=float(np.median(self.walls)) * 1e3 if self.walls else None,
            wall_s=self.earlier_wall + time.perf_counter() - self.began,
        )

    def _stops(self) -> np.ndarray:
        """Times at which steps land: rows, and the ends of the protocol's steps [s]."""
        rows = np.linspace(0.0, self.ends[-1], self.controls.rows + 1)[1:]
        stops = np.unique(np.concatenate([rows, self.ends]))
        # Two stops that differ by round-off are one; the protocol's own number is kept.
        keep = np.diff(stops, prepend=-np.inf) > 1e-9 * self.ends[-1]
        stops = stops[keep]
        nearest = np.abs(stops[:, None] - self.ends[None, :])
        index = nearest.argmin(axis=1)
        close = nearest[np.arange(len(stops)), index] <= 1e-9 * self.ends[-1]
        return np.where(close, self.ends[index], stops)

    def _step(self, stop: float) -> None:
        """One accepted step; a failed one is taken again at half the size."""
        controls, number = self.controls, lambda x: jnp.array(x, self.dtype)
        drive = self.case.protocol.at(self.time + 1e-9 * self.ends[-1])
        while True:
            dt = self.step_size.until(self.time, stop)
            began = time.perf_counter()
            state, report, longest = _advance(
                self.case.model, self.state, drive, number(dt), number(controls.courant), number(controls.stress_change)
            )
            residual, longest = float(report.balance.residual), float(longest)
            wall = time.perf_counter() - began
            good = np.isfinite(residual) and residual <= controls.tolerance and longest * SLACK >= dt
            if good:
                break
            self._log("rejected", dt_s=dt, residual=residual if np.isfinite(residual) else None)
            self.step_size.reject(dt)
            if dt / 2 < controls.smallest_step:
                self._save()
                raise RunError(*self._gave_up(dt, residual))
        if self.schedule:
            self.walls.append(wall)
        else:
            self.compile_s += wall
        self.schedule.append(dt)
        self.last_wall = wall
        self.step_size.accept(dt, longest, controls)
        self.time = stop if dt == stop - self.time else self.time + dt
        self.state, self.report = state, report
        self.worst.see(report, dt)
        iterations = int(report.balance.linear_iterations)
        self.tell(Progress(self.time, float(self.ends[-1]), int(state.step), dt, self.row, iterations))

    def _gave_up(self, dt: float, residual: float) -> tuple[str, Outcome]:
        """What a run that cannot go on says and leaves."""
        tolerance = self.controls.tolerance
        if np.isfinite(residual) and residual <= tolerance:
            reason = f"too much moves in a step of {dt:.2g} s"
            remedy = "lower numerics.smallest_step, or raise numerics.stress_change or numerics.courant"
        else:
            reason = (
                f"the coupled balance does not converge with a step of {dt:.2g} s (residual {residual:.1e}, "
                f"numerics.tolerance {tolerance:.1e})"
            )
            remedy = "raise numerics.tolerance, lower numerics.smallest_step, or use more cells"
        reason = f"{reason} at {self.time:.6g} s"
        return f"{reason}; the last good state is saved; {remedy}", self._outcome(f"stopped: {reason}")

    def _observe(self, stops: np.ndarray) -> None:
        """A row of numbers, and now and then a frame of fields."""
        assert self.report is not None
        self.seen = _synchronised(self.case.model, self.state)
        measures, fields = _observe(self.case.model, self.seen, self.report)
        fields = {name: np.asarray(value) for name, value in fields.items()}
        bodies = debris = None
        if "coating_fraction" in fields:
            bodies = count_bodies(fields["coating_fraction"])
            debris = left_behind(fields["coating_fraction"], fields["lithium_fraction"])
        self.row = row(self.time, self.seen, self.report, measures, self.case.model.scales, bodies, debris) | {
            "dt_s": self.schedule[-1],
            "step_wall_ms": self.last_wall * 1e3,
        }
        self.worst.see_row(self.row)
        if self.folder is None:
            return
        self.series = self.series or Series(self.folder / "series.csv")
        self.series.append(self.row)
        index = int(np.searchsorted(stops, self.time))
        every = max(1, round(len(stops) / self.controls.frames))
        if index % every == every - 1 or index in (0, len(stops) - 1):
            if self.trajectory is None:
                described = {name: FIELDS[name] for name in fields}
                self.trajectory = TrajectoryWriter(self.folder / "fields.zarr", self.axes, described)
            self.trajectory.append(float(self.time), fields)

    def deposit_is_at_the_top(self) -> bool:
        """Whether solids fill the uppermost cells of a liquid cell."""
        if self.seen.salt is None:
            return False
        return bool(jnp.min(self.seen.filler[..., -TOP_CELLS:]) < 0.5)

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        extra = {
            "time_s": self.time,
            "proposed_s": self.step_size.proposed,
            "row": self.row,
            "worst": dataclasses.asdict(self.worst),
            "wall_s": self.earlier_wall + time.perf_counter() - self.began,
            "compile_s": self.compile_s,
            "walls_s": self.walls,
        }
        self.checkpoints.save(int(self.state.step), self.state, extra)

    def _log(self, event: str, **facts: Any) -> None:
        if self.folder is not None:
            append_log(self.folder / "log.jsonl", {"event": event, "time_s": self.time, **facts})


def simulate(
    case: Case,
    controls: Controls,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Outcome:
    """Runs a case to the end of its protocol and writes nothing. Raises `RunError`."""
    return Run(case, controls, {}, tell=tell).go()
