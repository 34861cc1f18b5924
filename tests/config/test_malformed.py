"""Every malformed study is refused in one sentence that names the file or the key, and says what to do."""

import re

import pytest

from interphase.config import checks
from interphase.config.load import StudyError, read_study
from studies import SMALL, interphase, write_small

LAYER = "coating.layers[0]"

SOLID = ["contact={}", "solid_electrolyte.material=llzo", "cell.top=plate", "-electrolyte"]

BARE = ["-surface", "collector.contact_angle=90 deg", "collector.nuclei[0].radius=400 nm"]
CAP, BOND = "collector.nuclei[0]", ["collector.adhesion=1 MPa"]

# A name, what is set, and what the answer must say: first where it is wrong, then what is wanted.
SLIPS = [
    ("wrong unit", [f"{LAYER}.thickness=3 V"], f"{LAYER}.thickness", 'a length such as "100 nm"'),
    ("unknown unit", [f"{LAYER}.modulus=1 pGa"], f"{LAYER}.modulus", 'unknown unit "pGa"; give a pressure'),
    ("bare number", [f"{LAYER}.thickness=100"], f"{LAYER}.thickness", "100 has no unit; give a length"),
    ("bare zero", ["cell.pressure=0"], "cell.pressure", "0 has no unit"),
    ("text without number", ["surface.level=high"], "surface.level", "does not start with a number"),
    ("text over two lines", ['surface.level="1\\nGPa"'], "surface.level", "give a length"),
    ("unknown key", [f"{LAYER}.thicknes=1 nm"], f"{LAYER}.thicknes is unknown", "did you mean thickness?"),
    ("unknown key unlike any", ["cell.zzz=1"], "cell.zzz is unknown", "allowed are temperature, pressure"),
    ("unknown key in a step", ["protocol.steps[0].durration=3 s"], "steps[0].durration", "did you mean duration?"),
    ("unknown section", ["gird.cells=3"], "gird is unknown in the study", "did you mean grid?"),
    ("negative thickness", [f"{LAYER}.thickness=-3 nm"], f"{LAYER}.thickness", "give a value above 0"),
    ("zero thickness", [f"{LAYER}.thickness=0 nm"], f"{LAYER}.thickness", "give a value above 0"),
    ("negative pressure", ["cell.pressure=-1 Pa"], "cell.pressure", "give a value at least 0"),
    ("not a number", [f"{LAYER}.modulus=nan"], f"{LAYER}.modulus", "give a pressure or modulus"),
    ("not a number with a unit", [f"{LAYER}.modulus=nan GPa"], f"{LAYER}.modulus", "is not finite"),
    ("infinite", ["surface.level=inf m"], "surface.level", "is not finite"),
    ("infinite plain number", ["numerics.courant=inf"], "numerics.courant", "is not finite"),
    ("infinite phase", ["surface.waves=[{height='1 nm', waves=[1], phase=inf}]"], "phase", "a finite number"),
    ("truth for a length", ["surface.level=true"], "surface.level", "give a length"),
    ("coating under-resolved", [f"{LAYER}.thickness=100 nm"], f"{LAYER}.thickness", "at least 384 nm, or 77 cells"),
    (
        "layer under-resolved",
        ["coating.layers[1].material=lif", "coating.layers[1].thickness=50 nm"],
        "coating.layers[1].thickness = 50 nm",
        "give at least 192 nm",
    ),
    ("no layers", ["coating.layers=[]"], "coating.layers", "at least one entry"),
    ("coating without layers", ["coating={}"], "coating.layers is missing", "add it"),
    ("layer without thickness", ["coating.layers[1].material=lif"], "coating.layers[1].thickness is missing", "add it"),
    ("layer without material", [f"{LAYER}={{thickness='400 nm'}}"], f"{LAYER}.modulus is missing", "materials"),
    ("unknown material", [f"{LAYER}.material=lipom"], f"{LAYER}.material", "did you mean lipon"),
    ("material of the wrong kind", [f"{LAYER}.material=lithium"], f"{LAYER}.material", "give one of the kind coating"),
    ("coating for electrolyte", ["electrolyte.material=lif"], "electrolyte.material", "one of the kind electrolyte"),
    ("incompressible", [f"{LAYER}.poisson_ratio=0.5"], f"{LAYER}.poisson_ratio", "below 0.4999"),
    ("incompressible lithium", ["lithium.poisson_ratio=0.6"], "lithium.poisson_ratio", "below 0.4999"),
    ("empty profile", [f"{LAYER}.modulus=[]"], f"{LAYER}.modulus", "the list is empty; give one value"),
    ("slip in a profile", [f"{LAYER}.modulus=['1 GPa', '0 GPa']"], f"{LAYER}.modulus", "above 0"),
    ("more than all ions", [f"{LAYER}.transference_number=1.1"], f"{LAYER}.transference_number", "at most 1"),
    ("salt that cannot move", [f"{LAYER}.transference_number=0.4"], f"{LAYER}.salt_diffusivity", "is missing"),
    (
        "salt without liquid",
        [
            f"{LAYER}.transference_number=0.4", f"{LAYER}.salt_diffusivity=1e-12 m^2/s",
            "solid_electrolyte.material=llzo", "-electrolyte",
        ],
        f"{LAYER}.transference_number",
        "set it to 1, or give an electrolyte",
    ),
    ("current and potential", ["protocol.steps[0].potential=50 mV"], "protocol.steps[0]", "both current and potential"),
    ("no control", ["protocol.steps=[{duration='3 s'}]"], "protocol.steps[0]", "give one, such as current"),
    (
        "capacity of a rest",
        ["protocol.steps=[{current='0 A/m^2', duration='3 s', capacity='1 C/m^2'}]"],
        "protocol.steps[0]",
        "leave it out of a rest",
    ),
    (
        "limit of a potentiostat",
        ["protocol.steps=[{potential='-9 mV', duration='3 s', potential_limit='50 mV'}]"],
        "protocol.steps[0]",
        "no current that drives the potential there",
    ),
    ("too many cycles", ["protocol.cycles=200000"], "protocol.cycles = 200000", "at most"),
    (
        "stripping too much in the end",
        ["protocol.steps=[{current='-20 mA/cm^2', duration='2 s'}]", "protocol.cycles=20"],
        "protocol.steps[0] in cycle",
        "raise surface.level",
    ),
    ("empty protocol", ["protocol.steps=[]"], "protocol.steps", "at least one entry"),
    ("zero duration", ["protocol.steps[0].duration=0 s"], "protocol.steps[0].duration", "above 0"),
    ("stripping too much", ["protocol.steps[0].current=-1 A/cm^2"], "protocol.steps[0]", "raise surface.level"),
    ("plating out of the box", ["protocol.steps[0].duration=1 h"], "protocol.steps[0]", "raise grid.size[1]"),
    ("huge memory", ["grid.cells=[262144, 262144]", "grid.size=['16 mm', '16 mm']"], "grid.cells", "give fewer cells"),
    ("cells and size", ["grid.cells=[16, 16, 20]"], "grid.cells", "give two or three of both"),
    ("one axis", ["grid.cells=[32]", "grid.size=['1 um']"], "grid.cells", "two or three"),
    ("one column", ["grid.cells=[1, 20]"], "grid.cells", "at least 2 cells in the plane"),
    ("too coarse along the normal", ["grid.cells=[16, 8]"], "grid.cells", "16 cells along the normal"),
    ("no factors of two", ["grid.cells=[37, 41]"], "grid.cells", "such as [36, 40]"),
    ("flat cells", ["grid.size=['9 um', '1.28 um']"], "grid.size", "within a factor of four"),
    ("fraction of a cell", ["grid.cells=[16.5, 20]"], "grid.cells[0] = 16.5", "give a whole number"),
    ("negative cells", ["grid.cells=[-16, 20]"], "grid.cells[0] = -16", "above 0"),
    ("cells without axes", ["grid.cells=16"], "grid.cells = 16", "a list in square brackets"),
    ("too low box", [f"{LAYER}.thickness=600 nm"], "grid.size[1]", "give at least"),
    ("too little lithium", ["surface.level=100 nm"], "surface.level", "give at least 320 nm"),
    ("bump under-resolved", ["surface.bumps[0].radius=10 nm"], "surface.bumps[0].radius", "give at least 192 nm"),
    ("centre per axis", ["surface.bumps[0].centre=['1 nm', '2 nm']"], "surface.bumps[0].centre", "one per in-plane"),
    ("wave under-resolved", ["surface.waves=[{height='1 nm', waves=[3]}]"], "surface.waves[0].waves[0]", "8 cells"),
    ("waves per axis", ["surface.waves=[{height='1 nm', waves=[1, 1]}]"], "surface.waves[0].waves", "in-plane axis"),
    ("defects too small", ["coating.mosaic.correlation_length=10 nm"], "correlation_length", "give at least 128 nm"),
    ("defects too large", ["coating.mosaic.correlation_length=1 um"], "correlation_length", "give at most 512 nm"),
    ("defects without length", ["coating.mosaic.modulus=0.1"], "coating.mosaic.correlation_length", "is missing"),
    ("both electrolytes", ["solid_electrolyte.material=llzo"], "solid_electrolyte", "give exactly one of the two"),
    ("no electrolyte", ["-electrolyte"], "solid_electrolyte", "give exactly one of the two"),
    ("no solid electrolyte", ["solid_electrolyte.material=lif"], "solid_electrolyte.material", "such as \"llzo\""),
    ("contact in a liquid", ["contact={}"], "contact", "give a solid_electrolyte"),
    (
        "spring without its stiffness",
        [*SOLID, "cell.top=spring"],
        "cell.spring_stiffness is missing",
        "1 MPa/um",
    ),
    (
        "stiffness without a spring",
        [*SOLID, "cell.spring_stiffness=1 MPa/um"],
        "cell.spring_stiffness",
        'set cell.top = "spring"',
    ),
    ("gap full of liquid", ["cell.top=gap"], 'cell.top = "gap"', 'set "liquid"'),
    (
        "pressure asked of a closed gap",
        [*SOLID, "cell.top=gap", "protocol.steps[0].pressure=2 MPa"],
        "protocol.steps",
        "leave it to cell.pressure",
    ),
    (
        "contact without a plate",
        ["contact={}", "solid_electrolyte.material=llzo", "-electrolyte"],
        "contact",
        'set cell.top = "plate"',
    ),
    (
        "contact that nothing holds",
        [*SOLID, "contact.adhesion=0 MPa", "cell.pressure=0 MPa"],
        "contact.adhesion = 0",
        "give an adhesion",
    ),
    (
        "crack without a contact",
        [*SOLID[1:], "solid_electrolyte.cracks=[{width='500 nm', depth='500 nm'}]"],
        "solid_electrolyte.cracks[0]",
        "give a contact",
    ),
    (
        "crack under a coating",
        [*SOLID, "solid_electrolyte.cracks=[{width='500 nm', depth='500 nm'}]"],
        "solid_electrolyte.cracks[0]",
        "a coating closes it off",
    ),
    (
        "crack under-resolved",
        [*SOLID, r"-\[coating.layers\]", "solid_electrolyte.cracks=[{width='50 nm', depth='500 nm'}]"],
        "solid_electrolyte.cracks[0].width",
        "give at least 384 nm",
    ),
    (
        "crack through the solid",
        [*SOLID, r"-\[coating.layers\]", "solid_electrolyte.cracks=[{width='400 nm', depth='800 nm'}]"],
        "solid_electrolyte.cracks[0].depth",
        "raise grid.size[1] above 1.62 µm",
    ),
    (
        "shallow crack",
        [*SOLID, r"-\[coating.layers\]", "solid_electrolyte.cracks=[{width='400 nm', depth='200 nm'}]"],
        "solid_electrolyte.cracks[0].depth",
        "less than its width",
    ),
    (
        "unevenness under-resolved",
        [*SOLID, r"-\[coating.layers\]", "contact.unevenness={height='10 nm', correlation_length='50 nm'}"],
        "contact.unevenness.correlation_length = 50 nm",
        "give at least 128 nm",
    ),
    (
        "unevenness too high",
        [*SOLID, r"-\[coating.layers\]", "contact.unevenness={height='200 nm', correlation_length='200 nm'}"],
        "contact.unevenness.height = 200 nm",
        "raise grid.size[1]",
    ),
    ("ramp longer than its step", ["protocol.steps[0].pressure_ramp=9 s"], "pressure_ramp = 9 s", "at most its dur"),
    ("ramp from nothing", ["protocol.steps[0].pressure_ramp=1 s"], "steps[0].pressure_ramp", "leave it out"),
    ("salt in cm²/s", ["electrolyte.log_diffusivity_coefficients=[-4]"], "log_diffusivity_coefficients", "from 10^-18"),
    ("spinodal", ["electrolyte.thermodynamic_factor_coefficients=[1, -2]"], "thermodynamic_factor", "factor above 0"),
    ("limit that is met", ["protocol.steps[0].potential_limit=5 mV"], "steps[0].potential_limit", "a limit below 0 V"),
    ("void without a contact", ["surface.voids=[{radius='100 nm'}]"], "surface.voids[0]", "give a contact"),
    ("void under-resolved", [*SOLID, "surface.voids=[{radius='10 nm'}]"], "surface.voids[0].radius", "at least 192 nm"),
    ("void too wide", [*SOLID, "surface.voids=[{radius='600 nm'}]"], "surface.voids[0].radius", "at most 409.6 nm"),
    ("deep void", [*SOLID, "surface.voids=[{radius='300 nm', depth='300 nm'}]"], "surface.voids[0]", "surface.level"),
    (
        "centre of a void",
        [*SOLID, "surface.voids=[{radius='200 nm', centre=['0 nm', '0 nm']}]"],
        "surface.voids[0].centre",
        "one per in-plane axis, 1",
    ),
    ("no conductivity", ["electrolyte.conductivity_coefficients=[0.0, -1.0]"], "conductivity_coefficients", "above 0"),
    ("no coefficients", ["electrolyte.conductivity_coefficients=[]"], "conductivity_coefficients", "at least one"),
    ("coefficient not finite", ["electrolyte.conductivity_coefficients=[nan]"], "coefficients[0]", "a finite number"),
    ("no title", ["-title"], "title is missing", "add it"),
    ("empty title", ['title=""'], "title", "a text that is not empty"),
    ("number for a title", ["title=3"], "title = 3", "in quotes"),
    ("no grid", ["-grid"], "grid is missing", "add it"),
    ("neither lithium nor collector", ["-surface"], "surface and collector: neither is given", "give a surface"),
    ("lithium and collector", ["collector.material=copper"], "surface and collector: both are given", "give a surface"),
    ("collector of no kind", [*BARE, "collector.contact_angle=0"], "collector.contact_angle", "above 0"),
    ("collector of the wrong kind", ["-surface", "collector.material=lif"], "collector.material", "the kind substrate"),
    ("collector without nuclei", ["-surface", "collector.material=copper"], "collector.nuclei is empty", "give nuclei"),
    ("collector without an angle", ["-surface", "collector={}"], "collector.contact_angle is missing", "give it"),
    ("collector in a solid cell", [*BARE, *SOLID], "collector: beside nuclei", "give an electrolyte, or a surface"),
    ("small nucleus", [*BARE, f"{CAP}.radius=200 nm"], CAP, "give a radius of at least 384 nm"),
    ("flat nucleus", [*BARE, f"{CAP}.contact_angle=40 deg"], CAP, "give a radius of at least 1.6413 µm"),
    ("wide nucleus", [*BARE, f"{CAP}.radius=500 nm"], CAP, "make it smaller, or give a surface in place"),
    ("nucleus per axis", [*BARE, f"{CAP}.centre=['0 nm', '0 nm']"], f"{CAP}.centre has 2 numbers", "in-plane axis, 1"),
    ("nucleus here and anywhere", [*BARE, f"{CAP}.centre=['0 nm']", f"{CAP}.number=2"], CAP, "give one"),
    ("crowd of nuclei", [*BARE, f"{CAP}.number=9"], f"{CAP}.number = 9 has room for 1", "make them smaller"),
    ("too low for a nucleus", [*BARE, "coating.layers[0].thickness=600 nm"], "grid.size[1]", "give at least"),
    ("bond of nothing", [*BARE, "-coating", "collector.adhesion=1 MPa"], "collector.adhesion", "give a coating"),
    ("bond that never lets go", [*BARE, "collector.bond_thickness=1 um"], "bond_thickness", "give an adhesion"),
    ("thin bond", [*BARE, *BOND, "collector.bond_thickness=9 nm"], "bond_thickness = 9 nm", "give at least 192 nm"),
    ("thick bond", [*BARE, *BOND, "collector.bond_thickness=300 nm"], "bond_thickness = 300 nm", "a thicker coating"),
    ("bond that keeps a part", [*BARE, *BOND, f"{LAYER}.relaxed_fraction=0.1"], "relaxed_fraction", "leave one"),
    ("no adhesion", [*BARE, "collector.adhesion=0 Pa"], "collector.adhesion", "give a value above 0"),
    ("nuclei stripped", [*BARE, "protocol.steps[0].current=-1 A/cm^2"], "protocol.steps[0]", "make them larger"),
    ("number for a table", ["coating=5"], "coating = 5", "give a table of keys"),
    ("number for a list of tables", ["coating.layers=5"], "coating.layers = 5", "a list in square brackets"),
    ("text for truth", ["lithium.creeps=maybe"], "lithium.creeps", "give true or false"),
    ("unknown choice", ["cell.top=lid"], 'cell.top = "lid"', 'give "liquid", "plate", "spring" or "gap"'),
    ("hot", ["cell.temperature=500 K"], "cell.temperature", "above 200 K and below 450 K"),
    ("too few rows", ["output.rows=1"], "output.rows = 1", "at least 2"),
    ("tolerance too tight", ["numerics.tolerance=1e-13"], "numerics.tolerance", "above 1e-12 and below 0.01"),
    ("no room for a step", ["numerics.smallest_step=1 s"], "numerics.smallest_step", "lower the smallest"),
    ("set without value", ["title"], '--set "title"', "write key.path=value"),
    ("set without path", ["=3"], '--set "=3"', "write key.path=value"),
    ("set with a bad path", ["coating..layers=3"], "--set", "write key.path=value"),
    ("set with a name for an index", ["coating.layers[x].modulus=1 GPa"], "--set", "write key.path=value"),
    ("set beyond the end", ["coating.layers[3].modulus=1 GPa"], "coating.layers[3]", "there are 1, and [1] adds one"),
    ("set in a text", ["title.x=1"], "title is no table", "leave out .x"),
    ("set an entry of a table", ["coating[0].modulus=1 GPa"], "coating is no list", "leave out [0]"),
]  # fmt: skip


def refusal(file, changes) -> str:
    """What a study with some keys set, and those after a minus left out, is answered with."""
    text = SMALL
    for section in (change[1:] for change in changes if change.startswith("-")):
        text = re.sub(rf"(?m)^\[\[?{section}(\.\w+)?\]\]?\n(.+\n)*|^{section} = .*\n", "", text)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        checks.check(read_study(file, [change for change in changes if not change.startswith("-")]))
    return str(caught.value)


@pytest.mark.parametrize("changes, where, remedy", [slip[1:] for slip in SLIPS], ids=[slip[0] for slip in SLIPS])
def test_a_slip_is_answered_with_one_sentence(tmp_path, changes, where, remedy):
    message = refusal(tmp_path / "small.toml", changes)
    assert where in message
    assert remedy in message
    assert len(message.splitlines()) == 1
    for jargon in ("pydantic", "validation", "dictionary", "tuple", "instance", "None", "Error", "inf and"):
        assert jargon not in message


def test_the_small_study_itself_is_accepted(tmp_path):
    checks.check(read_study(write_small(tmp_path)))


@pytest.mark.parametrize(
    "content, reason",
    [
        (SMALL.replace("[grid]", "[grid").encode(), "is no valid TOML: .*line 3.*; correct the file there"),
        (SMALL.replace('"A small cell"', "A small cell").encode(), "is no valid TOML: .*line 1"),
        (SMALL.replace("[electrolyte]", "[grid]").encode(), "is no valid TOML: .*twice"),
        (SMALL.replace("small", "schön").encode("latin-1"), "is no UTF-8 text; save the file as UTF-8"),
        (b"", "title is missing"),
    ],
)
def test_a_file_that_is_no_study_is_named(tmp_path, content, reason):
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(StudyError, match=reason) as caught:
        read_study(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["nowhere.toml", "nowhere", "."])
def test_a_study_that_is_not_there_is_named(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="there is no such study; give a folder with a study.toml"):
        read_study(name)
    (tmp_path / "experiments" / "one").mkdir(parents=True)
    (tmp_path / "experiments" / "one" / "study.toml").write_text(SMALL)
    with pytest.raises(StudyError, match="the studies here are experiments/one"):
        read_study(name)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["run", "small.toml", "--set", "coating.layers[0].thickness=100"], "has no unit"),
        (["run", "small.toml", "--set", "coating.layers[0].thickness=100 nm"], "give at least 384 nm"),
        (["run", "small.toml", "--set", "grid.cells=[262144,262144]", "--set", "grid.size=['16 mm','16 mm']"], "GiB"),
        (["run", "nowhere"], "there is no such study"),
        (["run", "small.toml", "--out", "other"], "there is something else in this folder"),
        (["run", "small.toml", "--out", "small.toml"], "this is a file; give a folder"),
        (["resume", "other"], "this is no run folder"),
        (["rum", "small.toml"], "did you mean run?"),
    ],
)
def test_the_command_line_refuses_in_one_line_and_writes_nothing(tmp_path, arguments, reason):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("precious")
    write_small(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, output, errors = interphase(*arguments, cache=tmp_path / "cache", cwd=tmp_path)
    assert (code, output) == (2, "")
    assert reason in errors
    assert errors.startswith("interphase: ")
    assert len(errors.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before
