"""When a run writes rows and when the protocol's steps end; a step that meets its limit ends early."""

import numpy as np

ROUND_OFF = 1e-9  # of the whole protocol: times nearer than this are one


class Timetable:
    """Times at which a run's steps land.

    **Arguments:**

    - `durations`: of the protocol's steps, at most [s]. `rows`: of numbers over all of them.
    """

    def __init__(self, durations: np.ndarray, rows: int):
        self.ends = np.cumsum(np.asarray(durations, np.float64))
        self._rows = np.linspace(0.0, self.ends[-1], rows + 1)[1:]
        self._tolerance = ROUND_OFF * self.ends[-1]
        self.restore(self.ends)

    def restore(self, ends: np.ndarray) -> None:
        """Goes on with ends that an earlier process of the run came to [s]."""
        self.ends = np.asarray(ends, np.float64)
        rows = self._rows[self._rows < self.ends[-1] + self._tolerance]
        stops = np.unique(np.concatenate([rows, self.ends]))
        # Two stops that differ by round-off are one; the protocol's own number is kept.
        stops = stops[np.diff(stops, prepend=-np.inf) > self._tolerance]
        nearest = np.abs(stops[:, None] - self.ends[None, :])
        index = nearest.argmin(axis=1)
        self.stops = np.where(nearest[np.arange(len(stops)), index] <= self._tolerance, self.ends[index], stops)

    @property
    def end(self) -> float:
        """Of the protocol [s]."""
        return float(self.ends[-1])

    def step_at(self, time: float) -> int:
        """Which of the protocol's steps is under way; at a boundary, the one that begins."""
        return min(int(np.searchsorted(self.ends, time + self._tolerance, side="right")), len(self.ends) - 1)

    def began(self, step: int) -> float:
        """When a step of the protocol began [s]."""
        return float(self.ends[step - 1]) if step else 0.0

    def next_stop(self, time: float) -> float:
        return float(self.stops[np.searchsorted(self.stops, time, side="right")])

    def is_stop(self, time: float) -> bool:
        return bool(np.any(self.stops == time))

    def position(self, time: float) -> tuple[int, int]:
        """How many stops lie before a time, and how many there are."""
        return int(np.searchsorted(self.stops, time)), len(self.stops)

    def end_early(self, step: int, time: float) -> None:
        """A step of the protocol ends at a time, and all that follow come forward."""
        ends = self.ends.copy()
        ends[step:] -= ends[step] - time
        ends[step] = time
        self.restore(ends)
