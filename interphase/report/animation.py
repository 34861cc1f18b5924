"""A small moving picture: the deposit and its coating, beside the stress or the potential."""

import os
import pathlib

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from interphase.report import style
from interphase.report.materials import colours, draw_materials, draw_outlines, frame_axes
from interphase.report.run_folder import RunFolder, RunFolderError, read_run
from interphase.report.section import Section, section, window

_MOST_FRAMES = 60
_DPI = 90
_SECONDS = 6.0
_COLOURS = 255


def animate(run_folder: str | os.PathLike[str]) -> pathlib.Path:
    """Writes `figures/animation.gif` of a run folder and returns it.

    Raises `RunFolderError` when the run has no fields.
    """
    run = read_run(run_folder)
    if run.trajectory is None:
        raise RunFolderError(f"{run.path}: no frames in fields.zarr, nothing to animate")
    num_frames = len(run.trajectory)
    frames = sorted({round(f) for f in np.linspace(0, num_frames - 1, min(_MOST_FRAMES, num_frames))})
    with style.styled():
        pictures = _pictures(run, [section(run.trajectory, frame) for frame in frames])
    path = run.path / "figures" / "animation.gif"
    path.parent.mkdir(parents=True, exist_ok=True)
    pace = int(np.clip(1000 * _SECONDS / len(pictures), 60, 600))
    durations = [pace] * (len(pictures) - 1) + [max(pace, 1500)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True)
    return path


def _pictures(run: RunFolder, sections: list[Section]) -> list[Image.Image]:
    """One image per frame with one palette; the layout of the first is kept so that nothing jumps."""
    heights = window(sections)
    figure, (left, right) = _canvas(sections[0], heights)
    materials = draw_materials(left, sections[0])
    value = _Value(sections)
    moving = value.draw(figure, right)
    title = figure.suptitle(_title(run, sections[-1]), fontsize=10)
    for axes in (left, right):
        frame_axes(axes, sections[0], heights)
    right.set_ylabel("")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    pictures: list[Image.Image] = []
    for shown in sections:
        materials.set_data(colours(shown))
        moving.set_data(value.of(shown).T)
        title.set_text(_title(run, shown))
        outlines = draw_outlines(left, shown, 0.8) + draw_outlines(right, shown, 0.8)
        figure.canvas.draw()
        picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])  # pyright: ignore[reportAttributeAccessIssue]
        for line in outlines:
            line.remove()
        pictures.append(picture)
    palette = pictures[-1].quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def _canvas(shown: Section, heights: tuple[float, float]) -> tuple[Figure, tuple[Axes, Axes]]:
    left, right, _, _ = shown.extent
    tall = float(np.clip(2.9 * (heights[1] - heights[0]) / (right - left), 1.4, 5.0)) + 0.95
    figure = style.new_figure(7.4, tall)
    figure.set_dpi(_DPI)
    first, second = figure.subplots(1, 2)
    return figure, (first, second)


def _title(run: RunFolder, shown: Section) -> str:
    plated = run.at("plated_thickness_nm", shown.time)
    time = f"t = {style.readable_time(shown.time)}"
    return time if plated is None else f"{time}, {plated:.1f} nm plated"


class _Value:
    """What the right-hand picture shows: the coating's stress, else the lithium's, else the potential."""

    def __init__(self, sections: list[Section]):
        last = sections[-1]
        if last.has("coating_lateral_stress", "coating_fraction"):
            self._choice = ("coating_lateral_stress", 1e-6, "coating", "σ$_{xx}$ in coating (MPa)", "RdBu_r")
        elif last.has("hydrostatic_stress"):
            self._choice = ("hydrostatic_stress", 1e-6, "lithium", "mean stress in lithium (MPa)", "RdBu_r")
        else:
            self._choice = ("potential", 1e3, "", "electrolyte potential (mV)", "viridis")
        shown = np.ma.concatenate([self.of(one).ravel() for one in (sections[0], sections[len(sections) // 2], last)])
        self._bounds = style.symmetric(shown) if self._choice[4] == "RdBu_r" else style.limits(shown, 100.0)
        self._first = sections[0]

    def of(self, shown: Section) -> np.ma.MaskedArray:
        """The values to show, masked where they mean nothing."""
        name, factor, phase, _, _ = self._choice
        hidden = shown.fraction(phase) < 0.5 if phase else shown.fraction("lithium") > 0.5
        return np.ma.masked_where(hidden, shown.field(name) * factor)

    def draw(self, figure: Figure, axes: Axes) -> AxesImage:
        """The image with its colour bar."""
        axes.set_facecolor("#f4f6f8")
        low, high = self._bounds
        image = axes.imshow(
            self.of(self._first).T,
            extent=self._first.extent,
            origin="lower",
            interpolation="nearest",
            cmap=self._choice[4],
            vmin=low,
            vmax=high,
        )
        figure.colorbar(image, ax=axes, label=self._choice[3], pad=0.02, fraction=0.05)
        return image
