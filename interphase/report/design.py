"""What a design run shows: how the objective fell, where the variables went, how flat the optimum is, what chemistry
allows. Drawn from `history.csv` and `design.json` of a design folder."""

import json
import pathlib
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from interphase.io.records import read_series
from interphase.report import style
from interphase.report.run_folder import RunFolderError

_NAMES = {
    "overpotential": "overpotential", "hot_spot": "hot spot", "roughness_growth": "roughness growth",
    "film_strain": "film strain", "film_strain_over_limit": "film strain over limit", "film_stress": "film stress",
    "elastic_energy": "elastic energy", "energy_over_resilience": "elastic energy over resilience",
    "thickness": "thickness", "bare_share": "bare share of a thin film",
    "film_stress_over_strength": "film stress over strength", "crack_driving_force": "crack driving force",
    "indentation": "indentation by the separator", "polarisation_rise": "rise of the overpotential",
    "lost_contact": "lost contact", "void": "void", "stack_pressure": "stack pressure",
}  # fmt: skip


def is_design(folder: pathlib.Path) -> bool:
    """Whether a folder was written by a design run."""
    return (folder / "history.csv").is_file()


def read_design(folder: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """`design.json` and the columns of `history.csv`. Raises `RunFolderError` for a design that is not at its end."""
    if not (folder / "design.json").is_file():
        raise RunFolderError(f"{folder}: the design has no design.json yet; go on with interphase design --resume")
    return json.loads((folder / "design.json").read_text(encoding="utf-8")), read_series(folder / "history.csv")


def draw_design(folder: pathlib.Path) -> list[pathlib.Path]:
    """Draws all figures of a design folder and returns them."""
    design, history = read_design(folder)
    drawn = []
    with style.styled():
        for name, draw in (
            ("objective.png", _objective),
            ("variables.png", _variables),
            ("slices.png", _slices),
            ("maps.png", _maps),
            ("frontier.png", _frontier),
            ("profiles.png", _profiles),
            ("front.png", _front),
        ):
            figure = draw(design, history)
            if figure is not None:
                drawn.append(style.save(figure, folder / "figures" / name))
    return drawn


def _taken(history: dict[str, np.ndarray], start: int) -> np.ndarray:
    return (history["start"] == start) & (history["taken"] == 1)


def _starts(history: dict[str, np.ndarray]) -> list[int]:
    return sorted({int(s) for s in history["start"]})


def _objective(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure:
    """Left: J of every start; right: what it is made of along the best one."""
    figure = style.new_figure(9.2, 3.3)
    left, right = figure.subplots(1, 2)
    for k, start in enumerate(_starts(history)):
        rows = _taken(history, start)
        left.plot(
            history["evaluation"][rows], history["objective"][rows], ".-",
            color=style.LINES[k % len(style.LINES)], label=design["labels"][start],
        )  # fmt: skip
    left.set_yscale("log" if np.nanmin(history["objective"]) > 0 else "symlog")
    left.set_xlabel("evaluation")
    left.set_title("Objective of every start")
    left.legend()
    rows = _taken(history, design["ends"][0]["start"])
    for k, wish in enumerate(design["terms"]):
        right.plot(
            history["evaluation"][rows], history[f"{wish} share"][rows], ".-",
            color=style.LINES[k % len(style.LINES)], label=_NAMES.get(wish, wish),
        )  # fmt: skip
    right.set_yscale("symlog", linthresh=0.01)
    right.axhline(0.0, color="#999999", linewidth=0.7)
    right.set_xlabel("evaluation")
    right.set_title("What the best one is made of, weighted")
    figure.legend(*right.get_legend_handles_labels(), loc="outside right upper", fontsize=7)
    for axes in (left, right):
        axes.grid(True)
    return figure


def _variables(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure | None:
    """The path of every variable; profiles have a figure of their own."""
    shown = [v for v in design["variables"] if v["points"] == 1]
    if not shown:
        return None
    figure = style.new_figure(3.1 * len(shown), 3.0)
    for axes, variable in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for k, start in enumerate(_starts(history)):
            rows = _taken(history, start)
            axes.plot(
                history["evaluation"][rows], history[variable["path"]][rows] * variable["factor"], ".-",
                color=style.LINES[k % len(style.LINES)],
            )  # fmt: skip
        for bound in (variable["lower"], variable["upper"]):
            axes.axhline(bound * variable["factor"], color="#999999", linewidth=0.8, linestyle="--")
        axes.set_yscale("log" if variable["logarithmic"] else "linear")
        axes.set_title(_short(variable["path"]))
        axes.set_ylabel(variable["unit"])
        axes.set_xlabel("evaluation")
        axes.grid(True)
    return figure


def _slices(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure | None:
    """J and its parts along every variable through the optimum; hollow where chemistry does not go."""
    cuts = design.get("slices") or []
    if not cuts:
        return None
    figure = style.new_figure(3.1 * len(cuts), 3.7)
    places = figure.subplots(1, len(cuts), squeeze=False, sharey=True)[0]
    variables = {v["path"]: v for v in design["variables"]}
    best = design["ends"][0]["values"]
    for axes, cut in zip(places, cuts, strict=True):
        variable = variables[cut["variable"]]
        x = np.asarray(cut["value"]) * variable["factor"]
        objective, attainable = np.asarray(cut["objective"], float), np.asarray(cut["is_attainable"])
        axes.plot(x, objective, "-", color=style.BLACK, linewidth=2.0, label="objective")
        axes.plot(x[~attainable], objective[~attainable], "o", color=style.BLACK, markerfacecolor="white", markersize=5)
        for k, (name, share) in enumerate(cut["shares"].items()):
            axes.plot(
                x,
                np.asarray(share, float),
                "-",
                color=style.LINES[k % len(style.LINES)],
                linewidth=1.1,
                label=_NAMES.get(name, name),
            )
        axes.axvline(best[cut["variable"]][0] * variable["factor"], color="#777777", linestyle=":", linewidth=1.0)
        axes.set_xscale("log" if variable["logarithmic"] else "linear")
        axes.set_yscale("symlog", linthresh=0.01)
        axes.set_xlabel(f"{_short(cut['variable'])} ({variable['unit']})")
        axes.grid(True)
    places[0].set_title("Through the optimum, the other variables held")
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _maps(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure | None:
    """J over pairs of variables through the optimum; hatched where chemistry does not go, white where nothing ran."""
    found = design.get("maps") or []
    if not found:
        return None
    least = design["ends"][0]["objective"]
    every = np.concatenate([np.ravel(np.asarray(one["objective"], float)) for one in found])
    # Much of an objective is a floor that no coating lowers: what matters is how far above the best one is.
    levels = np.geomspace(0.01 * abs(least), max(np.nanmax(every) - least, 0.1 * abs(least)), 13)
    figure = style.new_figure(3.6 * len(found) + 1, 3.4)
    places = figure.subplots(1, len(found), squeeze=False)[0]
    variables = {v["path"]: v for v in design["variables"]}
    best = design["ends"][0]["values"]
    shown = None
    for axes, one in zip(places, found, strict=True):
        both = [variables[name] for name in one["variables"]]
        x, y = (np.asarray(v) * of["factor"] for v, of in zip(one["values"], both, strict=True))
        above = np.maximum(np.ma.masked_invalid(np.asarray(one["objective"], float)) - least, levels[0])
        shown = axes.contourf(x, y, above, levels, norm="log", cmap="viridis")
        x, y = (np.asarray(v) * of["factor"] for v, of in zip(one["fine_values"], both, strict=True))
        axes.contourf(x, y, np.asarray(one["is_beyond"], float), [0.5, 1.5], colors="none", hatches=["///"])
        place = [best[name][0] * of["factor"] for name, of in zip(one["variables"], both, strict=True)]
        axes.plot(*place, "*", color="white", markeredgecolor=style.BLACK, markersize=13)
        for name, of, axis in zip(one["variables"], both, "xy", strict=True):
            getattr(axes, f"set_{axis}scale")("log" if of["logarithmic"] else "linear")
            getattr(axes, f"set_{axis}label")(f"{_short(name)} ({of['unit']})")
    assert shown is not None
    scale = figure.colorbar(shown, ax=list(places), label="objective above that of the best design")
    ticks = [t for t in 10.0 ** np.arange(-6, 7) if levels[0] <= t <= levels[-1]]
    scale.set_ticks(ticks, labels=[f"{t:g}" for t in ticks])
    scale.minorticks_off()
    return figure


def _frontier(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure | None:
    """The envelopes, the materials they are fitted to, and the designs."""
    frontier = design.get("frontier")
    if not frontier:
        return None
    figure = style.new_figure(9.2, 3.9)
    left, right = figure.subplots(1, 2)
    modulus = np.asarray(frontier["modulus"]) / 1e9
    families = sorted({m["family"] for m in frontier["materials"]})
    for k, family in enumerate(families):
        hue = style.LINES[k]
        if family in frontier["families"]:
            of_family = np.asarray(frontier["families"][family])
            left.plot(modulus, of_family, color=hue, linewidth=0.9, linestyle="--")
        for axes, key in ((left, "ionic_conductivity"), (right, "strain_limit")):
            members = [m for m in frontier["materials"] if m["family"] == family and m[key] is not None]
            axes.plot(
                [m["modulus"] / 1e9 for m in members], [m[key] for m in members], "o", color=hue, label=family,
                markersize=4.5,
            )  # fmt: skip
            for m in members:
                axes.annotate(
                    m["name"], (m["modulus"] / 1e9, m[key]), xytext=(3, 3), textcoords="offset points", fontsize=5.5,
                    color="#555555",
                )  # fmt: skip
    left.plot(modulus, frontier["conductivity"], color=style.BLACK, label="frontier")
    right.plot(modulus, frontier["strain_limit"], color=style.BLACK, label="law")
    for k, layer in enumerate(design["layers"]):
        for axes, key in ((left, "ionic_conductivity"), (right, "strain_limit")):
            if key not in layer:  # of a coating whose limit nobody knows
                continue
            axes.plot(
                np.asarray(layer["modulus"]) / 1e9, layer[key], "*", color=style.VERMILION, markersize=11,
                label="best design" if k == 0 else None, zorder=5,
            )  # fmt: skip
    for axes, name in ((left, "Ionic conductivity (S/m)"), (right, "Strain limit")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("modulus (GPa)")
        axes.set_title(name)
        axes.grid(True)
        axes.legend(fontsize=7)
    left.set_ylim(bottom=1e-8)
    return figure


def _profiles(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure | None:
    """Graded properties from the inner to the outer face, at the start and at the end."""
    shown = [v for v in design["variables"] if v["points"] > 1]
    if not shown:
        return None
    figure = style.new_figure(3.6 * len(shown), 3.2)
    start = design["ends"][0]["start"]
    rows = np.flatnonzero(_taken(history, start))
    for axes, variable in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        depth = np.linspace(0, 1, variable["points"])
        for row, hue, label in ((rows[0], "#999999", "start"), (rows[-1], style.BLUE, "best")):
            values = [history[f"{variable['path']}[{k}]"][row] * variable["factor"] for k in range(variable["points"])]
            axes.plot(depth, values, ".-", color=hue, label=label)
        for bound in (variable["lower"], variable["upper"]):
            axes.axhline(bound * variable["factor"], color="#999999", linewidth=0.8, linestyle="--")
        axes.set_yscale("log" if variable["logarithmic"] else "linear")
        axes.set_title(_short(variable["path"]))
        axes.set_ylabel(variable["unit"])
        axes.set_xlabel("depth: 0 at the lithium, 1 outside")
        axes.grid(True)
        axes.legend()
    return figure


def _front(design: dict[str, Any], history: dict[str, np.ndarray]) -> Figure | None:
    """The swept term against all the others together, a point per weight."""
    name = design.get("pareto")
    if not name:
        return None
    ends = sorted(design["ends"], key=lambda end: end["terms"][name])
    swept = [end["terms"][name] for end in ends]
    others = [sum(share for wish, share in end["shares"].items() if wish != name) for end in ends]
    figure = style.new_figure(4.6, 3.4)
    axes = figure.subplots()
    axes.plot(swept, others, "o-", color=style.BLUE)
    for end, x, y in zip(ends, swept, others, strict=True):
        label = design["labels"][end["start"]].removeprefix(name).strip()  # the weight, "× 10"
        axes.annotate(label, (x, y), xytext=(5, 5), textcoords="offset points", fontsize=7)
    unfinished = [(x, y) for end, x, y in zip(ends, swept, others, strict=True) if end["status"] == "not at rest"]
    if unfinished:
        axes.plot(*zip(*unfinished, strict=True), "o", color="white", markeredgecolor=style.BLUE, label="not at rest")
        axes.legend()
    axes.set_xlabel(f"{_NAMES.get(name, name)} ({design['units'][name]})")
    axes.set_ylabel("all other terms, weighted")
    axes.set_title("What one costs the other")
    axes.grid(True)
    return figure


def _short(path: str) -> str:
    return path.replace("coating.layers", "layer ").replace("_", " ").replace("].", "] ")
