"""From a study file and command-line overrides to a validated, resolved `Study`.

Every refusal is a `StudyError` with one sentence that names the file, the key, what was given and what is allowed.
A resolved study has every number that the library supplied written out, so that it means the same for ever.
"""

import difflib
import pathlib
import re
import tomllib
import typing
from typing import Any

import pydantic
import tomli_w

from interphase.config import library, schema

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]")


class StudyError(ValueError):
    """A study that cannot be run; the message is one sentence for the user."""


def read_study(path: str | pathlib.Path, overrides: list[str] | None = None) -> schema.Study:
    """Reads a study.

    **Arguments:**

    - `path`: a TOML file, or a folder with a `study.toml`.
    - `overrides`: texts `key.path=value`, such as `coating.layers[0].modulus=10 GPa`.

    Raises `StudyError`.
    """
    file = find(path)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{file}: this is no valid TOML: {error}; correct the file there") from None
    except OSError as error:
        raise StudyError(f"{file}: cannot be read ({error.strerror}); check its permissions") from None
    for override in overrides or []:
        _override(data, override)
    return validated(data, str(file))


def find(path: str | pathlib.Path) -> pathlib.Path:
    """The study file that `path` means."""
    path = pathlib.Path(path)
    file = path / "study.toml" if path.is_dir() else path
    if not file.is_file():
        near = [str(p.parent) for p in sorted(pathlib.Path("experiments").glob("*/study.toml"))]
        hint = f"; the studies here are {', '.join(near)}" if near else "; give a folder with a study.toml, or a TOML file"
        raise StudyError(f"{file}: there is no such study{hint}")
    return file


def validated(data: dict[str, Any], name: str) -> schema.Study:
    """A study from plain data, with the library's numbers filled in."""
    try:
        study = schema.Study.model_validate(data)
        return _resolved(study)
    except pydantic.ValidationError as error:
        raise StudyError(f"{name}: {_sentence(error, data)}") from None
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
            if not isinstance(place, list) or key > len(place):
                length = len(place) if isinstance(place, list) else 0
                raise StudyError(f'--set "{text}": {so_far} does not exist, the study has {length} of them')
            if key == len(place):
                place.append({})
        elif not isinstance(place, dict):
            raise StudyError(f'--set "{text}": {path_text(keys[:here])} is no table, so it has no {key}')
        if following is None:
            place[key] = parsed
        elif isinstance(key, int):
            place = place[key]
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


def path_text(keys: typing.Sequence[str | int]) -> str:
    """`coating.layers[0].modulus` from its keys."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


# --- errors -----------------------------------------------------------------------------------------------------------


def _sentence(error: pydantic.ValidationError, data: Any) -> str:
    """The first problem in one sentence."""
    problem = error.errors()[0]
    keys = [k for k in problem["loc"] if not (isinstance(k, str) and k.startswith(("function", "constrained", "list[", "float")))]
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
    message = problem["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{key}: {message}"
    return f"{key} = {given!r} cannot be taken; {message[0].lower()}{message[1:]}"


def _allowed(keys: typing.Sequence[str | int]) -> list[str]:
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
    if study.electrolyte is not None:
        changes["electrolyte"] = _filled(study.electrolyte, "electrolyte", "electrolyte")
    if study.solid_electrolyte is not None:
        changes["solid_electrolyte"] = _filled(study.solid_electrolyte, "coating", "solid_electrolyte")
    return study.model_copy(update=changes)


_MAY_STAY_UNKNOWN = {
    "material", "yield_strength", "relaxation_time", "relaxed_fraction", "strain_limit", "strength", "salt_diffusivity",
    "diffusional_viscosity",
}  # fmt: skip


def _filled(section: Any, kind: str, key: str) -> Any:
    """The section with what it leaves open taken from its material."""
    material = None if section.material is None else library.load(section.material)
    if material is not None and material.kind != kind:
        raise StudyError(f'{key}.material = "{section.material}" is a {material.kind}; give the name of a {kind}')
    if material is not None and key == "solid_electrolyte" and not material.solid_electrolyte:
        raise StudyError(f'{key}.material = "{section.material}" is no solid electrolyte; give one, such as "llzo"')
    update = {}
    for name, field in type(section).model_fields.items():
        if getattr(section, name) is not None or field.is_required() or name == "material":
            continue
        value = None if material is None else material.get(name)
        if value is None:
            if name not in _MAY_STAY_UNKNOWN:
                raise StudyError(f'{key}.{name} is missing; give it, or {key}.material = a name from "interphase materials"')
            continue
        update[name] = value if not _is_profile(section, name) else (value,)
    return section.model_copy(update=update)


def _is_profile(section: Any, name: str) -> bool:
    return isinstance(section, schema.Layer) and name not in ("material", "thickness")
