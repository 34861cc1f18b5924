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
from interphase.io.records import Series, append_log, read_series
from interphase.io.trajectory import TrajectoryError, TrajectoryWriter
from interphase.model import Model, StepReport
from interphase.physics.seeds import expected_number
from interphase.protocol import Drive, Protocol
from interphase.run.bodies import count_bodies, detached, left_behind
from interphase.run.case import Case
from interphase.run.controls import SLACK, Controls, StepSize
from interphase.run.numbers import Worst, row
from interphase.run.timetable import Timetable
from interphase.state import State

INTERRUPTED = "stopped: interrupted"
JUMP = 0.8  # of the stress change of twice the step: what no smaller step divides is a jump, such as of faces that snap
SURFACE = 0.5  # lithium fraction there
TOP_CELLS = 4  # a deposit nearer than this to the upper wall of a liquid cell has filled it
FINEST_END = 0.01  # of what a protocol's step has lasted: how exactly it is ended by a limit


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
    - `durations`: of the protocol's steps, as long as they lasted, or may last where they did not begin [s].
    - `last`: the last row of numbers. `worst`: extremes over the run.
    - `further_nuclei`: expected in the box on what was bare of the collector; `None` without one.
    - `compile_s`, `step_wall_ms` (median without compilation, `None` before the first step), `wall_s` of all processes
      of the run.
    """

    status: str
    state: State
    schedule: np.ndarray
    durations: np.ndarray
    last: dict[str, Any]
    worst: Worst
    num_steps: int
    compile_s: float
    step_wall_ms: float | None
    wall_s: float
    further_nuclei: float | None = None


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
def _driven(protocol: Protocol, step, elapsed) -> Drive:
    return protocol.step(step, elapsed)


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
        self.timetable = Timetable(np.asarray(case.protocol.duration), controls.rows)
        self.ended = ""  # why, if before the protocol
        self.protocol_step, self.passed = 0, 0.0  # which is under way, and the charge since it began [C/m²]
        self.dtype = case.model.stack.temperature.dtype
        start = eqx.filter_jit(lambda case: case.start())(case)
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
        if extra.get("durations_s", self._durations()) != self._durations():
            raise CheckpointError(
                f"{self.folder / 'study.toml'}: the steps of the protocol have changed since the run began; put them "
                "back, or start again with interphase run"
            )
        self.timetable.restore(np.asarray(extra["ends_s"]))
        self.protocol_step, self.passed = extra["protocol_step"], extra["passed_C_per_m2"]
        self.ended = extra.get("ended", "")
        self.seen, self.time = _synchronised(self.case.model, self.state), extra["time_s"]
        self.step_size = StepSize(extra["proposed_s"])
        self.row, self.worst = extra["row"], Worst(**extra["worst"])
        self.earlier_wall, self.compile_s, self.walls = extra["wall_s"], extra["compile_s"], extra["walls_s"]
        try:
            self.series = Series(self.folder / "series.csv")
            self.series.truncate_after(float(self.time))
            read_series(self.folder / "series.csv")
        except ValueError as error:
            raise CheckpointError(
                f"{self.folder / 'series.csv'}: cannot be read ({error}); put it back, or start again with "
                "interphase run"
            ) from None
        with contextlib.suppress(TrajectoryError):  # none, or killed while it was made: it is made again
            self.trajectory = TrajectoryWriter.resume(self.folder / "fields.zarr", float(self.time))

    def _durations(self) -> list[float]:
        """Of the protocol's steps, as the study has them [s]."""
        return np.asarray(self.case.protocol.duration, float).tolist()

    def go(self) -> Outcome:
        """Runs to the end of the protocol. Raises `RunError` when the solver cannot."""
        interrupted = False
        while self.time < self.timetable.end and not self.ended:
            if interrupted := self.asked_to_stop():
                break
            self._step(self.timetable.next_stop(self.time))
            used_up = self._used_up()
            if used_up or self.timetable.is_stop(self.time):
                self._observe()
                self.ended = used_up or self._at_the_top()
            if int(self.state.step) % self.controls.checkpoint_steps == 0:
                self._save()
        self._save()
        if interrupted:
            return self._outcome(INTERRUPTED)
        return self._outcome(f"stopped: {self.ended}" if self.ended else "finished")

    def _outcome(self, status: str) -> Outcome:
        return Outcome(
            status=status,
            state=self.seen,
            schedule=np.asarray(self.schedule),
            durations=np.diff(self.timetable.ends, prepend=0.0),
            last=self.row,
            worst=self.worst,
            num_steps=int(self.state.step),
            compile_s=self.compile_s,
            step_wall_ms=float(np.median(self.walls)) * 1e3 if self.walls else None,
            wall_s=self.earlier_wall + time.perf_counter() - self.began,
            further_nuclei=self._further_nuclei(),
        )

    def _further_nuclei(self) -> float | None:
        density, model = self.worst.further_nuclei_per_m2, self.case.model
        cells = zip(model.grid.shape[:-1], model.grid.spacing[:-1], strict=True)
        period = tuple(number * spacing * float(model.scales.length) for number, spacing in cells)
        return None if density is None else expected_number(density, period)

    def _step(self, stop: float) -> None:
        """One accepted step; one that failed, or went too far beyond a limit, is taken again at half the size."""
        controls, number = self.controls, lambda x: jnp.array(x, self.dtype)
        self._begin(self.timetable.step_at(self.time))
        change_before = np.inf
        while True:
            dt = self.step_size.until(self.time, stop)
            elapsed = self.time + 0.5 * dt - self.timetable.began(self.protocol_step)
            drive = _driven(self.case.protocol, jnp.asarray(self.protocol_step), number(elapsed))
            began = time.perf_counter()
            state, report, (by_motion, by_stress) = _advance(
                self.case.model, self.state, drive, number(dt), number(controls.courant), number(controls.stress_change)
            )
            residual, by_motion, change = float(report.balance.residual), float(by_motion), dt / float(by_stress)
            wall = time.perf_counter() - began
            if not self.schedule:  # the first attempt compiles, taken or not
                self.compile_s += wall
            solved = np.isfinite(residual) and residual <= controls.tolerance
            divides = change > SLACK and change < JUMP * change_before
            good = solved and by_motion * SLACK >= dt and not divides
            passed = self.passed + float(report.mean_current) * float(self.case.model.scales.current_density) * dt
            is_over = good and self._is_over(state, passed)
            if is_over and dt > self._finest(dt):
                self.step_size.reject(dt)
                continue
            if good:
                break
            change_before = change if solved else change_before
            self._log("rejected", dt_s=dt, residual=residual if np.isfinite(residual) else None)
            self.step_size.reject(dt)
            if dt / 2 < controls.smallest_step:
                self._save()
                raise RunError(*self._gave_up(dt, residual))
        if self.schedule:
            self.walls.append(wall)
        self.schedule.append(dt)
        self.last_wall = wall
        self.step_size.accept(dt, min(by_motion, dt / change), controls)
        self.time = stop if dt == stop - self.time else self.time + dt
        self.state, self.report, self.passed = state, report, passed
        if is_over:
            self.timetable.end_early(self.protocol_step, self.time)
        self.worst.see(report)
        iterations = int(report.balance.linear_iterations)
        self.tell(Progress(self.time, self.timetable.end, int(state.step), dt, self.row, iterations))

    def _begin(self, protocol_step: int) -> None:
        """A step of the protocol begins with a short time step, since half of that still moves as before it."""
        if protocol_step != self.protocol_step:
            self.protocol_step, self.passed = protocol_step, 0.0
            self.step_size = StepSize(min(self.step_size.proposed, self.controls.first_step))

    def _is_over(self, state: State, passed: float) -> bool:
        potential = float(state.solution.metal_potential) * float(self.case.model.scales.potential)
        return self.case.protocol.is_over(self.protocol_step, potential, passed)

    def _finest(self, dt: float) -> float:
        """The size of step with which a step of the protocol may go beyond its limit [s]."""
        lasted = self.time + dt - self.timetable.began(self.protocol_step)
        return max(FINEST_END * lasted, self.controls.first_step)

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

    def _observe(self) -> None:
        """A row of numbers, and now and then a frame of fields."""
        assert self.report is not None
        self.seen = _synchronised(self.case.model, self.state)
        measures, fields = _observe(self.case.model, self.seen, self.report)
        fields = {name: np.asarray(value) for name, value in fields.items()}
        bodies = debris = None
        cycle, place = divmod(self.protocol_step, self.case.protocol.steps_per_cycle)
        if "coating_fraction" in fields:
            bodies = count_bodies(fields["coating_fraction"])
            debris = left_behind(fields["coating_fraction"], fields["lithium_fraction"])
        dead = detached(fields["lithium_fraction"])
        self.row = row(self.time, self.seen, self.report, measures, self.case.model.scales, bodies, debris, dead) | {
            "cycle": cycle + 1,
            "protocol_step": place + 1,
            "dt_s": self.schedule[-1],
            "step_wall_ms": self.last_wall * 1e3,
        }
        self.worst.see_row(self.row)
        if self.folder is None:
            return
        self.series = self.series or Series(self.folder / "series.csv")
        self.series.append(self.row)
        index, num_stops = self.timetable.position(self.time)
        every = max(1, round(num_stops / self.controls.frames))
        if index % every == every - 1 or index in (0, num_stops - 1):
            if self.trajectory is None:
                described = {name: FIELDS[name] for name in fields}
                self.trajectory = TrajectoryWriter(self.folder / "fields.zarr", self.axes, described)
            self.trajectory.append(float(self.time), fields)

    def _used_up(self) -> str:
        """What ends a run that strips: where no cell is half lithium there is no surface, and there would be less."""
        assert self.report is not None
        strips = float(self.report.mean_current) < 0
        return "all lithium is stripped" if strips and float(jnp.max(self.state.lithium)) < SURFACE else ""

    def _at_the_top(self) -> str:
        """What ends a run early: solids fill the uppermost cells of a liquid cell, or lithium those of a solid one."""
        if self.seen.salt is None:
            shorted = bool(jnp.max(self.seen.lithium[..., -1]) > 0.5)
            return "lithium reached the counter electrode, a short circuit" if shorted else ""
        full = bool(jnp.min(self.seen.filler[..., -TOP_CELLS:]) < 0.5)
        return "the deposit reached the upper wall" if full else ""

    def _save(self) -> None:
        if self.checkpoints is None:
            return
        extra = {
            "time_s": self.time,
            "ends_s": self.timetable.ends.tolist(),
            "durations_s": self._durations(),
            "ended": self.ended,
            "protocol_step": self.protocol_step,
            "passed_C_per_m2": self.passed,
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
