"""The plane that figures show: all of a 2-D run, or the section of a 3-D run through the crest of its deposit."""

import dataclasses

import contourpy
import numpy as np

from interphase.io.trajectory import Trajectory

METRE_IN_NM = 1e9


@dataclasses.dataclass(frozen=True)
class Section:
    """One frame cut along the first in-plane axis and the normal; arrays are indexed (along, up).

    **Arguments:**

    - `row`: index of the cut along the second in-plane axis of a 3-D run, else `None`.
    """

    trajectory: Trajectory
    frame: int
    row: int | None

    @property
    def time(self) -> float:
        """[s]"""
        return float(self.trajectory.time[self.frame])

    @property
    def along(self) -> np.ndarray:
        """Cell centres along x [nm]."""
        return self.trajectory.axes["x"] * METRE_IN_NM

    @property
    def up(self) -> np.ndarray:
        """Cell centres along the normal [nm]."""
        return self.trajectory.axes["z"] * METRE_IN_NM

    @property
    def place(self) -> str:
        """Where the cut is, in words; empty for a 2-D run."""
        return "" if self.row is None else f"section at y = {self.trajectory.axes['y'][self.row] * METRE_IN_NM:.0f} nm"

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge of the box [nm]."""
        dx, dz = self.along[1] - self.along[0], self.up[1] - self.up[0]
        return (
            self.along[0] - dx / 2,
            self.along[-1] + dx / 2,
            self.up[0] - dz / 2,
            self.up[-1] + dz / 2,
        )

    def has(self, *names: str) -> bool:
        """Whether the run has all these fields."""
        return all(name in self.trajectory for name in names)

    def field(self, name: str) -> np.ndarray:
        """A field in its SI unit."""
        values = self.trajectory.field(name, self.frame)
        return values if self.row is None else values[:, self.row]

    def fraction(self, phase: str) -> np.ndarray:
        """Volume fraction of a phase, zero when the run has none of it."""
        name = f"{phase}_fraction"
        return self.field(name) if self.has(name) else np.zeros((len(self.along), len(self.up)), np.float32)

    @property
    def covered(self) -> np.ndarray:
        """Lithium and coating together."""
        return self.fraction("lithium") + self.fraction("coating")

    def lines(self, values: np.ndarray, level: float = 0.5) -> list[np.ndarray]:
        """Level lines of a field as rows of points (x, z) [nm], from edge to edge of the box."""
        left, right, bottom, top = self.extent
        around = np.pad(values, ((1, 1), (0, 0)), mode="wrap")
        along = np.concatenate([[2 * left - self.along[0]], self.along, [2 * right - self.along[-1]]])
        up = np.concatenate([[bottom], self.up, [top]])
        lines = contourpy.contour_generator(along, up, np.pad(around, ((0, 0), (1, 1)), mode="edge").T).lines(level)
        return [np.asarray(line) for line in lines]

    def sampled(self, values: np.ndarray, points: np.ndarray) -> np.ndarray:
        """A field between cell centres, bilinear, at points (x, z) [nm]."""
        places = []
        for axis, ticks in enumerate((self.along, self.up)):
            place = np.clip((points[:, axis] - ticks[0]) / (ticks[1] - ticks[0]), 0, len(ticks) - 1)
            cell = np.minimum(place.astype(int), len(ticks) - 2)
            places.append((cell, place - cell))
        (i, a), (j, b) = places
        low = (1 - a) * values[i, j] + a * values[i + 1, j]
        high = (1 - a) * values[i, j + 1] + a * values[i + 1, j + 1]
        return (1 - b) * low + b * high


def deposit_height(trajectory: Trajectory, frame: int) -> np.ndarray:
    """Lithium over every point of the electrode, as a height [nm]."""
    spacing = trajectory.axes["z"][1] - trajectory.axes["z"][0]
    return trajectory.field("lithium_fraction", frame).sum(axis=-1) * spacing * METRE_IN_NM


def crest_row(trajectory: Trajectory) -> int | None:
    """Where a 3-D run is cut in every frame: through the highest point of the last; `None` in 2-D."""
    if "y" not in trajectory.axes:
        return None
    return int(np.argmax(deposit_height(trajectory, -1).max(axis=0)))


def section(trajectory: Trajectory, frame: int) -> Section:
    """The plane to show of one frame (negative: counted from the last)."""
    return Section(trajectory, frame % len(trajectory), crest_row(trajectory))


def window(sections: list[Section]) -> tuple[float, float]:
    """Lowest and highest z [nm] worth showing: everything that is not all lithium or all filler, and some room."""
    left, right, bottom, top = sections[0].extent
    shown = np.concatenate([_busy_heights(one) for one in sections])
    if not shown.size:
        return bottom, top
    room = 0.25 * (right - left)
    return max(bottom, float(shown.min()) - room), min(top, float(shown.max()) + 1.2 * room)


def _busy_heights(one: Section) -> np.ndarray:
    lithium = one.fraction("lithium")
    filled = one.covered + one.fraction("solid_electrolyte")
    return one.up[(lithium.min(axis=0) < 0.5) & (filled.max(axis=0) > 0.5)]
