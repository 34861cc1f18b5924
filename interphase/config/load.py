"""From a study file and command-line overrides to a validated, resolved `Study`.

Every refusal is a `StudyError` with one sentence that names the file, the key, what was given and what is allowed.
A resolved study has every number that the library supplied written out, so that it means the same for ever.
"""

import difflib
import pathlib
import re
import reprlib
import tomllib
import typing
from collections.abc import Sequence
from typing import Any

import pydantic
import tomli_w

from interphase.config import library, schema

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]")


class StudyError(ValueError):
    """A study that cannot be run; the message is one sentence for the user."""


def read_study(path: str | pathlib.Path, overrides: Sequence[str] = ()) -> schema.Study:
    """Reads a study.

    **Arguments:**

    - `path`: a TOML file, or a folder with a `study.toml`.
    - `overrides`: texts `key.path=value`, such as `coating.layers[0].modulus=10 GPa`.

    Raises `StudyError`.
    """
    file = find(path)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{file}: this is no valid TOML: {error}; correct the file there") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{file}: byte {error.start + 1} is no UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise StudyError(f"{file}: cannot be read ({error.strerror}); check its permissions") from None
    for override in overrides:
        _override(data, override)
    return validated(data, str(file))


def find(path: str | pathlib.Path) -> pathlib.Path:
    """The study file that `path` means."""
    path = pathlib.Path(path)
    file = path / "study.toml" if path.is_dir() else path
    if not file.is_file():
        near = [str(p.parent) for p in sorted(pathlib.Path("experiments").glob("*/study.toml"))]
        hint = f"the studies here are {', '.join(near)}" if near else "give a folder with a study.toml, or a TOML file"
        raise StudyError(f"{file}: there is no such study; {hint}")
    return file


def validated(data: dict[str, Any], name: str) -> schema.Study:
    """A study from plain data, with the library's numbers filled in."""
    try:
        study = schema.Study.model_validate(data)
        return _resolved(study)
    except pydantic.ValidationError as error:
        raise StudyError(f"{name}: {_sentence(error)}") from None
    except library.LibraryError as error:
        raise StudyError(f"{name}: {error}") from None
    except StudyError as error:
        raise StudyError(f"{name}: {error}") from None


def written(study: schema.Study) -> str:
    """The study as TOML text that `read_study` reads back to the same numbers."""
    return tomli_w.dumps(_without_none(study.model_dump()))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


# --- overrides --------------------------------------------------------------------------------------------------------


def _override(data: dict[str, Any], text: str) -> None:
    """Puts one `key.path=value` into the plain data."""
    path, separator, value = text.partition("=")
    keys = _keys(path.strip())
    if not separator or not keys:
        raise StudyError(f'--set "{text}": write key.path=value, such as coating.layers[0].modulus="10 GPa"')
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()  # text without quotes, as a shell hands it over
    place: Any = data
    for here, (key, following) in enumerate(zip(keys, [*keys[1:], None], strict=True)):
        so_far = path_text(keys[: here + 1])
        if isinstance(key, int):
            if not isinstance(place, list):
                raise StudyError(f'--set "{text}": {path_text(keys[:here])} is no list; leave out [{key}]')
            if key > (num := len(place)):
                raise StudyError(f'--set "{text}": {so_far} does not exist; there are {num}, and [{num}] adds one')
            if key == len(place):
                place.append({})
            if following is None:
                place[key] = parsed
            else:
                place = place[key]
        else:
            if not isinstance(place, dict):
                raise StudyError(f'--set "{text}": {path_text(keys[:here])} is no table; leave out .{key}')
            if following is None:
                place[key] = parsed
            else:
                place = place.setdefault(key, [] if isinstance(following, int) else {})


def _keys(path: str) -> list[str | int]:
    keys: list[str | int] = []
    for part in path.split("."):
        matched = list(_STEP.finditer(part))
        if not matched or "".join(m.group() for m in matched) != part:
            return []
        keys += [m.group(1) or int(m.group(2)) for m in matched]
    return keys


def path_text(keys: Sequence[str | int]) -> str:
    """`coating.layers[0].modulus` from its keys."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


# --- errors -----------------------------------------------------------------------------------------------------------


def _sentence(error: pydantic.ValidationError) -> str:
    """The first problem in one sentence on one line."""
    return " ".join(_described(error.errors()[0]).split())


def _described(problem: Any) -> str:
    of_pydantic = ("function", "constrained", "list[", "float")
    keys = [k for k in problem["loc"] if not (isinstance(k, str) and k.startswith(of_pydantic))]
    key = path_text(keys)
    kind, given = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        parent = path_text(keys[:-1]) or "the study"
        allowed = _allowed(keys[:-1])
        near = difflib.get_close_matches(str(keys[-1]), allowed, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(allowed)}"
        return f"{key} is unknown in {parent}; {hint}"
    if kind == "missing":
        return f"{key} is missing; add it"
    if kind == "value_error":
        return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    shown = f'"{given}"' if isinstance(given, str) else reprlib.repr(given).replace("'", '"')
    return f"{key} = {shown} cannot be taken; give {_wanted(problem)}"


def _wanted(problem: Any) -> str:
    """What the schema allows where it was given something else."""
    kind, limits = problem["type"], problem.get("ctx", {})
    names = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bounds = [f"{names[name]} {limit}" for name, limit in limits.items() if name in names]
    if bounds:
        return f"a number {' and '.join(bounds)}"
    if kind == "literal_error":
        return limits["expected"].replace("'", '"')
    for begins, wanted in (
        ("too_short", "a list with at least one entry"),
        ("tuple", "a list in square brackets"),
        ("model", "a table of keys"),
        ("dict", "a table of keys"),
        ("int", "a whole number"),
        ("bool", "true or false"),
        ("string", "a text that is not empty, in quotes"),
        ("finite", "a finite number"),
        ("float", "a number"),
    ):
        if kind.startswith(begins):
            return wanted
    return f"something else: {problem['msg']}"


def _allowed(keys: Sequence[str | int]) -> list[str]:
    """Keys of the table at `keys`."""
    model: Any = schema.Study
    for key in keys:
        if isinstance(key, int):
            continue
        model = _model_in(model.model_fields[key].annotation)
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part)) is not None), None)


# --- what the library supplies ----------------------------------------------------------------------------------------


def _resolved(study: schema.Study) -> schema.Study:
    changes: dict[str, Any] = {"lithium": _filled(study.lithium, "lithium", "lithium")}
    if study.coating is not None:
        layers = tuple(
            _filled(layer, "coating", f"coating.layers[{k}]") for k, layer in enumerate(study.coating.layers)
        )
        changes["coating"] = study.coating.model_copy(update={"layers": layers})
    if study.nucleation is not None:
        nucleation = study.nucleation
        if nucleation.material is None and study.collector is not None:
            nucleation = nucleation.model_copy(update={"material": study.collector.material})
        changes["nucleation"] = _filled(nucleation, "substrate", "nucleation")
    if study.collector is not None:
        changes["collector"] = _filled(study.collector, "substrate", "collector")
    if study.electrolyte is not None:
        changes["electrolyte"] = _filled(study.electrolyte, "electrolyte", "electrolyte")
    if study.solid_electrolyte is not None:
        changes["solid_electrolyte"] = _filled(study.solid_electrolyte, "coating", "solid_electrolyte")
    if study.film is not None:
        changes["film"] = _filled(study.film, "film", "film")
    return study.model_copy(update=changes)


_MAY_STAY_UNKNOWN = {
    "material", "yield_strength", "yield_strain", "relaxation_time", "relaxed_fraction", "strain_limit", "strength",
    "toughness", "salt_diffusivity", "tunnelling_thickness", "electronic_conductivity", "diffusional_viscosity",
    "grain_size", "feature_size", "adhesion", "bond_thickness", "alloy_capacity", "alloying_potential",
    "alloying_width", "swelling", "initial_occupancy",
}  # fmt: skip


def _filled(section: Any, kind: str, key: str) -> Any:
    """The section with what it leaves open taken from its material."""
    try:
        material = None if section.material is None else library.load(section.material)
    except library.UnknownMaterial as error:
        raise StudyError(f"{key}.material: {error}") from None
    if material is not None and material.kind != kind:
        raise StudyError(
            f'{key}.material = "{section.material}" is of the kind {material.kind}; give one of the kind {kind}, '
            'see "interphase materials"'
        )
    if material is not None and key == "solid_electrolyte" and not material.solid_electrolyte:
        raise StudyError(f'{key}.material = "{section.material}" is no solid electrolyte; give one, such as "llzo"')
    update = {}
    for name, field in type(section).model_fields.items():
        if getattr(section, name) is not None or field.is_required() or name == "material":
            continue
        if name == "yield_strength" and section.yield_strain is not None:
            continue
        value = None if material is None else material.get(name)
        if value is None:
            if name not in _MAY_STAY_UNKNOWN and (key, name) != ("collector", "site_density"):
                raise StudyError(
                    f'{key}.{name} is missing; give it, or {key}.material = a name from "interphase materials"'
                )
            continue
        update[name] = value if not _is_profile(section, name) else (value,)
    return section.model_copy(update=update)


def _is_profile(section: Any, name: str) -> bool:
    return isinstance(section, schema.Layer) and name not in ("material", "thickness")
