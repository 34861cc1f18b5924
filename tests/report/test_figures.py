"""Figures from made-up run folders: every one is drawn when its data are there, and left out when they are not."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from interphase.io.records import Series
from interphase.report import style
from interphase.report.animation import animate
from interphase.report.compare import compare
from interphase.report.figures import draw_all
from interphase.report.overview import draw_overview
from interphase.report.profiles import draw_budget, draw_series, draw_solver
from interphase.report.run_folder import RunFolderError, read_run
from interphase.report.section import section
from report.synthetic import make_run


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "flat", (96, 96), num_frames=6)


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "cube", (24, 24, 24), num_frames=3)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "bare", (48, 48), 2, coating=False, mechanics=False)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def test_all_figures_of_a_run_are_drawn(flat):
    before = dict(matplotlib.rcParams)
    drawn = draw_all(flat)
    assert [path.name for path in drawn] == ["overview.png", "evolution.png", "series.png", "budget.png", "solver.png"]
    for path in drawn:
        with Image.open(path) as picture:
            assert picture.width >= 800 and picture.height >= 400
            assert np.asarray(picture.convert("L")).std() > 5
    assert dict(matplotlib.rcParams) == before


def test_no_label_leaves_its_figure(flat):
    """Texts of the overview lie inside the canvas and titles do not run into each other."""
    with style.styled():
        figure = draw_overview(read_run(flat))
        figure.canvas.draw()
        boxes = [a._left_title.get_window_extent() for a in figure.axes if a.get_title(loc="left")]
        for i, box in enumerate(boxes):
            assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
            assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_three_dimensions_are_cut_through_the_crest_and_seen_from_above(cube):
    run = read_run(cube)
    shown = section(run.trajectory, -1)
    assert shown.row in (11, 12)
    assert shown.field("lithium_fraction").shape == (24, 24)
    with style.styled():
        figure = draw_overview(run)
    assert any("above" in title for title in titles(figure))
    assert "section at y" in figure.get_suptitle()


def test_physics_that_is_off_has_no_panel(bare):
    run = read_run(bare)
    with style.styled():
        assert not any("Strain" in title or "Stress" in title for title in titles(draw_overview(run)))
        names = " ".join(titles(draw_series(run)))
    assert "Potentials" in names and "strain" not in names and "stress" not in names


def test_numbers_alone_are_enough(tmp_path):
    """A run of one row and no frame: what can be drawn is drawn."""
    Series(tmp_path / "series.csv").append({"time_s": 0.0, "overpotential_V": -0.01})
    run = read_run(tmp_path)
    with style.styled():
        assert draw_overview(run) is None
        assert draw_budget(run) is None and draw_solver(run) is None
        assert titles(draw_series(run)) == ["Potentials"]
    with pytest.raises(RunFolderError, match="nothing to animate"):
        animate(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        draw_all(tmp_path)


def test_budget_shows_faradays_slope(flat):
    with style.styled():
        figure = draw_budget(read_run(flat))
    assert any("0.1347 nm per C/m²" in text.get_text() for text in figure.axes[0].texts)


def test_the_animation_moves_and_is_small(flat):
    path = animate(flat)
    assert path.stat().st_size < 4e6
    with Image.open(path) as picture:
        assert picture.n_frames == 6
        first = np.asarray(picture.convert("RGB")).astype(int)
        picture.seek(5)
        assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - first).mean() > 1


def test_runs_of_unlike_physics_and_grids_compare(flat, cube, bare, tmp_path):
    path = compare([flat, cube, bare], ["2-D", "3-D", "bare"], tmp_path / "figures" / "compare.png")
    with Image.open(path) as picture:
        assert picture.width > 1000
    with pytest.raises(ValueError, match="one label per run"):
        compare([flat, cube], ["2-D"], tmp_path / "compare.png")


def test_values_between_cells_are_bilinear(flat):
    shown = section(read_run(flat).trajectory, 0)
    plane = 2 * shown.along[:, None] - 3 * shown.up[None, :]
    points = np.array([[100.3, 50.7], [20.0, 250.0]])
    np.testing.assert_allclose(shown.sampled(plane, points), 2 * points[:, 0] - 3 * points[:, 1])


def test_outlines_reach_the_edges_of_the_box(flat):
    shown = section(read_run(flat).trajectory, -1)
    (line,) = shown.lines(shown.fraction("lithium"))
    assert line[:, 0].min() <= shown.extent[0] and line[:, 0].max() >= shown.extent[1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (0.004, "4 ms"), (12.0, "12 s"), (90.0, "90 s"), (600.0, "10 min"), (9e3, "2.5 h")],
)
def test_times_are_readable(seconds, text):
    assert style.readable_time(seconds) == text
