"""A study is read, overridden, filled from the library, and written so that reading gives the same numbers."""

import pathlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from interphase.config import checks, library
from interphase.config.build import build, controls
from interphase.config.load import path_text, read_study, validated, written
from studies import SMALL, interphase, write_small

ROOT = pathlib.Path(__file__).parents[2]
LAYER = "coating.layers[0]"


@pytest.fixture
def small(tmp_path):
    return write_small(tmp_path)


def again(study, folder):
    """The study after writing and reading."""
    file = folder / "resolved.toml"
    file.write_text(written(study), encoding="utf-8")
    return read_study(file)


@pytest.mark.parametrize("study", sorted(ROOT.glob("experiments/*/study.toml")), ids=lambda p: p.parent.name)
def test_every_study_of_the_project_can_be_run_and_written(study, tmp_path):
    parsed = read_study(study)
    checks.check(parsed)
    assert again(parsed, tmp_path) == parsed


RICH = [
    f"{LAYER}.modulus=['1 GPa', '30 GPa', '77 GPa']",
    f"{LAYER}.relaxation_time=100 s",
    f"{LAYER}.relaxed_fraction=0.3",
    f"{LAYER}.strength=['10 MPa', '1 GPa']",
    "coating.layers[1].material=peo",
    "coating.layers[1].thickness=200 nm",
    "coating.mosaic.correlation_length=200 nm",
    "coating.mosaic.seed=7",
    "coating.mosaic.modulus=0.1",
    "surface.bumps[1]={height='-20 nm', radius='0.2 um', centre=['100 nm']}",
    "surface.waves[0]={height='5 nm', waves=[2], phase=0.1}",
    "lithium.creeps=false",
    "lithium.diffusional_viscosity=1e13 Pa s",
    "cell.temperature=40 degC",
    "cell.film_resistance=10 ohm cm^2",
    "protocol.steps[1]={duration='1 h', potential='-50 mV', pressure='2 MPa'}",
    "protocol.steps[2]={duration='10 min', current='0 A/m^2'}",
    "numerics.largest_step=3 s",
    'title="Größe \\" \\\\ \\n zwei"',
]


def test_a_study_with_everything_in_it_is_written_and_read_to_the_same_numbers(small, tmp_path):
    study = read_study(small, RICH)
    assert again(study, tmp_path) == study
    assert written(again(study, tmp_path)) == written(study)


@pytest.mark.parametrize("kind, key", [("coating", LAYER), ("electrolyte", "electrolyte")])
def test_every_material_of_the_library_is_written_out_and_read_to_the_same_numbers(small, tmp_path, kind, key):
    """What the library supplies is within what a study may say."""
    for name in library.names():
        if library.load(name).kind == kind:
            study = read_study(small, [f"{key}.material={name}"])
            assert again(study, tmp_path) == study, name


@given(
    thickness=some.floats(1e-9, 1e-3),
    modulus=some.lists(some.floats(1e3, 1e12), min_size=1, max_size=4),
    current=some.floats(-1e4, 1e4),
    duration=some.floats(1e-3, 1e6),
    temperature=some.floats(200.0, 450.0, exclude_min=True, exclude_max=True),
    phase=some.floats(-10, 10),
    title=some.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()),
)
def test_numbers_survive_writing_to_the_last_bit(
    tmp_path_factory, thickness, modulus, current, duration, temperature, phase, title
):
    folder = tmp_path_factory.mktemp("numbers")
    study = read_study(write_small(folder))
    data = tomllib.loads(written(study))
    data["title"] = title
    data["coating"]["layers"][0] |= {"thickness": f"{thickness!r} m", "modulus": [f"{e!r} Pa" for e in modulus]}
    data["protocol"]["steps"][0] |= {"current": f"{current!r} A/m^2", "duration": f"{duration!r} s"}
    data["cell"]["temperature"] = f"{temperature!r} K"
    data["surface"]["waves"] = [{"height": "1 nm", "waves": [1], "phase": phase}]
    study = validated(data, "numbers")
    assert study.coating is not None
    assert study.title == title.strip()
    assert (study.coating.layers[0].thickness, study.coating.layers[0].modulus) == (thickness, tuple(modulus))
    assert (study.protocol.steps[0].current, study.protocol.steps[0].duration) == (current, duration)
    assert study.cell.temperature == temperature
    assert study.surface.waves[0].phase == phase
    assert again(study, folder) == study


@pytest.mark.parametrize(
    "override, path, value",
    [
        (f"{LAYER}.modulus=10 GPa", "coating.layers.0.modulus", (10e9,)),
        (f'{LAYER}.modulus="10 GPa"', "coating.layers.0.modulus", (10e9,)),
        (f" {LAYER}.modulus = 10 GPa ", "coating.layers.0.modulus", (10e9,)),
        (f"{LAYER}.modulus=['1 GPa', '2 GPa']", "coating.layers.0.modulus", (1e9, 2e9)),
        (f"{LAYER}.poisson_ratio=0.3", "coating.layers.0.poisson_ratio", (0.3,)),
        (f"{LAYER}.poisson_ratio=30 %", "coating.layers.0.poisson_ratio", (0.3,)),
        ("grid.cells=[32, 40]", "grid.cells", (32, 40)),
        ("grid.cells[1]=40", "grid.cells.1", 40),
        ("surface.bumps[0].height=50 nm", "surface.bumps.0.height", 50e-9),
        ("surface.bumps[0].centre=['100 nm']", "surface.bumps.0.centre", (1e-7,)),
        ("lithium.creeps=false", "lithium.creeps", False),
        ("numerics.tolerance=1e-6", "numerics.tolerance", 1e-6),
        ("title=two words = one title", "title", "two words = one title"),
        ("cell.top=plate", "cell.top", "plate"),
    ],
)
def test_an_override_changes_one_key(small, override, path, value):
    changed = read_study(small, [override])
    found = changed
    for key in path.split("."):
        found = found[int(key)] if key.isdigit() else getattr(found, key)
    assert found == value


def test_overrides_add_layers_steps_and_sections_and_later_ones_win(small):
    study = read_study(
        small,
        [
            "coating.layers[1].material=lif",
            "coating.layers[1].thickness=200 nm",
            "protocol.steps[1]={duration='5 s', current='-1 mA/cm^2'}",
            "coating.mosaic.correlation_length=200 nm",
            "cell.temperature=30 degC",
            "cell.temperature=40 degC",
        ],
    )
    assert study.coating is not None and study.coating.mosaic is not None
    assert [layer.material for layer in study.coating.layers] == ["lipon", "lif"]
    assert study.coating.layers[1].modulus == (58.1e9,)
    assert [step.current for step in study.protocol.steps] == [10.0, -10.0]
    assert study.cell.temperature == pytest.approx(313.15)


def test_what_a_study_leaves_open_comes_from_the_library_and_what_it_says_stays(small):
    lipon = library.load("lipon")
    study = read_study(small, [f"{LAYER}.modulus=10 GPa", "lithium.modulus=5 GPa"])
    assert study.coating is not None and study.electrolyte is not None
    layer = study.coating.layers[0]
    assert layer.modulus == (10e9,)
    assert layer.ionic_conductivity == (lipon["ionic_conductivity"],)
    assert layer.thickness == 400e-9  # of the study, though the library has one
    assert layer.strength is None
    assert study.lithium.modulus == 5e9
    assert study.lithium.molar_volume == library.load("lithium")["molar_volume"]
    assert study.electrolyte.transference_number == 0.38


def test_a_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does(small, tmp_path):
    other = tmp_path / "windows.toml"
    other.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert read_study(other) == read_study(small)


def test_a_folder_stands_for_its_study(small, tmp_path):
    (tmp_path / "study.toml").write_text(SMALL)
    assert read_study(tmp_path) == read_study(small)


def test_the_first_step_is_within_the_largest(small):
    study = read_study(small, ["numerics.largest_step=1 ms"])
    checks.check(study)
    assert controls(study).largest_step == 1e-3


def test_a_built_study_holds_its_numbers(small):
    case = build(read_study(small, [f"{LAYER}.modulus=['1 GPa', '3 GPa']"]))
    coating = case.model.stack.coating
    assert coating is not None
    assert coating.layers[0].thickness == 400e-9
    assert coating.layers[0].modulus.tolist() == [1e9, 3e9]
    assert case.model.grid.shape == (16, 20)
    assert case.protocol.ends.tolist() == [4.0]


@pytest.mark.parametrize(
    "keys, text", [(["coating", "layers", 0, "modulus"], f"{LAYER}.modulus"), (["grid", "cells", 1], "grid.cells[1]")]
)
def test_paths_are_written_as_they_are_read(keys, text):
    assert path_text(keys) == text


def test_check_prints_a_study_that_can_be_run(small, tmp_path):
    code, output, errors = interphase("check", small, "--set", f"{LAYER}.modulus=10 GPa", cache=tmp_path / "cache")
    assert (code, errors) == (0, "")
    assert "# this study can be run" in output
    assert "400 cells" not in output
    assert "320 cells of 64 nm along the normal, 6.2 cells across the coating" in output
    printed = tmp_path / "printed.toml"
    printed.write_text(output, encoding="utf-8")
    assert read_study(printed) == read_study(small, [f"{LAYER}.modulus=10 GPa"])
    assert sorted(tmp_path.iterdir()) == [printed, small]  # nothing was written
