"""The page: one file, whole, with every text escaped."""

import base64
import re
from html.parser import HTMLParser

import pytest

from interphase.report import style
from interphase.report.cycles import draw_cycles
from interphase.report.numbers import GROUPS, written
from interphase.report.page import write_page
from interphase.report.run_folder import RunFolderError, read_run
from report.synthetic import make_run

_VOID = {"meta", "img", "br", "link"}


class Balance(HTMLParser):
    """Checks that tags close in order and collects what the page refers to."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path):
    folder = make_run(tmp_path / "run", (16, 16), 2, status="stopped: film <broken> & gone")
    (folder / "figures").mkdir()
    (folder / "figures" / "overview.png").write_bytes(b"\x89PNG made up")
    (folder / "figures" / "animation.gif").write_bytes(b"GIF89a made up")
    return folder


def test_the_page_is_whole_and_refers_to_nothing_outside(run):
    text = write_page(run).read_text()
    parser = Balance()
    parser.feed(text)
    assert not parser.open
    assert len(parser.sources) == 2 and all(source.startswith("data:image/") for source in parser.sources)
    assert base64.b64encode(b"GIF89a made up").decode() in text
    assert not parser.tags & {"script", "link", "broken", "made"}
    assert "film &lt;broken&gt; &amp; gone" in text
    assert "Bump under a coating &lt;made up &amp; not computed&gt;" in text
    assert [p.name for p in run.iterdir() if p.name.startswith("report")] == ["report.html"]


def test_cycles_are_a_table_and_a_figure(run):
    """A row a cycle; what a cycle has nothing to say about stays empty, and a column that is empty is left out."""
    (run / "cycles.csv").write_text(
        "cycle,plated_C_per_m2,coulombic_efficiency,plating_overpotential_max_mV,stripping_overpotential_max_mV,"
        "void_thickness_max_nm,void_thickness_end_nm,contact_fraction_min,contact_fraction_end,hot_spot_plating_max,"
        "stack_pressure_max_MPa,dead_lithium_nm\n"
        "1,36000,0.9,12.5,9,,,,,1.25,2,0\n2,18000,,13,9.5,,,,,1.5,2.5,-0.5\n"
    )
    with style.styled():
        figure = draw_cycles(read_run(run))
    assert figure is not None
    text = write_page(run).read_text()
    table = re.findall("<tr>(.*?)</tr>", text[text.index("<h2>Cycles</h2>") : text.index("<h2>Figures</h2>")])
    rows = [re.findall("<td>(.*?)</td>", row) for row in table[1:]]
    assert rows == [
        ["1", "1", "90", "12.5", "9", "1.25", "2", "0"],
        ["2", "0.5", "", "13", "9.5", "1.5", "2.5", "−0.5"],
    ]
    assert "Most void" not in table[0]


def test_numbers_carry_units_and_missing_physics_says_so(run):
    text = re.sub("<[^>]+>", " ", write_page(run).read_text())
    for words in ("80.82 nm", "−60 mV", "395 MPa", "7.1 %", "16 × 16 cells", "12 s simulated", "jax 0.12.0.1"):
        assert words in text
    assert "not modelled" in text


def test_a_run_without_summary_still_has_a_page(run):
    (run / "summary.json").unlink()
    (run / "study.toml").unlink()
    text = write_page(run).read_text()
    assert "no summary yet" in text and "<h1>run</h1>" in text


@pytest.mark.parametrize(
    ("name", "text"),
    [("series.csv", "time_s\nsoon\n"), ("series.csv", "when\n1.0\n"), ("summary.json", '{"title":')],
)
def test_a_damaged_file_is_named(run, name, text):
    (run / name).write_text(text)
    with pytest.raises(RunFolderError, match=f"{name}: cannot be read") as caught:
        write_page(run)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_has_none(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        write_page(tmp_path)


def test_every_number_can_be_written():
    for number in (number for group in GROUPS.values() for number in group):
        assert written(number, {}) is None
        assert written(number, {number.key: None}) == number.absent
        assert written(number, {number.key: 1.5}).endswith(number.unit)


def test_a_run_that_ends_at_rest_says_why_it_has_no_hot_spot():
    hot_spot = next(number for number in GROUPS["Deposit"] if number.key == "hot_spot_factor")
    assert written(hot_spot, {"hot_spot_factor": None}) == "no current at the end"
