"""A run folder as the report sees it: texts, numbers, fields; each may be missing in a run that was cut short."""

import dataclasses
import json
import os
import pathlib
import tomllib
from typing import Any

import numpy as np

from interphase.io.records import read_series
from interphase.io.trajectory import Trajectory, TrajectoryError


class RunFolderError(Exception):
    """There is nothing to report on."""


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """What a run left behind.

    **Arguments:**

    - `study`: the study file as it was resolved, or empty.
    - `summary`: of `summary.json`, or empty; `None` for physics that was off.
    - `series`: columns of `series.csv`, not-a-number where empty; columns with no number at all are left out.
    - `cycles`: columns of `cycles.csv`, empty where nothing was cycled.
    - `trajectory`: the fields over time, or `None` when there is not one frame.
    """

    path: pathlib.Path
    study: str
    summary: dict[str, Any]
    series: dict[str, np.ndarray]
    cycles: dict[str, np.ndarray]
    trajectory: Trajectory | None

    @property
    def title(self) -> str:
        """The study's title or name, else the folder's name."""
        try:
            study = tomllib.loads(self.study)
        except tomllib.TOMLDecodeError:
            study = {}
        for table in (study, study.get("study")):
            for key in ("title", "name"):
                if isinstance(table, dict) and isinstance(table.get(key), str):
                    return table[key]
        return self.path.name

    def at(self, column: str, time: float) -> float | None:
        """A column of the series at a time [s], or `None` when the run does not have it."""
        if column not in self.series:
            return None
        values = self.series[column]
        known = np.isfinite(values)
        return float(np.interp(time, self.series["time_s"][known], values[known]))


def read_run(path: str | os.PathLike[str]) -> RunFolder:
    """Reads a run folder. Raises `RunFolderError` when it holds neither numbers nor fields."""
    path = pathlib.Path(path)
    series = _columns(path / "series.csv")
    series = {name: values for name, values in series.items() if np.isfinite(values).any()}
    if series and "time_s" not in series:
        raise _damaged(path / "series.csv", "it has no column time_s")
    try:
        trajectory = Trajectory(path / "fields.zarr")
    except TrajectoryError:
        trajectory = None
    if trajectory is not None and not len(trajectory):
        trajectory = None
    if not series and trajectory is None:
        raise RunFolderError(f"{path}: no series.csv with rows and no fields.zarr with frames: not a run folder")
    return RunFolder(
        path=path,
        study=_text(path / "study.toml"),
        summary=_summary(path / "summary.json"),
        series=series,
        cycles=_columns(path / "cycles.csv"),
        trajectory=trajectory,
    )


def _columns(path: pathlib.Path) -> dict[str, np.ndarray]:
    try:
        return read_series(path) if path.exists() else {}
    except ValueError as error:
        raise _damaged(path, error) from None


def _summary(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads(_text(path) or "{}")
    except ValueError as error:
        raise _damaged(path, error) from None


def _damaged(path: pathlib.Path, error: ValueError | str) -> RunFolderError:
    return RunFolderError(f"{path}: cannot be read ({error}); take the file away, or start the run again")


def _text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
