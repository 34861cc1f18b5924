"""Several runs in one figure: how each ends, the curves that lead there, and the final numbers."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interphase.report import style
from interphase.report.materials import draw_materials, draw_outlines, frame_axes
from interphase.report.run_folder import RunFolder, read_run
from interphase.report.section import Section, section, window

_QUANTITIES = (
    ("overpotential_V", 1e3, "Overpotential (mV)", None),
    ("hot_spot_factor", 1.0, "Hot-spot factor", 1.0),
    ("roughness_peak_to_valley_nm", 1.0, "Peak to valley (nm)", None),
    ("coating_strain_max", 100.0, "Coating strain (%)", None),
    ("coating_stress_max_MPa", 1.0, "Coating stress (MPa)", None),
    ("elastic_energy_over_resilience_max", 1.0, "Energy over resilience", 1.0),
    ("contact_fraction", 100.0, "Faces that touch (%)", None),
    ("void_thickness_nm", 1.0, "Void over the electrode (nm)", None),
    ("contact_pressure_max_MPa", 1.0, "Contact pressure (MPa)", None),
)
"""Column, factor, name, and a value worth a line."""


def compare(
    run_folders: Sequence[str | os.PathLike[str]], labels: Sequence[str], out: str | os.PathLike[str]
) -> pathlib.Path:
    """Draws the comparison and returns the PNG.

    **Arguments:**

    - `run_folders`, `labels`: the runs, two to eight, and what to call each.
    - `out`: the file to write.

    Raises `ValueError` for numbers of runs and labels that do not fit, `RunFolderError` for a folder without a run.
    """
    if len(run_folders) != len(labels) or not 1 <= len(labels) <= len(_hues(8)):
        raise ValueError(f"{len(run_folders)} runs and {len(labels)} labels: one label per run, one to eight runs")
    runs = [read_run(folder) for folder in run_folders]
    with style.styled():
        return style.save(_draw(runs, list(labels)), pathlib.Path(out))


def _draw(runs: list[RunFolder], labels: list[str]) -> Figure:
    quantities = [q for q in _QUANTITIES if any(q[0] in run.series for run in runs)]
    columns = max(len(quantities), 1)
    width = max(2.15 * columns, 2.3 * len(runs), 7.0)
    pictured = [run for run in runs if run.trajectory is not None]
    heights = window([_last(run) for run in pictured]) if pictured else None
    tall = 0.0 if heights is None else _picture_height(_last(pictured[0]), heights, width / len(runs))
    figure = style.new_figure(width, tall + 4.6)
    figure.set_layout_engine("constrained", rect=(0.005, 0.0, 0.99, 0.985))
    rows = figure.subfigures(3, 1, squeeze=False, height_ratios=[max(tall, 0.01), 2.4, 2.2])[:, 0]
    _pictures(rows[0], runs, labels, heights)
    for draw, row in ((_curves, rows[1]), (_bars, rows[2])):
        grid = row.subplots(1, columns, squeeze=False)[0]
        for axes, quantity in zip(grid, quantities, strict=False):
            draw(axes, runs, labels if axes is grid[0] else [""] * len(runs), quantity)
    return figure


def _last(run: RunFolder) -> Section:
    if run.trajectory is None:
        raise ValueError(f"{run.path}: no fields")
    return section(run.trajectory, -1)


def _picture_height(shown: Section, heights: tuple[float, float], width: float) -> float:
    left, right, _, _ = shown.extent
    return float(np.clip((width - 0.6) * (heights[1] - heights[0]) / (right - left), 1.2, 4.5)) + 0.8


def _pictures(row, runs: list[RunFolder], labels: list[str], heights: tuple[float, float] | None) -> None:
    if heights is None:
        return
    grid = row.subplots(1, len(runs), squeeze=False)[0]
    for axes, run, label, hue in zip(grid, runs, labels, _hues(len(runs)), strict=True):
        if run.trajectory is None:
            axes.set_visible(False)
            continue
        shown = _last(run)
        draw_materials(axes, shown)
        draw_outlines(axes, shown, 0.8)
        frame_axes(axes, shown, heights)
        axes.set_title(f"{label}\nat {style.readable_time(shown.time)}", color=hue, fontsize=8.5)
        if axes is not grid[0]:
            axes.set_ylabel("")


def _curves(axes: Axes, runs: list[RunFolder], labels: list[str], quantity) -> None:
    """A quantity against plated thickness, the coordinate in which runs at unlike currents compare."""
    column, factor, name, mark = quantity
    for run, hue in zip(runs, _hues(len(runs)), strict=True):
        if column not in run.series or "plated_thickness_nm" not in run.series:
            continue
        plated, values = np.abs(run.series["plated_thickness_nm"]), run.series[column] * factor
        known = np.isfinite(values) & np.isfinite(plated)
        axes.plot(plated[known], values[known], color=hue)
        if known.any():
            axes.plot(plated[known][-1], values[known][-1], "o", color=hue)
    if mark is not None:
        axes.axhline(mark, color="#777777", linewidth=0.9, linestyle="--")
    axes.set_title(name, fontsize=8.5)
    strips = any(
        np.nanmin(run.series["plated_thickness_nm"]) < 0 for run in runs if "plated_thickness_nm" in run.series
    )
    axes.set_xlabel("stripped (nm)" if strips else "plated (nm)")
    axes.locator_params(nbins=4)
    axes.grid(True)


def _bars(axes: Axes, runs: list[RunFolder], labels: list[str], quantity) -> None:
    """The last value of each run, written beside its bar; a run without the physics has none."""
    column, factor, name, mark = quantity
    for place, (run, hue) in enumerate(zip(runs, _hues(len(runs)), strict=True)):
        values = run.series.get(column, np.array([]))
        values = values[np.isfinite(values)]
        if values.size:
            last = float(values[-1]) * factor
            axes.barh(place, last, color=hue, height=0.65)
            axes.annotate(
                f"{last:.3g}", (last, place), (3 if last >= 0 else -3, 0), textcoords="offset points",
                va="center", ha="left" if last >= 0 else "right", fontsize=7.5,
            )  # fmt: skip
        else:
            axes.annotate("–", (0, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
    if mark is not None:
        axes.axvline(mark, color="#777777", linewidth=0.9, linestyle="--")
    axes.set_yticks(range(len(runs)), labels)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.margins(x=0.35)
    axes.locator_params(axis="x", nbins=3)
    axes.set_xlabel(f"final {name[0].lower()}{name[1:]}", fontsize=8)


def _hues(count: int) -> list[str]:
    return [*style.LINES, "#888888"][:count]
