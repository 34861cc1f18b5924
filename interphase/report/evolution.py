"""The deposit and its coating at a handful of moments, side by side."""

import numpy as np
from matplotlib.figure import Figure

from interphase.report import style
from interphase.report.materials import depth_bar, draw_materials, draw_outlines, frame_axes, legend_entries
from interphase.report.run_folder import RunFolder
from interphase.report.section import Section, section, window

_MOST_PICTURES = 5


def draw_evolution(run: RunFolder) -> Figure | None:
    """The figure, or `None` when the run has no fields."""
    if run.trajectory is None:
        return None
    num_frames = len(run.trajectory)
    frames = sorted({round(f) for f in np.linspace(0, num_frames - 1, min(_MOST_PICTURES, num_frames))})
    sections = [section(run.trajectory, frame) for frame in frames]
    heights = window(sections)
    left, right, _, _ = sections[0].extent
    width = 2.35 if len(frames) > 2 else 3.4
    tall = float(np.clip((width - 0.25) * (heights[1] - heights[0]) / (right - left), 1.2, 6.0))
    figure = style.new_figure(width * len(frames) + 1.2, tall + 1.25)
    grid = figure.subplots(1, len(frames), squeeze=False, sharey=True)[0]
    for axes, shown in zip(grid, sections, strict=True):
        draw_materials(axes, shown)
        if shown.has("coating_depth", "coating_fraction"):
            depth = np.ma.masked_where(shown.fraction("coating") < 0.5, shown.field("coating_depth"))
            axes.contour(shown.along, shown.up, depth.T, [0.25, 0.5, 0.75], colors="white", linewidths=0.5)
        draw_outlines(axes, shown, 0.8)
        frame_axes(axes, shown, heights)
        axes.set_title(_caption(run, shown), fontsize=8.5)
        if axes is not grid[0]:
            axes.set_ylabel("")
    if sections[0].has("coating_depth", "coating_fraction"):
        depth_bar(figure, list(grid))
    figure.legend(handles=legend_entries(sections[0]), loc="outside lower center", ncols=4)
    return figure


def _caption(run: RunFolder, shown: Section) -> str:
    plated = run.at("plated_thickness_nm", shown.time)
    time = style.readable_time(shown.time)
    return time if plated is None else f"{time}, {plated:.1f} nm plated"
