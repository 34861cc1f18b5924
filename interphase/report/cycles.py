"""What every cycle came to: a table, and curves from cycle to cycle."""

import math
from html import escape

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from interphase.report import style
from interphase.report.profiles import widen
from interphase.report.run_folder import RunFolder

_COLUMNS = (
    ("plated_C_per_m2", "Plated", 1 / 36e3, "mAh/cm²"),
    ("stripped_C_per_m2", "Stripped", 1 / 36e3, "mAh/cm²"),
    ("coulombic_efficiency", "Stripped over plated", 100.0, "%"),
    ("lithium_efficiency", "Plated lithium that the native film leaves", 100.0, "%"),
    ("sei_lithium_nm", "Lithium lost to it", 1.0, "nm"),
    ("plating_overpotential_max_mV", "Overpotential, plating", 1.0, "mV"),
    ("stripping_overpotential_max_mV", "Overpotential, stripping", 1.0, "mV"),
    ("stripping_polarisation_rise_mV", "Rise while stripping", 1.0, "mV"),
    ("void_thickness_max_nm", "Most void", 1.0, "nm"),
    ("void_thickness_end_nm", "Void left", 1.0, "nm"),
    ("contact_fraction_min", "Least contact", 100.0, "%"),
    ("contact_fraction_end", "Contact left", 100.0, "%"),
    ("hot_spot_plating_max", "Hot spot, plating", 1.0, ""),
    ("stack_pressure_max_MPa", "Highest stack pressure", 1.0, "MPa"),
    ("dead_lithium_nm", "Isolated lithium", 1.0, "nm"),
)
"""Key, name, factor and unit."""

_PANELS = (
    ("Overpotential, largest", "mV", ("plating_overpotential_max_mV", "stripping_overpotential_max_mV"), 1.0),
    ("Void over the electrode", "nm", ("void_thickness_max_nm", "void_thickness_end_nm"), 1.0),
    ("Faces that touch", "%", ("contact_fraction_min", "contact_fraction_end"), 100.0),
    ("Hot spot while plating", "largest over mean", ("hot_spot_plating_max",), 1.0),
    ("Stripped over plated", "%", ("coulombic_efficiency",), 100.0),
    ("Plated lithium that the native film leaves", "%", ("lithium_efficiency",), 100.0),
    ("Highest stack pressure", "MPa", ("stack_pressure_max_MPa",), 1.0),
)
_LABELS = {
    "plating_overpotential_max_mV": "plating",
    "stripping_overpotential_max_mV": "stripping",
    "void_thickness_max_nm": "most",
    "void_thickness_end_nm": "left at the end",
    "contact_fraction_min": "least",
    "contact_fraction_end": "left at the end",
}


def cycles_table(run: RunFolder) -> str:
    """The table as HTML, a row per cycle; empty where nothing was cycled."""
    shown = [column for column in _COLUMNS if _said(run, column[0])]
    if not shown:
        return ""
    units = [f"<br>({unit})" if unit else "" for *_, unit in shown]
    head = "".join(f"<th>{escape(name)}{unit}</th>" for (_, name, _, _), unit in zip(shown, units, strict=True))
    rows = []
    for k, number in enumerate(run.cycles["cycle"]):
        cells = "".join(f"<td>{_written(run.cycles[key][k] * factor)}</td>" for key, _, factor, _ in shown)
        rows.append(f"<tr><td>{int(number)}</td>{cells}</tr>")
    body = "\n".join(rows)
    return (
        f'<h2>Cycles</h2>\n<div class="cycles"><table><thead><tr><th>Cycle</th>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _said(run: RunFolder, key: str) -> bool:
    """Whether any cycle has a number for it; runs of an earlier version lack columns."""
    return key in run.cycles and bool(np.isfinite(run.cycles[key]).any())


def _written(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}".replace("-", "−")  # noqa: RUF001


def draw_cycles(run: RunFolder) -> Figure | None:
    """Extremes from cycle to cycle, or `None` for fewer than two cycles."""
    if len(run.cycles.get("cycle", ())) < 2:
        return None
    panels = [panel for panel in _PANELS if any(_said(run, key) for key in panel[2])]
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = style.new_figure(3.4 * columns, 2.5 * rows)
    grid = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, unit, keys, factor) in zip(grid, panels, strict=False):
        for key, colour in zip(keys, style.LINES, strict=False):
            if _said(run, key):
                values = run.cycles[key] * factor
                axes.plot(run.cycles["cycle"], values, color=colour, marker="o", label=_LABELS.get(key))
        widen(axes)
        if len(keys) > 1:
            axes.legend()
        axes.set_title(title)
        axes.set_ylabel(unit)
        axes.set_xlabel("cycle")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(True)
    return figure
