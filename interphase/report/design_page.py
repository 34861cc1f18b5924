"""The report page of a design: what was found, how sure it is, what to look for in the laboratory."""

import math
import pathlib
from html import escape
from typing import Any

import numpy as np

from interphase.report import style
from interphase.report.design import read_design
from interphase.report.page import assemble

_CAPTIONS = {
    "objective.png": "How the objective of every start fell, and what the best one's is made of.",
    "variables.png": "The path of every free number; dashed: its bounds.",
    "profiles.png": "Graded properties at the start and at the end of the best search.",
    "front.png": "The front: each point is the best design for one weight.",
    "slices.png": "Objective and its parts through the optimum, one number at a time; hollow: beyond the frontier.",
    "maps.png": "Objective over pairs of numbers; star: best design; hatched: beyond the frontier; white: not solved.",
    "frontier.png": "What chemistry attains: library materials, the envelopes fitted to them, and the design.",
    "before_after.png": "The first start and the best design at the end of the run, and the way there.",
}


MOST_LISTED = 12  # free numbers, beyond which their sensitivities are no table any more


def write_design_page(folder: pathlib.Path) -> pathlib.Path:
    """Writes a design folder's `report.html` and returns it."""
    design, _ = read_design(folder)
    best = design["ends"][0]
    study = folder / "study.toml"
    tables = [
        _table("Best design", _values(design, best)),
        _table("What it is judged by", _terms(design, best)),
        _table("Starts", _starts(design)),
        _table("How the objective answers at the best design, d ln J/d ln p", _sensitivities(design)),
        _table("Nearest library materials", _materials(design)),
        _table("If a weight doubles, or an exponent grows by a tenth", _moves(design)),
    ]  # fmt: skip
    kind = "finished" if design["status"] == "finished" else "stopped"
    lead = (
        f'<span class="status {kind}">{escape(design["status"])}</span> &nbsp; '
        f"{design['evaluations']} evaluations of {len(design['labels'])} starts in "
        f"{style.readable_time(design['wall_s'])}"
        f" &nbsp; projected gradient {best['optimality']:.1e} of the first"
    )
    return assemble(
        folder,
        title=design["title"],
        lead=lead,
        numbers="\n".join(tables),
        captions=_CAPTIONS,
        study=study.read_text(encoding="utf-8") if study.exists() else "",
        summary=design["made"],
    )


def _table(caption: str, rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = [f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows]
    return f"<table><caption>{escape(caption)}</caption>\n{chr(10).join(lines)}\n</table>"


def _starts(design: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f"{design['labels'][end['start']]}, {end['status']}", f"{end['objective']:.6g}") for end in design["ends"]]


def _values(design: dict[str, Any], best: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for variable in design["variables"]:
        values = np.asarray(best["values"][variable["path"]]) * variable["factor"]
        text = f"{values[0]:.4g}" if len(values) == 1 else f"{values.min():.3g} to {values.max():.3g}"
        rows.append((variable["path"], f"{text} {variable['unit']}"))
    return rows


def _terms(design: dict[str, Any], best: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(name.replace("_", " "), f"{best['terms'][name]:.4g} {design['units'][name]}") for name in design["terms"]]
    rows += [(name, f"{value:+.2e}") for name, value in best["constraints"].items()]
    if design.get("adaptive"):
        worst = max(design["adaptive"].values())
        rows.append(("largest change of a term with the run's own steps", f"{100 * worst:.2g} %"))
    return rows


def _materials(design: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{m['name']} ({m['family']}), {m['distance']:.2f} decades away", "; ".join(m["lacks"]) or "nothing")
        for m in design.get("nearest", [])
    ]


def _sensitivities(design: dict[str, Any]) -> list[tuple[str, str]]:
    found = design.get("sensitivities", [])
    if len(found) > MOST_LISTED:
        return []
    rows = []
    for one in found:
        text = f"{one['slope']:+.2g}"
        if one["spread"] is not None:
            change = 100 * (math.exp(abs(one["slope"]) * one["spread"]) - 1)
            text += f"; sources differ by a factor of {math.exp(one['spread']):.2g} either way: {change:.2g} % of J"
        rows.append((one["variable"], text))
    return rows


def _moves(design: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for knob, moves in design.get("moves", {}).items():
        if knob in design["indifferent"]:
            rows.append((knob, f"indifferent: {', '.join(design['indifferent'][knob])} would leave the bounds"))
        else:
            rows.append((knob, "; ".join(f"{name.rsplit('.', 1)[-1]} {text}" for name, text in moves.items())))
    return rows
