"""From the `design` table of a study to the problem that is searched: paths to places in a case, texts to numbers."""

import dataclasses
import re
import tomllib
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.config import library, quantities, schema
from interphase.config.build import as_arrays, build, controls
from interphase.config.checks import FEWEST_CELLS, FEWEST_CELLS_OF_A_LAYER, check, heights, plated_after_steps
from interphase.config.load import StudyError, validated, written
from interphase.config.places import Place, numbers_at, place, written_back
from interphase.design.frontier import Frontier, MaterialPoint, fit
from interphase.design.objectives import DEFAULT, TERMS
from interphase.design.problem import Knobs, Problem, Uncertain, Wish
from interphase.design.search import Settings, start_points
from interphase.design.variables import Variable, Variables
from interphase.run.case import Case
from interphase.run.controls import Controls
from interphase.run.simulate import RunError, simulate
from interphase.solvers.rollout import divisible

FAMILIES = {"inorganic": "inorganic", "ceramic": "inorganic", "polymer": "polymer", "hybrid": "hybrid"}
"""Class of a library material → class of the frontier; native films are nothing one can deposit."""

# --- the parts of a problem -------------------------------------------------------------------------------------------


def section(study: schema.Study) -> schema.Design:
    """The study's `design` table. Raises `StudyError` when there is none."""
    if study.design is None:
        raise StudyError(
            "design is missing; add [[design.variables]] with path, lower and upper, such as "
            'path = "coating.layers[0].modulus", lower = "0.1 GPa", upper = "100 GPa"'
        )
    return study.design


def variables(study: schema.Study) -> Variables:
    """What is free."""
    members = []
    for k, wanted in enumerate(section(study).variables):
        key = f"design.variables[{k}]"
        found = _place(f"{key}.path", wanted.path, study)
        if any(wanted.path == member.path for member in members):
            raise StudyError(f"{key}.path = {wanted.path} is free already; leave one of the two out")
        if wanted.path.endswith(".strain_limit") and _ties_strain_limit(study):
            raise StudyError(
                f"{key}.path = {wanted.path}: the frontier sets it by the modulus; leave it out, or set "
                "design.frontier.strain_limit = false"
            )
        bounds = {}
        for name in ("lower", "upper"):
            try:
                bounds[name] = quantities.parse(getattr(wanted, name), found.dimension)
            except ValueError as error:
                raise StudyError(f"{key}.{name}: {error}") from None
        lower, upper = bounds["lower"], bounds["upper"]
        shown = [quantities.pretty(bound, found.dimension) for bound in (lower, upper)]
        if lower >= upper:
            remedy = "exchange them" if lower > upper else "give a lower one"
            raise StudyError(f"{key}: lower = {shown[0]} is not below upper = {shown[1]}; {remedy}")
        logarithmic = wanted.scale == "log" if wanted.scale else lower > 0 and upper > 3 * lower
        if logarithmic and lower <= 0:
            raise StudyError(f'{key}.lower = {shown[0]} has no logarithm; give a bound above 0, or scale = "linear"')
        if wanted.points > 1 and not found.is_profile:
            raise StudyError(f"{key}.points = {wanted.points}: {wanted.path} is one number; leave points out")
        _check_bounds(key, wanted.path, lower, upper, study)
        for name, bound in bounds.items():
            _check_allowed(f"{key}.{name}", wanted.path, bound, found.dimension, study)
        members.append(Variable(wanted.path, found.dimension, found.put, lower, upper, logarithmic, wanted.points))
    _check_apart([member.path for member in members], study)
    return Variables(tuple(members))


def _check_apart(paths: list[str], study: schema.Study) -> None:
    """No number of the protocol is set twice."""
    for k, step in enumerate(study.protocol.steps):
        own, whole = f"protocol.steps[{k}].current", "protocol.current"
        if own in paths and whole in paths:
            raise StudyError(f"design.variables: {own} is part of {whole}, free as well; leave one of the two out")
        own, whole = f"protocol.steps[{k}].pressure", "cell.pressure"
        if own in paths and whole in paths and step.pressure is None:
            raise StudyError(
                f"design.variables: {own} is {whole}, which is free as well; give the step a pressure of its own, or "
                "leave one of the two out"
            )


def _place(key: str, path: str, study: schema.Study) -> Place:
    try:
        return place(path, study)
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from None


def _ties_strain_limit(study: schema.Study) -> bool:
    wanted = section(study).frontier
    return wanted is not None and wanted.strain_limit


def _check_bounds(key: str, path: str, lower: float, upper: float, study: schema.Study) -> None:
    """Bounds of a thickness that the grid resolves."""
    if not path.endswith(".thickness") or study.coating is None or "mosaic" in path:
        return
    spacing = study.grid.size[-1] / study.grid.cells[-1]
    index = int(re.findall(r"\[(\d+)\]", path)[0])
    others = sum(layer.thickness for k, layer in enumerate(study.coating.layers) if k != index)
    least = max(FEWEST_CELLS * spacing - others, FEWEST_CELLS_OF_A_LAYER * spacing)
    if lower < least * (1 - 1e-9):
        cells = FEWEST_CELLS if lower + others < FEWEST_CELLS * spacing else FEWEST_CELLS_OF_A_LAYER
        finest = (lower + others) / cells if cells == FEWEST_CELLS else lower / cells
        raise StudyError(
            f"{key}.lower = {lower * 1e9:.4g} nm is not resolved by cells of {spacing * 1e9:.4g} nm; give at least "
            f"{least * 1e9:.4g} nm, or cells of {finest * 1e9:.4g} nm along the normal"
        )
    grown = study.model_copy(
        update={
            "coating": study.coating.model_copy(
                update={
                    "layers": tuple(
                        layer.model_copy(update={"thickness": upper}) if k == index else layer
                        for k, layer in enumerate(study.coating.layers)
                    )
                }
            )
        }
    )
    room = study.grid.size[-1] - heights(grown).covered - max(0.0, *plated_after_steps(study))
    if room < 4 * spacing:
        raise StudyError(
            f"{key}.upper = {upper * 1e9:.4g} nm leaves no room above the deposit; give at most "
            f"{(upper + room - 4 * spacing) * 1e9:.4g} nm, or raise grid.size[{len(study.grid.size) - 1}]"
        )


def _check_allowed(key: str, path: str, value: float, dimension: str, study: schema.Study) -> None:
    """A run takes the study with the value in it, as it must take the best design."""
    data = tomllib.loads(written(study.model_copy(update={"design": None})))
    written_back(data, path, np.array([value]), dimension)
    there = validated(data, key)
    if path.startswith("nucleation."):  # a run keeps the nuclei that it starts from
        return
    try:
        check(there)
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from None


def wishes(study: schema.Study) -> tuple[tuple[Wish, ...], np.ndarray]:
    """Terms and their weights."""
    asked = section(study).terms or tuple(schema.Term(name=name) for name in DEFAULT)
    made, weights = [], []
    for k, term in enumerate(asked):
        key = f"design.terms[{k}]"
        known = TERMS.get(term.name)
        if known is None:
            raise StudyError(f'{key}.name = "{term.name}" is unknown; there are {", ".join(TERMS)}')
        has, missing = _PHYSICS.get(known.needs or "", _COATING)
        if known.needs is not None and not has(study):
            raise StudyError(f'{key}.name = "{term.name}" needs {missing}')
        numbers = {}
        for name in ("scale", "target", "limit"):
            given = getattr(term, name)
            try:
                numbers[name] = None if given is None else quantities.parse(given, known.dimension)
            except ValueError as error:
                raise StudyError(f"{key}.{name}: {error}") from None
        for name in ("scale", "limit"):
            if numbers[name] is not None and numbers[name] <= 0:
                raise StudyError(f"{key}.{name} = {getattr(term, name)} must be above 0")
        made.append(Wish(term.name, numbers["scale"] or known.scale, numbers["target"], numbers["limit"]))
        weights.append(term.weight)
    if not any(weights):
        raise StudyError("design.terms: every weight is 0; give one that is not")
    _check_limits_known(study, made)
    return tuple(made), np.asarray(weights)


_COATING = (lambda study: study.coating, "a coating; add [[coating.layers]]")
_PHYSICS: dict[str, tuple[Callable[[schema.Study], Any], str]] = {
    "contact_fraction": (lambda study: study.contact, "a contact; add [contact]"),
    "sei_lithium": (lambda study: study.film, "a native film; add [film]"),
    "damage_fraction": (
        lambda study: study.coating and study.coating.fracture, "a coating that breaks; add [coating.fracture]",
    ),
    "cracks_filled": (
        lambda study: study.solid_electrolyte and study.solid_electrolyte.cracks,
        "a crack; add [[solid_electrolyte.cracks]]",
    ),
    "vacant_surface": (lambda study: study.vacancies, "vacancies; add [vacancies]"),
    "substrate": (lambda study: study.nucleation, "nuclei; add [nucleation]"),
}  # fmt: skip
"""What a term needs → where a study has it, and what to add; a coating where it is not here."""

_NEEDED = {
    "film_strain_over_limit": ("strain_limit", "strength"),
    "energy_over_resilience": ("strain_limit", "strength"),
    "film_stress_over_strength": ("strength",),
    "crack_driving_force": ("toughness",),
    "inside_plating": ("tunnelling_thickness",),
    "upon_plating": ("tunnelling_thickness",),
}  # fmt: skip
"""Term → what a layer must have one of."""


def _check_limits_known(study: schema.Study, made: list[Wish]) -> None:
    ties_strain_limit = _ties_strain_limit(study)
    layers = () if study.coating is None else study.coating.layers
    for wish in made:
        needed = _NEEDED.get(wish.name, ())
        if not needed or ("strain_limit" in needed and ties_strain_limit):
            continue
        for k, layer in enumerate(layers):
            if all(getattr(layer, name) is None for name in needed):
                or_law = ", or design.frontier.strain_limit = true" if "strain_limit" in needed else ""
                keys = " or .".join(needed)
                raise StudyError(f"design.terms: {wish.name} needs coating.layers[{k}].{keys}{or_law}")


def library_points(gels: bool) -> list[MaterialPoint]:
    """What the frontier is fitted to: coatings one can deposit; assumed conductivities are left out."""
    points = []
    for name in library.names():
        material = library.load(name)
        if material.kind != "coating" or material.class_ not in FAMILIES:
            continue
        own = gels or not material.swollen
        measured = own and material.properties["ionic_conductivity"].assumed is None
        points.append(
            MaterialPoint(
                name,
                FAMILIES[material.class_],
                material["modulus"],
                material["ionic_conductivity"] if measured else None,
                material.get("strain_limit"),
            )
        )
    return points


def frontier(study: schema.Study) -> Frontier | None:
    """The frontier as the study wants it."""
    wanted = section(study).frontier
    if wanted is None or study.coating is None or not (wanted.conductivity or wanted.strain_limit):
        return None
    fitted = fit(library_points(wanted.gels))
    for name in ("conductivity_exponent", "strain_exponent"):
        if (given := getattr(wanted, name)) is not None:
            fitted = eqx.tree_at(lambda f, name=name: getattr(f, name), fitted, jnp.asarray(given))
    return fitted


def _check_robust(study: schema.Study, robust: schema.Robust) -> None:
    """Every scenario has a number for every input, and the study has the inputs."""
    counts = {len(u.factors) for u in robust.uncertain}
    if len(counts) > 1:
        raise StudyError(
            f"design.robust.uncertain: the numbers of factors are {', '.join(map(str, sorted(counts)))}; give every "
            "input one factor per scenario"
        )
    places = [_place(f"design.robust.uncertain[{k}].path", u.path, study) for k, u in enumerate(robust.uncertain)]
    if robust.offsets > 1 and study.surface is None:
        raise StudyError("design.robust.offsets shifts surface.level, and a collector has none; leave offsets out")
    for scenario in range(len(robust.uncertain[0].factors) if robust.uncertain else 1):
        _check_scenario(study, robust, places, scenario)


def _check_scenario(study: schema.Study, robust: schema.Robust, places: list[Place], scenario: int) -> None:
    """A run takes the study as it is in a scenario, what is free at either bound."""
    free = {member.path: member for member in variables(study).members}
    changes = ", ".join(f"{u.path} × {u.factors[scenario]:g}" for u in robust.uncertain) or "the surface shifted"
    name = f"design.robust: in scenario {scenario}, {changes}"
    for bound in ("lower", "upper"):
        data = tomllib.loads(written(study.model_copy(update={"design": None})))
        for wanted, found in zip(robust.uncertain, places, strict=True):
            numbers = numbers_at(data, wanted.path, found.dimension)
            if (member := free.get(wanted.path)) is not None:
                numbers = np.array([getattr(member, bound)])
            if numbers is not None:
                written_back(data, wanted.path, numbers * wanted.factors[scenario], found.dimension)
        if robust.offsets > 1:
            shift = (1 - 1 / robust.offsets) * study.grid.size[-1] / study.grid.cells[-1]
            level = numbers_at(data, "surface.level", "m")
            assert level is not None  # a surface has one
            written_back(data, "surface.level", level + shift, "m")
        there = validated(data, name)
        try:
            check(there)
        except StudyError as error:
            raise StudyError(f"{name}: {error}") from None


def _uncertain(study: schema.Study, case: Case) -> tuple[Uncertain, ...]:
    """Inputs that differ between scenarios: those named, each with every shift of the surface."""
    robust = section(study).robust
    if robust is None:
        return ()
    _check_robust(study, robust)
    num = len(robust.uncertain[0].factors) if robust.uncertain else 1
    dtype = case.protocol.duration.dtype
    made = []
    for wanted in robust.uncertain:
        found = place(wanted.path, study)

        def change(case: Case, factor: Any, found: Any = found) -> Case:
            return found.put(case, jnp.atleast_1d(jnp.asarray(found.get(case)) * factor))

        made.append(Uncertain(wanted.path, change, jnp.asarray(np.tile(wanted.factors, robust.offsets), dtype)))
    if robust.offsets > 1:
        spacing = study.grid.size[-1] / study.grid.cells[-1]
        shifts = np.repeat(np.arange(robust.offsets) / robust.offsets * spacing, num)
        level = place("surface.level", study)

        def shift(case: Case, by: Any) -> Case:
            return level.put(case, jnp.atleast_1d(level.get(case) + by))

        made.append(Uncertain("surface.level", shift, jnp.asarray(shifts, dtype)))
    return tuple(made)


# --- the problem ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Plan:
    """A problem and how to search it.

    **Arguments:**

    - `starts`: points of the unit cube; `knobs`: of every start, batched; `labels`: what to call the starts.
    """

    problem: Problem
    starts: np.ndarray
    knobs: Knobs
    labels: list[str]
    settings: Settings
    controls: Controls


def _check_protocol(study: schema.Study) -> None:
    """The steps of a design last as long whatever the coating: their sizes are those of one run, found before."""
    for k, step in enumerate(study.protocol.steps):
        limit = "potential_limit" if step.potential_limit is not None else "capacity"
        if step.potential_limit is not None or (step.potential is not None and step.capacity is not None):
            raise StudyError(
                f"protocol.steps[{k}].{limit} ends the step at a time that depends on what is designed; "
                "give the duration alone"
            )
        if step.capacity is not None and any(".current" in free.path for free in section(study).variables):
            raise StudyError(
                f"protocol.steps[{k}].capacity: how long it takes depends on the current, which is free; "
                "give the duration alone"
            )


def check_design(study: schema.Study) -> None:
    """Raises `StudyError` for what cannot be designed; runs and builds nothing."""
    check(study)
    _check_protocol(study)
    variables(study)
    _swept(study, wishes(study)[0])
    if (robust := section(study).robust) is not None:
        _check_robust(study, robust)


def plan(
    study: schema.Study, tell: Callable[[str], None] = lambda text: None, schedule: np.ndarray | None = None
) -> Plan:
    """Builds the problem; runs every start to find step sizes that suit all of them.

    **Arguments:**

    - `schedule`: step sizes found before [s]; then nothing is run.

    Raises `StudyError` for what cannot be designed, `RunError` when a start cannot be run.
    """
    wanted = section(study)
    _check_protocol(study)
    case, limits = build(study), controls(study)
    free = variables(study)
    asked, weights = wishes(study)
    law = frontier(study)
    dtype = case.protocol.duration.dtype
    problem = Problem(
        case=case,
        schedule=jnp.zeros(1, dtype),
        variables=free,
        wishes=asked,
        frontier=None if law is None else as_arrays(law, study.numerics.precision),
        uncertain=_uncertain(study, case),
        limits_conductivity=wanted.frontier is not None and wanted.frontier.conductivity,
        ties_strain_limit=_ties_strain_limit(study),
        caution=0.0 if wanted.robust is None else wanted.robust.caution,
    )
    starts, knobs, labels = _starts(study, problem, weights)
    if schedule is None:
        schedule = _schedule(problem, starts, knobs, limits, tell)
    problem = eqx.tree_at(lambda p: p.schedule, problem, jnp.asarray(schedule, dtype))
    settings = Settings(
        method=wanted.search.method,
        tolerance=wanted.search.tolerance,
        stall=wanted.search.stall,
        evaluations=wanted.search.evaluations,
        learning_rate=wanted.search.learning_rate,
    )
    return Plan(problem, starts, knobs, labels, settings, limits)


def _swept(study: schema.Study, asked: tuple[Wish, ...]) -> int | None:
    """Which of the terms a front sweeps the weight of."""
    pareto, names = section(study).pareto, [wish.name for wish in asked]
    if pareto is None:
        return None
    if pareto.term not in names:
        raise StudyError(f'design.pareto.term = "{pareto.term}" is no term; there are {", ".join(names)}')
    return names.index(pareto.term)


def _starts(study: schema.Study, problem: Problem, weights: np.ndarray) -> tuple[np.ndarray, Knobs, list[str]]:
    wanted = section(study)
    own = {v.path: np.asarray(place(v.path, study).get(problem.case), float) for v in problem.variables.members}
    inside = all(np.all((own[v.path] >= v.lower) & (own[v.path] <= v.upper)) for v in problem.variables.members)
    profiles = {
        v.path: own[v.path] if own[v.path].ndim == 0 or own[v.path].shape[0] in (1, v.points)
        else np.interp(np.linspace(0, 1, v.points), np.linspace(0, 1, own[v.path].shape[0]), own[v.path])
        for v in problem.variables.members
    }  # fmt: skip
    first = problem.variables.point(profiles) if inside else None
    sweep = _swept(study, problem.wishes)
    num = wanted.search.starts if wanted.pareto is None else len(wanted.pareto.weights)
    points = _spread(problem.variables, num, wanted.search.seed, first)
    table = np.tile(weights, (num, 1))
    labels = [f"start {k}" for k in range(num)]
    if sweep is not None and wanted.pareto is not None:
        points = np.tile(points[:1], (num, 1))
        table[:, sweep] = wanted.pareto.weights
        labels = [f"{wanted.pareto.term} × {weight:g}" for weight in wanted.pareto.weights]
    dtype = problem.case.protocol.duration.dtype
    law = problem.frontier
    exponents = (0.0, 0.0) if law is None else (float(law.conductivity_exponent), float(law.strain_exponent))
    knobs = Knobs(jnp.asarray(table, dtype), *(jnp.full(num, e, dtype) for e in exponents))
    return points, knobs, labels


def _spread(free: Variables, num: int, seed: int, first: np.ndarray | None) -> np.ndarray:
    """Starts; a profile begins uniform, at one number per start."""
    coarse = start_points(len(free.members), num, seed, None)
    points = np.concatenate(
        [np.repeat(coarse[:, k : k + 1], v.points, axis=1) for k, v in enumerate(free.members)], axis=1
    )
    if first is not None:
        points[0] = first
    return points


def _schedule(
    problem: Problem, starts: np.ndarray, knobs: Knobs, limits: Controls, tell: Callable[[str], None]
) -> np.ndarray:
    """Step sizes no larger at any time than those that a forward run of any start chose [s]."""
    runs = []
    designed = eqx.filter_jit(problem.designed)
    for k, start in enumerate(np.unique(starts, axis=0)):
        tell(f"run {k + 1} for the step sizes")
        case = designed(jnp.asarray(start, problem.schedule.dtype), jax.tree.map(lambda x: x[0], knobs))
        try:
            runs.append(simulate(case, dataclasses.replace(limits, rows=2)).schedule)
        except RunError as error:
            values = {path: [float(x) for x in v] for path, v in problem.variables.values(jnp.asarray(start)).items()}
            raise RunError(f"the start {values} cannot be run: {error}", error.outcome) from None
    return smallest_of(runs, np.asarray(problem.case.protocol.ends, float))


def designed_study(study: schema.Study, problem: Problem, point: np.ndarray, knobs: Knobs) -> schema.Study:
    """The study with the numbers of a design in it, which `interphase run` takes as it is."""
    data = tomllib.loads(written(study.model_copy(update={"design": None})))
    values = problem.variables.values(jnp.asarray(point))
    for member in problem.variables.members:
        written_back(data, member.path, np.asarray(values[member.path]), member.dimension)
    coating = problem.designed(jnp.asarray(point, problem.schedule.dtype), knobs).model.stack.coating
    if coating is not None and problem.frontier is not None and problem.ties_strain_limit:
        for k, layer in enumerate(coating.layers):
            written_back(data, f"coating.layers[{k}].strain_limit", np.asarray(layer.strain_limit), "1")
    data["title"] = f"{study.title}: best design"
    return validated(data, "best.toml")


def smallest_of(schedules: list[np.ndarray], ends: np.ndarray) -> np.ndarray:
    """Step sizes that are at no time larger, on the mean of a step, than those of any schedule [s].

    With ρ(t) = 1/Δt of the schedule that goes slowest then, every step spans the same ∫ρ dt ≤ 1: neighbours are nearly
    equal, which keeps the guess of the next balance good.

    **Arguments:**

    - `ends`: times to land on, of the steps of the protocol [s].
    """
    times = [np.cumsum(s) for s in schedules]
    knots = np.unique(np.concatenate([[0.0], ends, *times]))
    knots = knots[knots <= ends[-1]]
    middle = 0.5 * (knots[1:] + knots[:-1])
    density = np.max([1 / s[np.minimum(np.searchsorted(t, middle), len(s) - 1)]
                      for s, t in zip(schedules, times, strict=True)], axis=0)  # fmt: skip
    progress = np.concatenate([[0.0], np.cumsum(density * np.diff(knots))])
    bounds = np.interp([0.0, *ends], knots, progress)
    numbers = np.ceil(np.diff(bounds) * (1 - 1e-9)).astype(int)
    numbers[np.argmax(numbers)] += divisible(int(numbers.sum())) - int(numbers.sum())
    marks = [np.linspace(a, b, n + 1)[1:] for a, b, n in zip(bounds, bounds[1:], numbers, strict=False)]
    return np.diff(np.interp(np.concatenate([[0.0], *marks]), progress, knots))
