"""How far the next step goes."""

import dataclasses
import math

GROWTH = 1.5  # of the step from one to the next, at most
SLACK = 2.0  # a step that exceeded its bounds by more than this is taken again


@dataclasses.dataclass(frozen=True)
class Controls:
    """Bounds of the step and how often a run writes.

    **Arguments:**

    - `courant`: cells an interface may move in a step; `stress_change`: of any stress component in a step [Pa].
    - `first_step`, `largest_step`, `smallest_step`: [s]; below the smallest, a failing solve ends the run.
    - `tolerance`: of the coupled balance; a step that misses it has failed.
    - `rows`, `frames`: of numbers and of fields per run; `checkpoint_steps`: between exact states.
    """

    courant: float
    stress_change: float
    first_step: float
    largest_step: float | None
    smallest_step: float
    tolerance: float
    rows: int
    frames: int
    checkpoint_steps: int


@dataclasses.dataclass
class StepSize:
    """The step size over a run; part of what a checkpoint holds.

    **Arguments:**

    - `proposed`: the step that would be taken were there no stop to land on [s].
    """

    proposed: float

    def until(self, time: float, stop: float) -> float:
        """The step to take at `time` so as to land on `stop` in equal steps [s].

        A step that differs from the one before is worse guessed, and its balance costs twice the iterations.
        """
        rest = stop - time
        return rest / max(1, math.ceil(rest / self.proposed * (1 - 1e-9)))

    def accept(self, taken: float, longest: float, controls: Controls) -> None:
        """After a good step: what its speed and its stress allow, and no sudden growth.

        **Arguments:**

        - `longest`: what the last step's rates allow [s].
        """
        largest = controls.largest_step or math.inf
        self.proposed = min(longest, GROWTH * max(taken, self.proposed), largest)

    def reject(self, taken: float) -> None:
        self.proposed = taken / 2
