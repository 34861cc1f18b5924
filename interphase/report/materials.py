"""What is where: lithium, coating by its material coordinate, electrolytes, as colours and outlines on axes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from interphase.report import style
from interphase.report.section import Section

_DASHES = (0, (4, 1.5))


def colours(section: Section, strength: float = 1.0) -> np.ndarray:
    """Red, green and blue of every cell: the colours of the phases mixed by volume, indexed (up, along).

    **Arguments:**

    - `strength`: below 1 the colours fade towards white, as a ground for other things.
    """
    lithium, coating = section.fraction("lithium"), section.fraction("coating")
    solid = section.fraction("solid_electrolyte")
    filler = np.clip(1 - lithium - coating - solid, 0, None)
    depth = section.field("coating_depth") if section.has("coating_depth") else 0.5 + 0 * coating
    film = style.COATING(np.clip(depth, 0, 1))[..., :3]
    shares = [np.clip(f, 0, 1)[..., None] for f in (lithium, coating, solid, filler)]
    hues = [np.array(style.LITHIUM), film, np.array(style.SOLID_ELECTROLYTE), np.array(style.ELECTROLYTE)]
    mixed = sum(share * hue for share, hue in zip(shares, hues, strict=True)) / sum(shares)
    return np.clip(1 - strength * (1 - mixed), 0, 1).swapaxes(0, 1)


def draw_materials(axes: Axes, section: Section, strength: float = 1.0) -> AxesImage:
    """The phases as an image; axes in nanometres, equal scales."""
    return axes.imshow(colours(section, strength), extent=section.extent, origin="lower", interpolation="nearest")


def draw_outlines(axes: Axes, section: Section, width: float = 1.0) -> list[Line2D]:
    """The lithium surface as a full line; as a dashed one the coating's outer face, or the solid electrolyte's."""
    drawn = []
    for line in section.lines(section.fraction("lithium")):
        drawn += axes.plot(line[:, 0], line[:, 1], color=style.BLACK, linewidth=width)
    if section.has("coating_fraction"):
        for line in section.lines(section.covered):
            drawn += axes.plot(line[:, 0], line[:, 1], color=style.BLACK, linewidth=width, linestyle=_DASHES)
    if section.has("void_fraction"):
        for line in section.lines(section.fraction("solid_electrolyte")):
            drawn += axes.plot(line[:, 0], line[:, 1], color=style.BLACK, linewidth=width, linestyle=_DASHES)
    return drawn


def depth_bar(figure: Figure, axes: list[Axes]) -> None:
    """A colour bar for the place in the coating, from its inner to its outer face."""
    scale = ScalarMappable(Normalize(0, 1), style.COATING)
    bar = figure.colorbar(scale, ax=axes, ticks=[0, 0.5, 1], pad=0.02, shrink=0.8, aspect=16)
    bar.ax.set_yticklabels(["inner", "middle", "outer"])
    bar.set_label("place in the coating")


def legend_entries(section: Section) -> list[Patch | Line2D]:
    """Handles that name the phases which this run has."""
    entries: list[Patch | Line2D] = [Patch(facecolor=style.LITHIUM, label="lithium")]
    if section.has("coating_fraction"):
        entries.append(Patch(facecolor=style.COATING(0.5), label="coating"))
    if section.has("solid_electrolyte_fraction"):
        entries.append(Patch(facecolor=style.SOLID_ELECTROLYTE, label="solid electrolyte"))
        entries.append(Patch(facecolor=style.ELECTROLYTE, edgecolor="#999999", label="void"))
    else:
        entries.append(Patch(facecolor=style.ELECTROLYTE, edgecolor="#999999", label="electrolyte"))
    return entries


def outline_entries(section: Section) -> list[Line2D]:
    """Handles that name the outlines."""
    entries = [Line2D([], [], color=style.BLACK, linewidth=1.0, label="lithium surface")]
    if section.has("coating_fraction"):
        entries.append(
            Line2D([], [], color=style.BLACK, linewidth=1.0, linestyle=_DASHES, label="outer face of the coating")
        )
    if section.has("void_fraction"):
        entries.append(
            Line2D([], [], color=style.BLACK, linewidth=1.0, linestyle=_DASHES, label="face of the solid electrolyte")
        )
    return entries


def frame_axes(axes: Axes, section: Section, heights: tuple[float, float]) -> None:
    """Limits, labels and ticks of a picture of the section."""
    left, right, _, _ = section.extent
    axes.set_xlim(left, right)
    axes.set_ylim(*heights)
    axes.set_aspect("equal")
    style.label_lengths(axes, "x", "z")
    for spine in axes.spines.values():
        spine.set_visible(True)
