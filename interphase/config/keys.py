"""Every key of a study file with what it takes and its default, as text, from the schema itself."""

import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Iterator
from typing import Any, Literal

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from interphase.config import library, quantities, schema

WIDTH = 110  # of a line in a terminal
STARRED = "*: one number, or a list of control points from the inner to the outer face"


@dataclasses.dataclass(frozen=True)
class Key:
    """A key: its name, what it takes, within which bounds, and what holds where it is not given."""

    name: str
    takes: str
    bounds: str
    default: str


def sections(model: type[schema.Section] = schema.Study, path: str = "") -> Iterator[tuple[str, type[schema.Section]]]:
    """Paths and tables of a study, in the order of the schema; those of which there are several end in `[]`."""
    yield path, model
    for name, field in model.model_fields.items():
        if (inner := _section_in(field.annotation)) is not None:
            several = "[]" if _is_list(field.annotation) else ""
            yield from sections(inner, f"{path}.{name}{several}".lstrip("."))


def keys(model: type[schema.Section]) -> list[Key]:
    """Of one table, but for the tables in it."""
    return [
        Key(name, *_taken(field), _default(name, field, model))
        for name, field in model.model_fields.items()
        if _section_in(field.annotation) is None
    ]


def described(wanted: str = "") -> str:
    """For a terminal: the tables under a path, or all. Raises `KeyError` where there is none."""
    chosen = [(path, model) for path, model in sections() if _is_under(path, wanted)]
    if not chosen:
        raise KeyError(wanted)
    texts = [_as_text(path, model) for path, model in chosen]
    return "\n\n".join([*texts, STARRED] if any("*" in text for text in texts) else texts)


def as_markdown() -> str:
    """A page of the documentation."""
    lines = [
        "# Keys of a study file",
        "",
        "What `interphase keys` prints, and `interphase keys coating` of one table. A quantity is text with its unit.",
        f"{_cell(STARRED)}.",
    ]
    for path, model in sections():
        lines += ["", f"## {_title(path)}", "", _summary(model), ""]
        if rows := keys(model):
            lines += ["| key | takes | bounds | if not given |", "|---|---|---|---|"]
            lines += [f"| `{k.name}` | {_cell(k.takes)} | {_cell(k.bounds)} | {_cell(k.default)} |" for k in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def _title(path: str) -> str:
    return "top level" if not path else f"[[{path.replace('[]', '')}]]" if path.endswith("[]") else f"[{path}]"


def _summary(model: type[schema.Section]) -> str:
    return " ".join((model.__doc__ or "").split())


def _as_text(path: str, model: type[schema.Section]) -> str:
    rows = [("", k.name, k.takes, k.bounds, k.default) for k in keys(model)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([_title(path), *textwrap.wrap(_summary(model), WIDTH), *table])


def _is_under(path: str, wanted: str) -> bool:
    plain = path.replace("[]", "")
    return not wanted or plain == wanted or plain.startswith(f"{wanted}.")


# --- types ------------------------------------------------------------------------------------------------------------


def _section_in(annotation: Any) -> type[schema.Section] | None:
    if inspect.isclass(annotation) and issubclass(annotation, schema.Section):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _section_in(part)) is not None), None)


def _is_list(annotation: Any) -> bool:
    return typing.get_origin(annotation) is tuple or any(_is_list(part) for part in typing.get_args(annotation))


def _metadata(annotation: Any) -> list[Any]:
    """All that is annotated on a type and its parts."""
    own = list(getattr(annotation, "__metadata__", ()))
    return own + [found for part in typing.get_args(annotation) for found in _metadata(part)]


def _leaves(annotation: Any) -> list[Any]:
    parts = [annotation] if typing.get_origin(annotation) is Literal else typing.get_args(annotation)
    if not parts or parts == [annotation]:
        return [annotation]
    return [leaf for part in parts if part is not Ellipsis for leaf in _leaves(part)]


def _taken(field: FieldInfo) -> tuple[str, str]:
    """What a key takes, and its bounds."""
    metadata = [*field.metadata, *_metadata(field.annotation)]
    bounds = next((found for found in metadata if isinstance(found, schema.Bounds)), None)
    if bounds is not None:
        what, example = quantities.meaning(bounds.dimension)
        if bounds.is_profile:
            what = f"{what}*"
        elif _is_list(field.annotation):
            return f"a list, each {what}", str(bounds)
        return what if bounds.dimension == "1" else f'{what}, "{example}"', str(bounds)
    leaf = next(leaf for leaf in _leaves(field.annotation) if inspect.isclass(leaf) or typing.get_origin(leaf))
    if typing.get_origin(leaf) is Literal:
        return " or ".join(f'"{choice}"' for choice in typing.get_args(leaf)), ""
    what = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(leaf, leaf.__name__)
    return ("a list of " + what.removeprefix("a ") + "s" if _is_list(field.annotation) else what), _range(metadata)


def _range(metadata: list[Any]) -> str:
    words = {"gt": "above", "ge": "at least", "le": "at most"}
    flat = [part for found in metadata for part in (getattr(found, "metadata", None) or [found])]
    found = [(word, getattr(part, name, None)) for name, word in words.items() for part in flat]
    return " and ".join(f"{word} {bound}" for word, bound in found if bound is not None)


def _default(name: str, field: FieldInfo, model: type[schema.Section]) -> str:
    if field.is_required() or field.default is PydanticUndefined:
        return "must be given"
    value = field.default
    if value is None:
        return "from the material" if "material" in model.model_fields and library.knows(name) else ""
    bounds = next((m for m in [*field.metadata, *_metadata(field.annotation)] if isinstance(m, schema.Bounds)), None)
    if bounds is not None and isinstance(value, float):
        return quantities.pretty(value, bounds.dimension)
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else "none" if value == () else str(value)
