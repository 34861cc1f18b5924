"""Numbers of a run as text: rows of `series.csv`, lines of `log.jsonl`, and `summary.json`.

Floats are written so that reading gives the same bits. A missing value is empty in a row and `null` in JSON; a value
that is not finite is refused, since it would be taken for a result.
"""

import json
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

SERIES_COLUMNS = (
    "time_s",
    "step",
    "cycle",
    "protocol_step",
    "dt_s",
    "charge_C_per_m2",
    "plated_thickness_nm",
    "current_A_per_m2",
    "metal_potential_V",
    "overpotential_V",
    "hot_spot_factor",
    "roughness_peak_to_valley_nm",
    "roughness_rms_nm",
    "collector_covered_fraction",
    "further_nucleation_rate_per_m2_s",
    "coating_strain_max",
    "coating_strain_over_limit_max",
    "coating_stress_max_MPa",
    "coating_compression_max_MPa",
    "elastic_energy_J_per_m2",
    "elastic_energy_over_resilience_max",
    "coating_stress_over_strength_max",
    "crack_driving_force_max",
    "damage_area_fraction",
    "bare_plating_fraction",
    "beneath_plating_fraction",
    "inside_plating_fraction",
    "upon_plating_fraction",
    "alloy_lithium_nm",
    "alloy_filling_mean",
    "alloy_swelling_fraction",
    "stack_pressure_MPa",
    "contact_fraction",
    "void_area_fraction",
    "void_thickness_nm",
    "contact_pressure_max_MPa",
    "sei_lithium_nm",
    "sei_thickness_nm",
    "sei_strain_max",
    "sei_bare_fraction",
    "side_current_A_per_m2",
    "cracks_filled_fraction",
    "surface_occupancy_min",
    "vacancy_supersaturation_max",
    "vacant_thickness_nm",
    "lithium_budget_relative_error",
    "charge_closure_relative_error",
    "coating_volume_relative_change",
    "coating_bodies",
    "coating_left_behind_max",
    "dead_lithium_nm",
    "newton_steps",
    "linear_iterations",
    "residual",
    "step_wall_ms",
)
"""Columns of `series.csv`, one row per output time."""


class Series:
    """The rows of `series.csv`; an existing file is added to.

    **Arguments:**

    - `path`: the file.
    - `columns`: written as the header of a new file, and what every row is checked against.
    """

    def __init__(self, path: str | os.PathLike[str], columns: tuple[str, ...] = SERIES_COLUMNS):
        self._path = pathlib.Path(path)
        self.columns = columns
        if self._path.exists() and self._path.stat().st_size:
            with self._path.open(newline="") as file:
                there = tuple(file.readline().rstrip("\n").split(","))
            if there != columns:
                raise ValueError(f"{self._path}: the columns are {', '.join(there)}, not {', '.join(columns)}")
        else:
            self._path.write_text(",".join(columns) + "\n")

    def append(self, row: Mapping[str, Any]) -> None:
        """Writes one row to disk; a column that is absent or `None` stays empty, an unknown one is refused."""
        unknown = sorted(set(row) - set(self.columns))
        if unknown:
            raise ValueError(f"{self._path}: no such column: {', '.join(unknown)}")
        line = ",".join(_text(row.get(column), column) for column in self.columns)
        with self._path.open("a", newline="") as file:
            file.write(line + "\n")

    def truncate_after(self, time_s: float) -> None:
        """Drops rows later than `time_s` [s], and a last row that was cut off, in one rename."""
        with self._path.open(newline="") as file:
            header, *lines = file.read().split("\n")
        rows = [line.split(",") for line in lines[:-1]]
        kept = [",".join(r) for r in rows if len(r) == len(self.columns) and float(r[0]) <= time_s]
        _replace(self._path, "\n".join([header, *kept]) + "\n")


def read_series(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Column name → values as float64, not-a-number where the file is empty; a row that was cut off is left out."""
    with pathlib.Path(path).open(newline="") as file:
        header, *lines = file.read().split("\n")
    columns = header.split(",")
    rows = [line.split(",") for line in lines[:-1]]
    rows = [row for row in rows if len(row) == len(columns)]
    return {
        column: np.array([float(row[i]) if row[i] else np.nan for row in rows], dtype=np.float64)
        for i, column in enumerate(columns)
    }


def append_log(path: str | os.PathLike[str], event: Mapping[str, Any]) -> None:
    """Adds one event as one line of JSON."""
    line = json.dumps({key: plain(value, key) for key, value in event.items()}, allow_nan=False, ensure_ascii=False)
    with pathlib.Path(path).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def write_summary(path: str | os.PathLike[str], summary: Mapping[str, Any]) -> None:
    """Writes `summary.json` whole or not at all."""
    values = {key: plain(value, key) for key, value in summary.items()}
    _replace(pathlib.Path(path), json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def plain(value: Any, name: str) -> Any:
    """The value as plain Python: scalars of numpy and jax unwrapped; not-finite floats raise `ValueError`."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, float):
        unwrapped = np.asarray(value).tolist()
        if unwrapped is value:
            raise TypeError(f"{name} is a {type(value).__name__}, which is not a number or a text")
        return plain(unwrapped, name)
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}: only finite numbers are recorded")
    return float(value)


def _text(value: Any, name: str) -> str:
    value = plain(value, name)
    if value is None:
        return ""
    if not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r}: a row holds numbers")
    return repr(value) if isinstance(value, float) else str(int(value))


def _replace(path: pathlib.Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
