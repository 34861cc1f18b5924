"""Every library file loads, every number says where it comes from, and known values come out of the constants."""

import math
import pathlib
import tomllib
from importlib import resources

import numpy as np
import pytest

from interphase.config import library

GAS_CONSTANT = 8.314462618  # [J/(mol K)]
FOLDER = resources.files("interphase.materials") / "library"


def coating(**tables):
    """A valid coating as a file would give it, with some tables replaced or, where `None`, left out."""
    data = {
        "name": "Test",
        "kind": "coating",
        "class": "polymer",
        "description": "A coating.",
        "modulus": modulus(),
        "poisson_ratio": {"value": 0.3, "assumed": "typical"},
        "ionic_conductivity": {"value": "1e-3 S/m", "source": "someone"},
        "transference_number": {"value": 1.0, "assumed": "single ion"},
        "exchange_current": {"value": "10 A/m^2", "assumed": "as the liquid"},
    }
    return {key: value for key, value in (data | tables).items() if value is not None}


def modulus(**entries):
    return {"value": "1 GPa", "source": "someone"} | entries


def polynomial(coefficients, x):
    return sum(a * x**k for k, a in enumerate(coefficients))


@pytest.mark.parametrize("name", library.names())
def test_every_file_loads_and_says_where_its_numbers_come_from(name):
    material = library.load(name)
    for key, entry in material.properties.items():
        assert (entry.source is None) != (entry.assumed is None), key
        assert np.all(np.isfinite(material[key])), key
        assert all(other.source for other in entry.alternatives)
    # Nothing in the file is lost on the way.
    raw = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    assert {key for key, value in raw.items() if isinstance(value, dict)} == set(material.properties)
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").endswith("\n")
    assert name == name.lower()


def test_the_library_has_each_kind():
    kinds = [library.load(name).kind for name in library.names()]
    assert kinds.count("lithium") == 1
    assert kinds.count("electrolyte") >= 3
    assert {"lif", "li3n", "lipon", "peo", "llzo", "lpscl", "native-sei"} <= set(library.names())
    assert {"carbonate", "ether"} <= {library.load(n).class_ for n in library.names()}


@pytest.mark.parametrize("name", [n for n in library.names() if library.load(n).kind == "coating"])
def test_a_coating_has_what_the_simulator_needs(name):
    material = library.load(name)
    for key in ("modulus", "poisson_ratio", "ionic_conductivity", "transference_number", "exchange_current"):
        assert key in material
    assert 0 < material["poisson_ratio"] < 0.5
    assert 0 < material["transference_number"] <= 1
    if material["transference_number"] < 1:
        assert material["salt_diffusivity"] > 0


@pytest.mark.parametrize("rate, stress", [(2e-5, 0.540e6), (2e-2, 2.148e6)])
def test_lithium_flows_at_the_published_steady_stress(rate, stress):
    lithium = library.load("lithium")
    # σ = S_s (ε̇/P)^m with S_s = S₀ (ε̇/P)^k and P = A e^{−Q/RT}
    prefactor = lithium["creep_prefactor"] * math.exp(-lithium["creep_activation_energy"] / (GAS_CONSTANT * 298.15))
    exponent = 1 / lithium["creep_exponent"] + lithium["rate_hardening"]
    assert lithium["saturation_resistance"] * (rate / prefactor) ** exponent == pytest.approx(stress, rel=2e-3)


def test_lithium_plates_4_85_micrometres_per_milliampere_hour():
    thickness = 36000.0 * library.load("lithium")["molar_volume"] / 96485.33212  # 1 mA h/cm² [m]
    assert thickness == pytest.approx(4.85e-6, rel=1e-3)


@pytest.mark.parametrize("salt", [0.25, 0.5, 1.0, 1.5, 2.0, 3.0])
def test_coefficients_of_lipf6_in_carbonates_are_those_of_valoen_and_reimers(salt):
    electrolyte, temperature = library.load("lipf6-ec-dmc"), 298.15
    conductivity = 0.1 * salt * (  # their equation 17 [mS/cm → S/m]
        (-10.5 + 0.0740 * temperature - 6.96e-5 * temperature**2)
        + salt * (0.668 - 0.0178 * temperature + 2.80e-5 * temperature**2)
        + salt**2 * (0.494 - 8.86e-4 * temperature)
    ) ** 2  # fmt: skip
    log_diffusivity = -4 - 4.43 - 54 / (temperature - 229 - 5 * salt) - 0.22 * salt  # equation 14 [log₁₀ m²/s]
    factor = (0.601 - 0.24 * salt**0.5 + 0.982 * (1 - 0.0052 * (temperature - 294)) * salt**1.5) / (1 - 0.38)
    assert polynomial(electrolyte["conductivity_coefficients"], salt) == pytest.approx(conductivity, rel=1e-6)
    assert polynomial(electrolyte["log_diffusivity_coefficients"], salt) == pytest.approx(log_diffusivity, abs=2e-4)
    assert polynomial(electrolyte["thermodynamic_factor_coefficients"], salt**0.5) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    "name, conductivity, diffusivity, transference",
    [
        ("lipf6-ec-dmc", 1.194, 3.22e-10, 0.38),
        ("lipf6-ec-emc", 0.913, 2.89e-10, 0.22),
        ("lifsi-dme", 1.52, 1.47e-9, 0.61),
    ],
)
def test_electrolytes_at_one_mole_per_litre(name, conductivity, diffusivity, transference):
    electrolyte = library.load(name)
    assert polynomial(electrolyte["conductivity_coefficients"], 1.0) == pytest.approx(conductivity, rel=0.02)
    assert 10 ** polynomial(electrolyte["log_diffusivity_coefficients"], 1.0) == pytest.approx(diffusivity, rel=0.005)
    assert electrolyte["transference_number"] == transference


@pytest.mark.parametrize("name", ["lipf6-ec-dmc", "lipf6-ec-emc", "lifsi-dme"])
def test_electrolytes_stay_physical_from_empty_to_concentrated(name):
    electrolyte = library.load(name)
    salt = np.linspace(0.0, 4.0, 401)
    conductivity = polynomial(electrolyte["conductivity_coefficients"], salt)
    assert conductivity[0] == 0
    assert np.all(conductivity[1:] > 0)
    assert np.all(polynomial(electrolyte["thermodynamic_factor_coefficients"], np.sqrt(salt)) > 0)
    assert np.all(np.diff(polynomial(electrolyte["log_diffusivity_coefficients"], salt)) <= 0)


def test_values_are_read_in_si():
    lipon = library.load("lipon")
    assert lipon["modulus"] == 77e9
    assert lipon["thickness"] == 5e-7
    assert lipon.get("strength") is None
    assert "strength" not in lipon
    with pytest.raises(KeyError):
        lipon["strength"]


@pytest.mark.parametrize("name", ["lipon", "LiPON", " LIPON ", "LiPF6_EC DMC"])
def test_names_do_not_depend_on_case_or_separator(name):
    assert library.load(name).name in ("LiPON", "LiPF6 in EC:DMC")


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(library.UnknownMaterial, match='no material "lipom"; did you mean lipon'):
        library.load("lipom")
    with pytest.raises(ValueError, match="the library has al2o3"):
        library.load("kryptonite-xyz")


@pytest.mark.parametrize(
    "tables, reason",
    [
        ({"modulus": {"value": "1 GPa"}}, "exactly one of source and assumed"),
        ({"modulus": modulus(assumed="b")}, "exactly one of source and assumed"),
        ({"modulus": modulus(source=" ")}, "at least 1 character"),
        ({"modulus": modulus(value="1 V")}, "wrong dimension"),
        ({"modulus": modulus(value=1e9)}, "has no unit"),
        ({"modulus": modulus(value="-1 GPa")}, "outside its range"),
        ({"modulus": modulus(alternatives=[{"value": "1 V", "source": "b"}])}, "wrong dimension"),
        ({"modulus": modulus(remark="b")}, "Extra inputs"),
        ({"modulus": None}, "a coating needs"),
        ({"poisson_ratio": {"value": 0.5, "assumed": "a"}}, "outside its range"),
        ({"transference_number": {"value": 0.4, "source": "a"}}, "needs a salt_diffusivity"),
        ({"colour": {"value": 1.0, "source": "a"}}, "no properties of a coating"),
        ({"colour": "red"}, "Extra inputs"),
        ({"kind": "separator"}, "Input should be"),
    ],
)
def test_a_file_that_breaks_the_format_is_refused(tables, reason):
    with pytest.raises(library.LibraryError, match=f"test.toml: .*{reason}"):
        library._validated(coating(**tables), "test.toml")


def test_entries_are_frozen():
    material = library._validated(coating(), "test.toml")
    with pytest.raises(ValueError, match="frozen"):
        material.name = "Other"
    with pytest.raises(ValueError, match="frozen"):
        material.properties["modulus"].value = 2.0


def test_description_shows_every_number_with_its_origin():
    text = library.describe("lipon")
    assert "modulus = 77 GPa" in text
    assert "source: Herbert" in text
    assert "assumed: " in text
    assert "or 33 GPa" in text
    for name in library.names():
        material = library.load(name)
        lines = library.describe(name).splitlines()
        assert sum(line.startswith("    source: ") for line in lines) == sum(
            entry.source is not None for entry in material.properties.values()
        )
        assert all(any(line.startswith(f"{key} = ") for line in lines) for key in material.properties)


def test_overview_has_a_line_per_material_and_marks_what_is_assumed():
    lines = library.overview().splitlines()
    assert [line.split()[0] for line in lines[1 : len(library.names()) + 1]] == library.names()
    lipon = next(line for line in lines if line.startswith("lipon"))
    assert "77 GPa" in lipon
    assert "0.25*" in lipon
    assert "500 nm" in lipon


def test_spread_of_sources():
    """Moduli of one coating differ by about a third to a factor of a few; LiPON's from 33 to 79 GPa."""
    modulus = library.spread("modulus")
    assert modulus is not None
    assert math.log(1.2) < modulus < math.log(10)
    assert library.spread("no property") is None


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.OWN, str(tmp_path))
    return tmp_path


def test_materials_of_one_s_own_are_found_and_come_first(own_folder):
    page = pathlib.Path(__file__).parents[2] / "docs" / "pages" / "how-to" / "add-a-material.md"
    example = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    for name in ("My_film.toml", "lipon.toml"):
        (own_folder / name).write_text(example, encoding="utf-8")
    assert library.load("my film")["modulus"] == 23e9
    assert library.load("lipon").name == "My film"
    assert "my-film" in library.overview() and "lif" in library.names()


def test_a_folder_of_one_s_own_that_is_wrong_is_named(own_folder, monkeypatch):
    (own_folder / "half.toml").write_text("modulus = [")
    with pytest.raises(library.LibraryError, match="half.toml: not TOML"):
        library.load("half")
    monkeypatch.setenv(library.OWN, str(own_folder / "gone"))
    with pytest.raises(library.LibraryError, match="gone.*which is no folder"):
        library.load("lipon")
