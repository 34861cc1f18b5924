"""Numbers over time, one small panel each; a panel whose physics was off is left out."""

import dataclasses
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from interphase.report import style
from interphase.report.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Line:
    """A column of `series.csv`, what it is multiplied by, and what it is called in a legend."""

    column: str
    factor: float = 1.0
    label: str = ""


@dataclasses.dataclass(frozen=True)
class Panel:
    """Lines with one unit.

    **Arguments:**

    - `size_only`: shows absolute values on a logarithmic axis.
    - `mark`: a value worth a line of its own, and its name.
    - `is_count`: has whole numbers.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]
    size_only: bool = False
    mark: tuple[float, str] | None = None
    is_count: bool = False


SERIES = (
    Panel(
        "Potentials",
        "mV",
        (Line("metal_potential_V", 1e3, "metal"), Line("overpotential_V", 1e3, "overpotential")),
    ),
    Panel("Current density", "mA/cm²", (Line("current_A_per_m2", 0.1),)),
    Panel("Largest over mean current", "hot-spot factor", (Line("hot_spot_factor"),), mark=(1.0, "uniform")),
    Panel(
        "Roughness",
        "nm",
        (Line("roughness_peak_to_valley_nm", 1.0, "peak to valley"), Line("roughness_rms_nm", 1.0, "rms")),
    ),
    Panel("Collector that lithium covers", "%", (Line("collector_covered_fraction", 100.0),)),
    Panel("Largest strain of the coating", "%", (Line("coating_strain_max", 100.0),)),
    Panel("Largest stress of the coating", "MPa", (Line("coating_stress_max_MPa"),)),
    Panel("Elastic energy", "mJ/m²", (Line("elastic_energy_J_per_m2", 1e3),)),
    Panel(
        "Elastic energy over resilience",
        "ratio of densities",
        (Line("elastic_energy_over_resilience_max"),),
        mark=(1.0, "yields or breaks"),
    ),
    Panel(
        "Plating elsewhere than under the coating",
        "% of the current",
        (
            Line("bare_plating_fraction", 100.0, "on bare lithium"),
            Line("inside_plating_fraction", 100.0, "inside the coating"),
            Line("upon_plating_fraction", 100.0, "on the coating"),
        ),
    ),
    Panel(
        "Faces that touch, faces with a void before them",
        "%",
        (Line("contact_fraction", 100.0, "touching"), Line("void_area_fraction", 100.0, "void")),
    ),
    Panel("Lithium in the alloy", "nm of metal", (Line("alloy_lithium_nm"),)),
    Panel("Volume gained by the alloy", "%", (Line("alloy_swelling_fraction", 100.0),)),
    Panel("Void over the electrode", "nm", (Line("void_thickness_nm"),)),
    Panel("Largest contact pressure", "MPa", (Line("contact_pressure_max_MPa"),)),
    Panel("Lithium in the native film", "nm of metal", (Line("sei_lithium_nm"),)),
    Panel(
        "Native film: strain, and lithium left bare",
        "%",
        (Line("sei_strain_max", 100.0, "strain"), Line("sei_bare_fraction", 100.0, "bare")),
    ),
    Panel("Least occupied lattice sites of the surface", "%", (Line("surface_occupancy_min", 100.0),)),
    Panel("Empty lattice sites over the electrode", "nm", (Line("vacant_thickness_nm"),)),
)

BUDGET = (
    Panel("Lithium budget, error", "relative", (Line("lithium_budget_relative_error"),), size_only=True),
    Panel("Charge closure, error", "relative", (Line("charge_closure_relative_error"),), size_only=True),
    Panel("Coating volume, change", "relative", (Line("coating_volume_relative_change"),), size_only=True),
    Panel("Pieces of coating", "count", (Line("coating_bodies"),), is_count=True),
)

SOLVER = (
    Panel("Time step", "s", (Line("dt_s"),)),
    Panel("Newton steps", "per time step", (Line("newton_steps"),), is_count=True),
    Panel("Linear iterations", "per time step", (Line("linear_iterations"),), is_count=True),
    Panel("Residual of the coupled solve", "relative", (Line("residual"),), size_only=True),
    Panel("Wall time of a step", "ms", (Line("step_wall_ms"),)),
)


def draw_series(run: RunFolder) -> Figure | None:
    """What happened to the cell over time, or `None` when there are no numbers."""
    return _draw(run, SERIES)


def draw_solver(run: RunFolder) -> Figure | None:
    """How hard the solvers worked, or `None` when it was not recorded."""
    return _draw(run, SOLVER)


def draw_budget(run: RunFolder) -> Figure | None:
    """What should be conserved, and by how much it is not; `None` when it was not recorded."""
    has_faraday = {"charge_C_per_m2", "plated_thickness_nm"} <= set(run.series)
    panels = present(run, BUDGET)
    if not panels and not has_faraday:
        return None
    figure, grid = _grid(len(panels) + has_faraday)
    if has_faraday:
        _faraday(grid[0], run)
    for axes, panel in zip(grid[has_faraday:], panels, strict=True):
        draw_panel(axes, run, panel)
    return figure


def present(run: RunFolder, panels: tuple[Panel, ...]) -> list[Panel]:
    """The panels of which the run has at least one line."""
    return [panel for panel in panels if any(line.column in run.series for line in panel.lines)]


def draw_panel(axes: Axes, run: RunFolder, panel: Panel) -> None:
    """One panel over time."""
    scale, unit = style.time_scale(float(run.series["time_s"][-1]))
    lines = [line for line in panel.lines if line.column in run.series]
    highest = 0.0
    for line, colour in zip(lines, style.LINES, strict=False):
        values = run.series[line.column] * line.factor
        if panel.size_only:
            values = np.where(values == 0, np.nan, np.abs(values))
        known = np.isfinite(values)
        highest = max(highest, float(np.max(values[known], initial=0.0)))
        marker = "o" if np.count_nonzero(known) <= 40 else ""
        axes.plot(run.series["time_s"][known] / scale, values[known], color=colour, marker=marker, label=line.label)
    if panel.size_only:
        _make_logarithmic(axes, highest)
    else:
        widen(axes)
    if panel.mark is not None and highest > 0.3 * panel.mark[0]:
        value, name = panel.mark
        axes.axhline(value, color="#777777", linewidth=0.9, linestyle="--")
        axes.annotate(
            name, (0, value), (3, 2), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            ha="left", va="bottom", fontsize=7.5, color="#555555",
        )  # fmt: skip
    if panel.is_count:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
    if len(lines) > 1:
        axes.legend()
    axes.set_title(panel.title)
    axes.set_ylabel(panel.unit)
    axes.set_xlabel(f"time ({unit})")
    axes.grid(True)


def _faraday(axes: Axes, run: RunFolder) -> None:
    """Plated thickness against charge; its slope is the molar volume of lithium over Faraday's constant."""
    charge, thickness = run.series["charge_C_per_m2"], run.series["plated_thickness_nm"]
    axes.plot(charge, thickness, color=style.BLUE, marker="o" if len(charge) <= 40 else "")
    known = np.isfinite(charge) & np.isfinite(thickness)
    passed = float(np.sum(charge[known] ** 2))
    if passed > 0:
        slope = float(np.sum(charge[known] * thickness[known])) / passed
        axes.annotate(f"{slope:.4f} nm per C/m²", (0.05, 0.92), xycoords="axes fraction", va="top", fontsize=8)
    axes.set_title("Plated lithium against charge")
    axes.set_xlabel("charge (C/m²)")
    axes.set_ylabel("nm")
    axes.grid(True)


def widen(axes: Axes) -> None:
    """A constant looks constant: no axis spans less than a hundredth of its values."""
    low, high = axes.dataLim.intervaly
    size = max(abs(low), abs(high))
    if high - low < 0.01 * size:
        axes.set_ylim(0.5 * (low + high) - 0.05 * size, 0.5 * (low + high) + 0.05 * size)


def _make_logarithmic(axes: Axes, highest: float) -> None:
    """Whole decades, two at least, so that ticks carry plain powers of ten."""
    if highest <= 0:
        axes.annotate("exactly zero", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color="#555555")
        return
    axes.set_yscale("log")
    low, high = np.log10(axes.dataLim.intervaly)
    high = math.ceil(high + 0.05)
    axes.set_ylim(10.0 ** min(math.floor(low - 0.05), high - 2), 10.0**high)


def _draw(run: RunFolder, panels: tuple[Panel, ...]) -> Figure | None:
    shown = present(run, panels)
    if not shown or "time_s" not in run.series:
        return None
    figure, grid = _grid(len(shown))
    for axes, panel in zip(grid, shown, strict=True):
        draw_panel(axes, run, panel)
    return figure


def _grid(num_panels: int) -> tuple[Figure, list[Axes]]:
    columns = min(num_panels, 4 if num_panels > 6 else 3 if num_panels > 4 else 2)
    rows = math.ceil(num_panels / columns)
    figure = style.new_figure(3.4 * columns, 2.5 * rows)
    grid = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in grid[num_panels:]:
        axes.set_visible(False)
    return figure, grid[:num_panels]
