"""`interphase design`: search, look around the optimum, run it as a study, write it all down."""

import dataclasses
import json
import pathlib
import re
import shutil
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.config import library, quantities, schema
from interphase.config.build import build, controls, positions
from interphase.config.design import Plan, designed_study, library_points, plan, section
from interphase.config.load import written
from interphase.design.analysis import Batches, Judge, elasticities, maps, nearest, neighbourhood, slices
from interphase.design.objectives import TERMS
from interphase.design.optimise import INTERRUPTED, Design, Evaluator, Progress
from interphase.design.problem import Problem
from interphase.design.search import CONVERGED
from interphase.io.checkpoint import Checkpoints
from interphase.io.records import append_log, write_summary
from interphase.report.compare import compare
from interphase.report.design import draw_design
from interphase.report.design_page import write_design_page
from interphase.run.simulate import Run, RunError
from interphase.run.summary import summarise
from interphase.solvers.rollout import kept_states
from interphase.verbs.machine import memory_of

SHARE_OF_MEMORY = 0.25  # of a device, that the states a gradient keeps may take
MOST_SLICED = 4  # variables beyond which there are no slices through the optimum
MOST_MAPPED = 3  # of which every pair is mapped: more pairs, or many scenarios, take longer than the search


@dataclasses.dataclass(frozen=True)
class Voice:
    """How a design speaks while it runs.

    **Arguments:**

    - `line`: a sentence; `progress`: after every evaluation; `asked_to_stop`: asked before every one.
    """

    line: Callable[[str], None]
    progress: Callable[[Progress], None]
    asked_to_stop: Callable[[], bool]


class _Stopped(Exception):
    """Somebody asked to stop after the search; its surroundings are run again on `--resume`."""


def run_design(
    study: schema.Study, folder: pathlib.Path, checkpoints: pathlib.Path, resumes: bool, made: dict, voice: Voice
) -> str:
    """Runs a design in its folder, which holds `study.toml`; returns the status. Raises `RunError`, `StudyError`."""
    began = time.perf_counter()
    steps = folder / "schedule.json"
    known = np.asarray(json.loads(steps.read_text())) if resumes and steps.exists() else None
    planned = plan(study, voice.line, known)
    devices = _devices(len(planned.starts))
    at_once = 1 if devices[0].platform == "cpu" else len(planned.starts) // len(devices)
    problem = planned.problem.within(SHARE_OF_MEMORY * memory_of(devices) / at_once)
    planned = dataclasses.replace(planned, problem=problem)
    steps.write_text(json.dumps(np.asarray(planned.problem.schedule, float).tolist()))
    wanted = section(study).search
    num_steps = len(problem.schedule)
    voice.line(
        f"{problem.variables.size} variables, {len(planned.starts)} starts, {num_steps} steps a run; "
        f"{_memory(problem, devices)}"
    )
    evaluator = Evaluator(planned.problem, wanted.gradient == "forward", devices)
    saved = Checkpoints(checkpoints)
    design = Design(
        planned.problem, evaluator, planned.starts, planned.knobs, planned.settings, planned.controls.tolerance,
        folder, saved, wanted.checkpoint_evaluations, voice.progress, voice.asked_to_stop,
    )  # fmt: skip
    log = folder / "log.jsonl"
    if resumes:
        design.resume()
    append_log(log, {"event": "resumed" if resumes else "started", "num_steps": num_steps, **made})
    voice.line("compiling the run and its gradient …")
    try:
        status = design.go()
    finally:
        saved.close()
    append_log(log, {"event": "ended", "status": status})
    if status == INTERRUPTED:
        return status
    if not bool(jnp.any(design.searches.taken > 0)):
        raise RunError(f"{folder}: no start could be evaluated, see log.jsonl; narrow the bounds")
    try:
        found = _found(planned, design, evaluator, voice)
    except _Stopped:
        return INTERRUPTED
    best = designed_study(study, planned.problem, found["point"], _knobs(planned, found["start"]))
    (folder / "best.toml").write_text(written(best), encoding="utf-8")
    found["adaptive"] = _before_and_after(study, planned, found, best, folder, made, voice)
    found |= {"status": status, "made": made, "wall_s": time.perf_counter() - began}
    _write(folder, study, planned, design, found)
    draw_design(folder)
    write_design_page(folder)
    return status


def _devices(num_starts: int) -> list[Any]:
    """As many as share the starts evenly."""
    if jax.config.jax_default_device is not None:
        return [jax.config.jax_default_device]
    there = jax.devices()
    return there[: max(n for n in range(1, len(there) + 1) if num_starts % n == 0)]


def _memory(problem: Problem, devices: list[Any]) -> str:
    total, num_steps = problem.memory, len(problem.schedule)
    kept = "every state" if problem.segment == 1 else f"{kept_states(num_steps)} of {num_steps} states"
    where = f"each of {len(devices)} {devices[0].platform} devices" if len(devices) > 1 else devices[0].platform
    return f"a gradient keeps {kept}, about {total / 2**20:.3g} MiB on {where}"


def _knobs(planned: Plan, start: int) -> Any:
    return jax.tree.map(lambda x: x[start], planned.knobs)


def _found(planned: Plan, design: Design, evaluator: Evaluator, voice: Voice) -> dict[str, Any]:
    """The best start and its surroundings."""
    problem, best = planned.problem, design.best()
    search = jax.tree.map(lambda x: np.asarray(x[best]), design.searches)
    knobs = _knobs(planned, best)

    def told(what: str) -> Callable[[int, int], None]:
        def tell(done: int, of: int) -> None:
            voice.line(f"{what}: {done} of {of}")
            if voice.asked_to_stop():
                raise _Stopped

        return tell

    found: dict[str, Any] = {"start": best, "point": search.point, "search": search}
    size = len(planned.starts)
    around = neighbourhood(
        problem, Batches(evaluator, size, told("around the optimum")), search.point, knobs,
        search.multipliers, float(search.penalty),
    )  # fmt: skip
    found["around"] = around
    found |= {"slices": [], "maps": []}
    if problem.variables.size <= MOST_SLICED:
        tolerance = planned.controls.tolerance
        found["slices"] = slices(problem, Judge(problem, knobs, tolerance, told("slices")), search.point)
        if problem.num_scenarios == 1 and problem.variables.size <= MOST_MAPPED:  # 49 runs a pair
            found["maps"] = maps(problem, Judge(problem, knobs, tolerance, told("maps")), search.point, knobs)
    return found


def _before_and_after(
    study: schema.Study, planned: Plan, found: dict, best: schema.Study, folder: pathlib.Path, made: dict, voice: Voice
) -> dict[str, float]:
    """Runs the first start and the best design with their own steps, draws both, and compares the terms."""
    first = designed_study(study, planned.problem, planned.starts[0], _knobs(planned, found["start"]))
    schedule = None
    for name, one in (("before", first), ("after", best)):
        voice.line(f"running the coating {name}")
        place = folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (place / "study.toml").write_text(written(one), encoding="utf-8")
        case = build(one)
        axes = positions(case.model.grid, case.model.scales)
        outcome = Run(case, controls(one), axes, place).go()
        write_summary(place / "summary.json", summarise(outcome, one.title, made))
        schedule = outcome.schedule
    compare([folder / "before", folder / "after"], ["first start", "best design"], folder / "figures/before_after.png")
    case = planned.problem.designed(jnp.asarray(found["point"]), _knobs(planned, found["start"]))
    course = eqx.filter_jit(lambda case, schedule: case.observed(schedule))(case, jnp.asarray(schedule))
    judgement = found["search"].judgement
    changes = {}
    if not planned.problem.uncertain:
        for wish, term in zip(planned.problem.wishes, judgement.terms, strict=True):
            own = float(TERMS[wish.name].measure(course))
            changes[wish.name] = abs(own - float(term)) / (abs(float(term)) + 1e-300)
    return changes


def _write(folder: pathlib.Path, study: schema.Study, planned: Plan, design: Design, found: dict[str, Any]) -> None:
    """`design.json` for the report, `summary.json` for scripts."""
    problem, free = planned.problem, planned.problem.variables
    ends = design.outcome()
    for end in ends:
        end["values"] = {path: np.asarray(v).tolist() for path, v in free.values(jnp.asarray(end["point"])).items()}
        end["constraints"] = dict(zip(problem.constraint_names(), end["constraints"], strict=True))
    coating = problem.designed(jnp.asarray(found["point"]), _knobs(planned, found["start"])).model.stack.coating
    known = ("modulus", "ionic_conductivity")
    if coating is not None and coating.has_strain_limit:
        known = (*known, "strain_limit")
    layers = [
        {name: np.asarray(getattr(layer, name)).tolist() for name in known}
        for layer in (coating.layers if coating is not None else ())
    ]
    around = found["around"]
    facts = {
        "title": study.title,
        "status": found["status"],
        "evaluations": design.evaluation,
        "wall_s": found["wall_s"],
        "labels": planned.labels,
        "terms": [wish.name for wish in problem.wishes],
        "units": {wish.name: _unit(TERMS[wish.name].dimension) for wish in problem.wishes},
        "weights": np.asarray(_knobs(planned, found["start"]).weights).tolist(),
        "variables": [_variable(v) for v in free.members],
        "ends": ends,
        "layers": layers,
        "adaptive": found["adaptive"],
        "slices": found["slices"],
        "maps": found["maps"],
        "slopes": None if around is None else dict(zip(free.names, around.slopes.tolist(), strict=True)),
        "sensitivities": _sensitivities(problem, found["search"]),
        "moves": {} if around is None else {k: _in_words(free, found["point"], m) for k, m in around.moves.items()},
        "indifferent": {} if around is None else around.is_indifferent,
        "frontier": _frontier(problem, study),
        "nearest": _nearest(layers),
        "pareto": None if (sweep := section(study).pareto) is None else sweep.term,
        "made": found["made"],
    }
    (folder / "design.json").write_text(json.dumps(facts, indent=1, allow_nan=False), encoding="utf-8")
    best = ends[0]
    summary = {
        "title": study.title,
        "status": found["status"],
        "objective": best["objective"],
        "optimality": best["optimality"],
        "evaluations": design.evaluation,
        "rejected": int(np.sum(np.asarray(design.searches.rejected))),
        "converged_starts": int(np.sum(np.asarray(design.searches.status) == CONVERGED)),
        "wall_s": found["wall_s"],
        **{f"term {name}": value for name, value in best["terms"].items()},
        **{name: value[0] if len(value) == 1 else value for name, value in best["values"].items()},
        **found["made"],
    }
    write_summary(folder / "summary.json", summary)


def _sensitivities(problem: Problem, search: Any) -> list[dict[str, Any]]:
    """d ln J/d ln p, and how much of J is open because sources disagree on such a property."""
    slopes = elasticities(problem, search.point, search.slope, float(search.judgement.objective))
    rows = []
    for name, slope in zip(problem.variables.names, slopes, strict=True):
        of = re.sub(r"\[\d+\]$", "", name).rsplit(".", 1)[-1]
        rows.append({"variable": name, "slope": slope, "spread": library.spread(of) if "coating" in name else None})
    return rows


def _variable(variable: Any) -> dict[str, Any]:
    """What the figures need, with the unit people use for numbers of that size."""
    lower, upper = variable.lower, variable.upper
    middle = np.sqrt(lower * upper) if variable.logarithmic else max(abs(lower), abs(upper))
    number, _, unit = quantities.pretty(middle, variable.dimension).partition(" ")
    return {
        "path": variable.path, "lower": lower, "upper": upper, "unit": unit,
        "factor": float(f"{float(number) / middle:.3g}"), "logarithmic": variable.logarithmic,
        "points": variable.points,
    }  # fmt: skip


def _unit(dimension: str) -> str:
    return "" if dimension == "1" else dimension


def _in_words(free: Any, point: np.ndarray, move: np.ndarray) -> dict[str, str]:
    """By what factor, or by how much, every variable moves."""
    before, after = free.values(jnp.asarray(point)), free.values(jnp.asarray(point + move))
    words = {}
    for member in free.members:
        old, new = float(before[member.path][0]), float(after[member.path][0])
        by = quantities.pretty(abs(new - old), member.dimension)
        words[member.path] = f"× {new / old:.3g}" if old * new > 0 else f"{'−' if new < old else '+'} {by}"
    return words


def _frontier(problem: Any, study: schema.Study) -> dict[str, Any] | None:
    frontier = problem.frontier
    if frontier is None:
        return None
    wanted = section(study).frontier
    moduli = np.logspace(6, 11.5, 111)
    families = 10 ** np.asarray(frontier.conductivity_of_families(jnp.asarray(moduli)))
    return {
        "modulus": moduli.tolist(),
        "conductivity": (10 ** np.asarray(frontier.log_conductivity(jnp.asarray(moduli)))).tolist(),
        "strain_limit": np.asarray(frontier.strain_limit(jnp.asarray(moduli))).tolist(),
        "families": {name: row.tolist() for name, row in zip(frontier.families, families, strict=True)},
        "materials": [m._asdict() for m in library_points(wanted.gels if wanted else False)],
        "conductivity_exponent": float(frontier.conductivity_exponent),
        "strain_exponent": float(frontier.strain_exponent),
    }


def _nearest(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Library coatings nearest to the first layer's mean properties."""
    if not layers:
        return []
    points = {point.name: point for point in library_points(True)}
    materials = [
        {
            "name": name, "family": point.family, "modulus": point.modulus,
            "ionic_conductivity": library.load(name)["ionic_conductivity"], "strain_limit": point.strain_limit,
        }
        for name, point in points.items()
    ]  # fmt: skip
    mean = {name: float(10 ** np.mean(np.log10(values))) for name, values in layers[0].items()}
    return nearest(materials, mean["modulus"], mean["ionic_conductivity"], mean.get("strain_limit"))
