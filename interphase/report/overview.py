"""The last frame in detail: potential, current, stress, strain, each over the outlines of deposit and coating."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from interphase.report import style
from interphase.report.materials import depth_bar, draw_materials, draw_outlines, frame_axes, outline_entries
from interphase.report.run_folder import RunFolder
from interphase.report.section import METRE_IN_NM, Section, deposit_height, section, window

_GROUND = 0.45  # strength of the phases' colours under a map


def draw_overview(run: RunFolder) -> Figure | None:
    """The figure, or `None` when the run has no fields."""
    if run.trajectory is None:
        return None
    shown = section(run.trajectory, -1)
    heights = window([shown])
    panels = _panels(shown)
    if not panels:
        return None
    columns = 2 if len(panels) <= 4 else 3
    rows = math.ceil(len(panels) / columns)
    left, right, _, _ = shown.extent
    height = float(np.clip(3.1 * (heights[1] - heights[0]) / (right - left), 1.6, 6.0)) + 0.75
    figure = style.new_figure(4.9 * columns, height * rows + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        if panel is _top_view:
            panel(figure, axes, shown)
            continue
        draw_materials(axes, shown, _GROUND)
        panel(figure, axes, shown)
        draw_outlines(axes, shown)
        frame_axes(axes, shown, heights)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    figure.suptitle(_heading(run, shown), fontsize=10.5)
    figure.legend(handles=outline_entries(shown), loc="outside lower center", ncols=2)
    return figure


def _heading(run: RunFolder, shown: Section) -> str:
    parts = [f"t = {style.readable_time(shown.time)}"]
    plated = run.at("plated_thickness_nm", shown.time)
    if plated is not None:
        parts.append(f"{abs(plated):.1f} nm {'stripped' if plated < 0 else 'plated'}")
    if shown.place:
        parts.append(shown.place)
    return ", ".join(parts)


def _panels(shown: Section) -> list[Callable[[Figure, Axes, Section], None]]:
    panels: list[Callable[[Figure, Axes, Section], None]] = []
    if shown.has("potential"):
        panels.append(_potential)
    if shown.has("ionic_current_x", "ionic_current_z") or shown.has("plating_current"):
        panels.append(_current)
    if shown.has("coating_lateral_stress") or shown.has("hydrostatic_stress"):
        panels.append(_stress)
    if shown.has("coating_strain", "coating_fraction"):
        panels.append(_strain)
    elif shown.has("von_mises_stress"):
        panels.append(_von_mises)
    if shown.has("contact_pressure", "void_fraction"):
        panels[:0] = [_void, _contact]
    if shown.has("salt_concentration"):
        panels.append(_salt)
    if shown.row is not None:
        panels.append(_top_view)
    if len(panels) % 2:
        panels.insert(0, _materials)
    return panels


def _map(figure: Figure, axes: Axes, shown: Section, values: Any, label: str, **look: Any) -> None:
    image = axes.imshow(values.T, extent=shown.extent, origin="lower", interpolation="nearest", **look)
    _bar(figure, axes, image, label)


def _bar(figure: Figure, axes: Axes, mappable: Any, label: str) -> None:
    figure.colorbar(mappable, ax=axes, label=label, pad=0.02, fraction=0.05, shrink=0.95)


def _between(bounds: tuple[float, float]) -> dict[str, float]:
    return {"vmin": bounds[0], "vmax": bounds[1]}


def _in_electrolyte(shown: Section, values: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.masked_where(shown.fraction("lithium") > 0.5, values)


def _in_coating(shown: Section, values: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.masked_where(shown.fraction("coating") < 0.5, values)


def _materials(figure: Figure, axes: Axes, shown: Section) -> None:
    draw_materials(axes, shown)
    if shown.has("coating_depth", "coating_fraction"):
        depth_bar(figure, [axes])
    axes.set_title("Deposit and coating" if shown.has("coating_fraction") else "Deposit")


def _potential(figure: Figure, axes: Axes, shown: Section) -> None:
    values = _in_electrolyte(shown, shown.field("potential") * 1e3)
    bounds = style.limits(values, 100.0)
    _map(figure, axes, shown, values, "potential (mV)", cmap="viridis", **_between(bounds))
    levels = np.linspace(*bounds, 11)[1:-1]
    axes.contour(shown.along, shown.up, values.T, levels, colors="white", linewidths=0.6, linestyles="solid")
    axes.set_title("Electrolyte potential")


def _current(figure: Figure, axes: Axes, shown: Section) -> None:
    if shown.has("ionic_current_x", "ionic_current_z"):
        x, z = (_in_electrolyte(shown, shown.field(f"ionic_current_{a}") * 0.1) for a in "xz")
        size = np.ma.hypot(x, z)
        bounds = style.limits(size)
        _map(figure, axes, shown, size, "ionic current (mA/cm²)", cmap="cividis", **_between((0.0, bounds[1])))
        if size.max() > 0:
            axes.streamplot(
                shown.along,
                shown.up,
                x.filled(np.nan).T,
                z.filled(np.nan).T,
                color="white",
                linewidth=0.6,
                arrowsize=0.6,
                density=1.1,
            )
    if shown.has("plating_current"):
        _surface_current(figure, axes, shown)
    axes.set_title("Current and where it plates or strips")


def _surface_current(figure: Figure, axes: Axes, shown: Section) -> None:
    lines = shown.lines(shown.fraction("lithium"))
    if not lines:
        return
    current = shown.field("plating_current") * 0.1
    segments = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in lines])
    values = shown.sampled(current, segments.mean(axis=1))
    bounds = style.limits(values, 100.0)
    axes.add_collection(LineCollection(list(segments), colors="white", linewidths=6.0, zorder=3, capstyle="round"))
    coloured = LineCollection(list(segments), cmap="plasma", linewidths=4.0, zorder=4, capstyle="round")
    coloured.set_array(values)
    coloured.set_clim(*bounds)
    axes.add_collection(coloured)
    _bar(figure, axes, coloured, "plating current (mA/cm²)")


def _stress(figure: Figure, axes: Axes, shown: Section) -> None:
    if shown.has("hydrostatic_stress"):
        lithium = np.ma.masked_where(shown.fraction("lithium") < 0.5, shown.field("hydrostatic_stress") * 1e-6)
        bounds = _between(style.symmetric(lithium))
        _map(figure, axes, shown, lithium, "mean stress in lithium (MPa)", cmap="PuOr_r", **bounds)
    if shown.has("coating_lateral_stress", "coating_fraction"):
        coating = _in_coating(shown, shown.field("coating_lateral_stress") * 1e-6)
        bounds = _between(style.symmetric(coating))
        _map(figure, axes, shown, coating, "σ$_{xx}$ in coating (MPa)", cmap="RdBu_r", **bounds)
    axes.set_title("Stress, tension positive")


def _strain(figure: Figure, axes: Axes, shown: Section) -> None:
    values = _in_coating(shown, shown.field("coating_strain") * 100)
    bounds = (min(0.0, style.limits(values)[0]), style.limits(values)[1])
    _map(figure, axes, shown, values, "largest principal strain (%)", cmap="viridis", **_between(bounds))
    axes.set_title("Strain of the coating")


def _von_mises(figure: Figure, axes: Axes, shown: Section) -> None:
    solids = shown.covered + shown.fraction("solid_electrolyte")
    values = np.ma.masked_where(solids < 0.5, shown.field("von_mises_stress") * 1e-6)
    bounds = (0.0, style.limits(values)[1])
    _map(figure, axes, shown, values, "von Mises stress (MPa)", cmap="viridis", **_between(bounds))
    axes.set_title("Von Mises stress")


def _void(figure: Figure, axes: Axes, shown: Section) -> None:
    values = np.ma.masked_where(shown.field("void_fraction") < 0.05, shown.field("void_fraction") * 100)
    _map(figure, axes, shown, values, "void (%)", cmap="bone_r", **_between((0.0, 100.0)))
    axes.set_title("Void")


def _contact(figure: Figure, axes: Axes, shown: Section) -> None:
    """Along the faces of the solid: what presses there."""
    pressure = shown.field("contact_pressure") * 1e-6
    near = np.abs(shown.fraction("solid_electrolyte") - 0.5) > 0.45
    bounds = (0.0, style.limits(np.ma.masked_where(near, pressure))[1])
    _map(
        figure,
        axes,
        shown,
        np.ma.masked_where(near, pressure),
        "contact pressure (MPa)",
        cmap="magma_r",
        **_between(bounds),
    )
    axes.set_title("Where solid and lithium touch")


def _salt(figure: Figure, axes: Axes, shown: Section) -> None:
    values = np.ma.masked_where(shown.covered > 0.5, shown.field("salt_concentration"))
    bounds = style.limits(values, 100.0)
    _map(figure, axes, shown, values, "salt (mol/m³)", cmap="viridis", **_between(bounds))
    axes.set_title("Salt concentration")


def _top_view(figure: Figure, axes: Axes, shown: Section) -> None:
    """The deposit of a 3-D run seen from above: colour says how fast it grows, lines how high it is."""
    trajectory, frame = shown.trajectory, shown.frame
    height = deposit_height(trajectory, frame)
    x, y = (trajectory.axes[a] * METRE_IN_NM for a in "xy")
    half = 0.5 * (x[1] - x[0]), 0.5 * (y[1] - y[0])
    extent = (x[0] - half[0], x[-1] + half[0], y[0] - half[1], y[-1] + half[1])
    if shown.has("plating_current", "surface_area_density"):
        density = trajectory.field("surface_area_density", frame)
        reaction = (trajectory.field("plating_current", frame) * density).sum(axis=-1)
        local = reaction / np.maximum(density.sum(axis=-1), 1e-30)
        mean = reaction.sum() / density.sum()
        image = axes.imshow((local / mean).T, extent=extent, origin="lower", cmap="plasma")
        _bar(figure, axes, image, "plating current over its mean")
    else:
        image = axes.imshow(height.T, extent=extent, origin="lower", cmap="viridis")
        _bar(figure, axes, image, "height (nm)")
    if np.ptp(height) > 1e-3:
        lines = axes.contour(x, y, height.T, 6, colors="white", linewidths=0.8)
        axes.clabel(lines, fmt="%.0f nm", fontsize=6.5)
    axes.axhline(float(y[shown.row]), color=style.BLACK, linewidth=0.8, linestyle=":")
    axes.set_aspect("equal")
    style.label_lengths(axes, "x", "y")
    axes.set_title("Deposit from above: growth, lines of height")
