"""What every cycle of plating and stripping came to, from the rows of a run."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from interphase.io.records import Series, read_series
from interphase.run.numbers import AT_REST

COLUMNS = (
    "cycle",
    "end_s",
    "plated_C_per_m2",
    "stripped_C_per_m2",
    "coulombic_efficiency",
    "lithium_efficiency",
    "sei_lithium_nm",
    "plating_overpotential_max_mV",
    "stripping_overpotential_max_mV",
    "stripping_polarisation_rise_mV",
    "void_thickness_max_nm",
    "void_thickness_end_nm",
    "contact_fraction_min",
    "contact_fraction_end",
    "hot_spot_plating_max",
    "stack_pressure_max_MPa",
    "dead_lithium_nm",
)
"""Columns of `cycles.csv`."""


def cycle_table(series: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """One row per cycle; `None` where a cycle has nothing to say.

    **Arguments:** `series`: columns of `series.csv`, not-a-number where empty.

    Extremes are those of the rows. Charge is counted from row to row, and rows land on the ends of the protocol's
    steps. The Coulombic efficiency is the charge stripped over the charge plated in the cycle; both include the current
    that makes native film. Where lithium in reserve makes up for what that takes, the charges do not show it: the
    lithium efficiency is the share of the lithium brought in a cycle that it leaves.
    """
    cycles = series["cycle"].astype(int)
    passed = np.diff(series["charge_C_per_m2"], prepend=0.0)
    return [_cycle(number, cycles == number, passed, series) for number in np.unique(cycles).tolist()]


def _cycle(number: int, mine: np.ndarray, passed: np.ndarray, series: Mapping[str, np.ndarray]) -> dict[str, Any]:
    current = series["current_A_per_m2"]
    flows = np.abs(current) > AT_REST * np.abs(current).max()
    plates, strips = mine & flows & (current > 0), mine & flows & (current < 0)
    plated, stripped = float(passed[plates].sum()), float(-passed[strips].sum())

    def column(name: str, rows: np.ndarray) -> np.ndarray:
        values = series.get(name, np.array([]))[rows] if name in series else np.array([])
        return values[np.isfinite(values)]

    def gained(name: str, rows: np.ndarray) -> float | None:
        values = np.diff(series[name], prepend=0.0)[rows] if name in series else np.array([np.nan])
        return float(values.sum()) if np.all(np.isfinite(values)) else None

    film, film_plating = gained("sei_lithium_nm", mine), gained("sei_lithium_nm", plates)
    brought = None if film_plating is None else film_plating + (gained("plated_thickness_nm", plates) or 0.0)

    def extreme(name: str, rows: np.ndarray, of: Any, factor: float = 1.0) -> float | None:
        values = column(name, rows)
        return float(of(values)) * factor if values.size else None

    def last(values: np.ndarray) -> float:
        return values[-1]

    def rise(values: np.ndarray) -> float:
        return values.max() - values[0]

    return {
        "cycle": number,
        "end_s": float(series["time_s"][mine][-1]),
        "plated_C_per_m2": plated,
        "stripped_C_per_m2": stripped,
        "coulombic_efficiency": stripped / plated if plated and stripped else None,
        "lithium_efficiency": 1 - film / brought if film is not None and brought else None,
        "sei_lithium_nm": film,
        "plating_overpotential_max_mV": extreme("overpotential_V", plates, lambda v: np.abs(v).max(), 1e3),
        "stripping_overpotential_max_mV": extreme("overpotential_V", strips, lambda v: np.abs(v).max(), 1e3),
        "stripping_polarisation_rise_mV": extreme("overpotential_V", strips, rise, 1e3),
        "void_thickness_max_nm": extreme("void_thickness_nm", mine, np.max),
        "void_thickness_end_nm": extreme("void_thickness_nm", mine, last),
        "contact_fraction_min": extreme("contact_fraction", mine, np.min),
        "contact_fraction_end": extreme("contact_fraction", mine, last),
        "hot_spot_plating_max": extreme("hot_spot_factor", plates, np.max),
        "stack_pressure_max_MPa": extreme("stack_pressure_MPa", mine, np.max),
        "dead_lithium_nm": extreme("dead_lithium_nm", mine, last),
    }


def record_cycles(folder: pathlib.Path) -> list[dict[str, Any]]:
    """Writes `cycles.csv` from the `series.csv` of a run that plated and stripped, and returns its rows."""
    if not (folder / "series.csv").exists():
        return []
    table = cycle_table(read_series(folder / "series.csv"))
    if not any(row["plated_C_per_m2"] for row in table) or not any(row["stripped_C_per_m2"] for row in table):
        return []
    path = folder / "cycles.csv"
    path.unlink(missing_ok=True)
    file = Series(path, COLUMNS)
    for row in table:
        file.append(row)
    return table
