"""One look for all figures: sizes, colours, and how numbers and times are written."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

DPI = 150
MANY_NM = 5000.0  # a picture wider than this counts in micrometres

# Okabe & Ito: told apart by every kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#222222",
)
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)

LITHIUM = (0.60, 0.64, 0.68)
ELECTROLYTE = (0.925, 0.955, 0.985)
SOLID_ELECTROLYTE = (0.80, 0.76, 0.66)
COATING = LinearSegmentedColormap.from_list("coating", ["#5c2a0a", "#c8641b", "#f6c667"])
"""Colours of the coating by its material coordinate, inner to outer face."""

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "axes.formatter.min_exponent": 2,  # 0.3 and not 3×10⁻¹ on axes of a decade
}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """The look, for as long as figures are made and saved; what it was before is put back."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that pyplot knows nothing of; sizes in inches."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.07)
    return figure


def save(figure: Figure, path: pathlib.Path) -> pathlib.Path:
    """Writes a PNG without a date in it, so that equal figures are equal files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    return path


def readable_time(seconds: float) -> str:
    """A time with the unit people would use for it."""
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= (2 * size if size > 1 else size):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def time_scale(longest: float) -> tuple[float, str]:
    """What to divide seconds by for an axis up to `longest` [s], and the name of that unit."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if longest >= 3 * size:
            return size, unit
    return 1.0, "s"


def limits(values: np.ndarray, percentile: float = 99.5) -> tuple[float, float]:
    """Colour limits that a few extreme cells do not stretch; never an empty interval."""
    finite = np.ma.compressed(np.ma.masked_invalid(values))
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, [100 - percentile, percentile])
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):
        middle, half = 0.5 * (low + high), 0.5 * max(abs(low), abs(high)) or 0.5
        return float(middle - half), float(middle + half)
    return float(low), float(high)


def symmetric(values: np.ndarray, percentile: float = 99.5) -> tuple[float, float]:
    """Colour limits as far below zero as above."""
    finite = np.abs(np.ma.compressed(np.ma.masked_invalid(values)))
    largest = float(np.percentile(finite, percentile)) if finite.size else 0.0
    return (-largest, largest) if largest > 0 else (-1.0, 1.0)


def label_lengths(axes: Axes, across: str, upward: str) -> None:
    """Names the axes of a picture drawn in nanometres, and counts in micrometres where it spans many."""
    left, right = axes.get_xlim()
    unit, per_unit = ("nm", 1.0) if right - left < MANY_NM else ("µm", 1e3)
    axes.set_xlabel(f"{across} ({unit})")
    axes.set_ylabel(f"{upward} ({unit})")
    axes.locator_params(nbins=5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value / per_unit:g}")
