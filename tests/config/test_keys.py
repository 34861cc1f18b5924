"""The reference of keys is the schema's own, and the documentation has it."""

import pathlib

import pytest

from interphase.config import keys
from studies import interphase

PAGE = pathlib.Path("docs/pages/reference/keys.md")


def test_the_page_of_the_documentation_is_that_of_the_schema():
    """If not: python -c "from interphase.config.keys import as_markdown; print(as_markdown(), end='')" > the page."""
    assert PAGE.read_text(encoding="utf-8") == keys.as_markdown()


def test_every_key_of_every_table_is_there():
    tables = {path.replace("[]", "") for path, _ in keys.sections()}
    for path, model in keys.sections():
        named = {key.name for key in keys.keys(model)}
        for name in model.model_fields:
            assert name in named or f"{path.replace('[]', '')}.{name}".lstrip(".") in tables, (path, name)
        assert all(name in keys.described(path.replace("[]", "")) for name in named)


@pytest.mark.parametrize(
    ("table", "name", "takes", "bounds", "default"),
    [
        ("grid", "size", "a list, each a length", "above 0", "must be given"),
        ("surface.bumps", "radius", 'a length, "100 nm"', "above 0", "must be given"),
        ("coating.layers", "modulus", 'a pressure or modulus*, "2 GPa"', "above 0", "from the material"),
        ("coating.layers", "transference_number", "a plain number*", "above 0 and at most 1", "from the material"),
        ("coating.fracture", "model", '"AT1" or "AT2"', "", '"AT1"'),
        ("protocol", "cycles", "a whole number", "at least 1 and at most 10000", "1"),
        ("lithium", "creeps", "true or false", "", "true"),
        ("cell", "temperature", 'a temperature, "25 degC"', "above 0 K", "298.15 K"),
    ],
)
def test_a_key_says_what_it_takes(table, name, takes, bounds, default):
    (model,) = [model for path, model in keys.sections() if path.replace("[]", "") == table]
    (found,) = [key for key in keys.keys(model) if key.name == name]
    assert found == keys.Key(name, takes, found.bounds, default)
    assert found.bounds == bounds or table == "cell"


def test_the_command_prints_a_table_and_refuses_what_is_none(tmp_path):
    code, output, _ = interphase("keys", "coating.mosaic", cache=tmp_path)
    assert code == 0
    assert "correlation_length" in output
    code, _, errors = interphase("keys", "coatings", cache=tmp_path)
    assert code == 2
    assert '"coatings" is no table' in errors
