"""Where the numbers of a study live in a case: every path that can be set free, varied or written back."""

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from interphase.config import quantities, schema
from interphase.config.build import over_bulk
from interphase.config.load import StudyError
from interphase.design.variables import Put
from interphase.materials.coating import Layer, along_profile
from interphase.materials.flow import arrhenius
from interphase.run.case import Case

_LAYER = {
    "thickness": "m", "modulus": "Pa", "poisson_ratio": "1", "ionic_conductivity": "S/m", "transference_number": "1",
    "salt_diffusivity": "m^2/s", "exchange_current": "A/m^2", "yield_strength": "Pa", "relaxation_time": "s",
    "relaxed_fraction": "1", "strain_limit": "1", "strength": "Pa", "toughness": "J/m^2", "yield_strain": "1",
    "tunnelling_thickness": "m", "electronic_conductivity": "S/m", "alloy_capacity": "C/m^3", "alloying_potential": "V",
    "alloying_width": "V", "swelling": "1", "initial_occupancy": "1",
}  # fmt: skip
_ALLOY = {
    "alloy_capacity": "capacity", "alloying_potential": "potential", "alloying_width": "width", "swelling": "swelling",
    "initial_occupancy": "occupancy",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a study's number lives in a case.

    **Arguments:**

    - `dimension`: of its unit; `get`: from a case; `put`: into one, from shape `(points,)` [SI].
    - `is_profile`: whether it may have several control points.
    """

    dimension: str
    get: Callable[[Case], Any]
    put: Put
    is_profile: bool = False


def place(path: str, study: schema.Study) -> Place:
    """Finds a number. Raises `StudyError` for a path that cannot be set free."""
    for pattern, of_match in _PLACES:
        if (match := re.fullmatch(pattern, path)) is not None:
            return of_match(path, match, study)
    raise StudyError(
        f"{path} cannot be set free; free may be coating.layers[k].NAME, coating.mosaic.NAME, "
        "coating.fracture.length or .healing_time, surface.level, "
        "surface.bumps[k].height or .radius, surface.waves[k].height, protocol.current, protocol.steps[k].current, "
        ".potential or .pressure, cell.pressure, cell.film_resistance, lithium.NAME, electrolyte.exchange_current, "
        "solid_electrolyte.NAME, contact.NAME, contact.unevenness.height, film.NAME, vacancies.equilibrium_fraction, "
        ".formation_volume or .sink_spacing, nucleation.contact_angle, .site_density or .overpotential, "
        "collector.adhesion"
    )


def _of_layer(path: str, match: re.Match, study: schema.Study) -> Place:
    index, name = int(match[1]), match[2]
    layers = () if study.coating is None else study.coating.layers
    if index >= len(layers):
        raise StudyError(f"{path} does not exist; the coating has {len(layers)} layers")
    if name not in _LAYER:
        raise StudyError(f"{path} cannot be set free; of a layer these can: {', '.join(_LAYER)}")
    if getattr(layers[index], name) is None and name != "strain_limit":
        raise StudyError(f"{path} has no value to start from; give coating.layers[{index}].{name} as well")

    if name in _ALLOY and layers[index].alloy_capacity is None:
        raise StudyError(f"{path}: the layer takes up no lithium; give coating.layers[{index}].alloy_capacity as well")
    if name in _ALLOY:
        way = functools.partial(_under, f"model.stack.coating.layers.{index}.alloy", _ALLOY[name])
        return Place(_LAYER[name], way, lambda case, value: eqx.tree_at(way, case, value), is_profile=True)

    def layer(case: Case) -> Layer:
        assert case.model.stack.coating is not None
        return case.model.stack.coating.layers[index]

    limit_follows = layers[index].strain_limit is None and layers[index].strength is not None
    yield_follows = layers[index].yield_strain is not None

    def put(case: Case, value: Any) -> Case:
        value = value[0] if name == "thickness" else value
        yield_strain = value if name == "yield_strain" else _yield_strain(layer(case))
        if name != "yield_strain":
            case = eqx.tree_at(lambda c: getattr(layer(c), name), case, value)
        if yield_follows and name in ("modulus", "yield_strain"):
            strain, modulus = _together(yield_strain, layer(case).modulus)
            case = eqx.tree_at(lambda c: layer(c).yield_strength, case, strain * modulus)
        if limit_follows and name in ("modulus", "strength"):  # never measured: strength over modulus
            strength, modulus = _together(layer(case).strength, layer(case).modulus)
            case = eqx.tree_at(lambda c: layer(c).strain_limit, case, strength / modulus)
        return case

    def get(case: Case) -> Any:
        return _yield_strain(layer(case)) if name == "yield_strain" else getattr(layer(case), name)

    return Place(_LAYER[name], get, put, is_profile=name != "thickness")


def _yield_strain(layer: Layer) -> Any:
    strength, modulus = _together(layer.yield_strength, layer.modulus)
    return strength / modulus


def _together(*profiles: Any) -> list[Any]:
    """Profiles at the control points of the finest."""
    at = jnp.linspace(0.0, 1.0, max(profile.shape[0] for profile in profiles))
    return [along_profile(profile, at) for profile in profiles]


def _single(dimension: str, where: Callable[[Case], Any], index: int | None = None) -> Place:
    """A scalar leaf, or one entry of an array leaf."""
    if index is None:
        return Place(dimension, where, lambda case, value: eqx.tree_at(where, case, value[0]))
    return Place(
        dimension,
        lambda case: where(case)[index],
        lambda case, value: eqx.tree_at(where, case, where(case).at[index].set(value[0])),
    )


def _of_level(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.surface is None:
        raise StudyError(f"{path} does not exist on a bare collector; give a surface in its place")
    return _single("m", functools.partial(_under, "surface", "level"))


def _of_surface(section: str, name: str):
    """A length of one of the surface's bumps or waves."""

    def find(path: str, match: re.Match, study: schema.Study) -> Place:
        index, there = int(match[1]), len(getattr(study.surface, section, ()))
        if index >= there:
            raise StudyError(f"{path} does not exist; there are {there}")
        return _single("m", functools.partial(_under, "surface", name), index)

    return find


def _of_adhesion(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.collector is None or study.collector.adhesion is None:
        raise StudyError(f"{path} has no value to start from; give it as well")
    return _single("Pa", functools.partial(_under, "model.stack.collector.bond", "strength"))


def _of_step(path: str, match: re.Match, study: schema.Study) -> Place:
    index, name = int(match[1]), match[2]
    steps = study.protocol.steps
    if index >= len(steps):
        raise StudyError(f"{path} does not exist; the protocol has {len(steps)} steps")
    if name != "pressure" and getattr(steps[index], name) is None:
        raise StudyError(f"{path} is not what step {index} imposes; set free what it does")
    field = {"current": "current", "potential": "metal_potential", "pressure": "pressure"}[name]
    dimension = {"current": "A/m^2", "potential": "V", "pressure": "Pa"}[name]

    def put(case: Case, value: Any) -> Case:
        values = getattr(case.protocol, field).at[index :: len(steps)].set(value[0])  # in every cycle
        case = eqx.tree_at(lambda c: getattr(c.protocol, field), case, values)
        return _touching_under(case, values[0]) if name == "pressure" else case

    return Place(dimension, lambda case: getattr(case.protocol, field)[index], put)


def _of_current(path: str, match: re.Match, study: schema.Study) -> Place:
    """The current of all steps at once: their signs and proportions stay."""
    first = next((step.current for step in study.protocol.steps if step.current), None)
    if first is None:
        raise StudyError(f"{path}: no step of the protocol imposes a current")

    def put(case: Case, value: Any) -> Case:
        return eqx.tree_at(lambda c: c.protocol.current, case, case.protocol.current * (value[0] / abs(first)))

    return Place("A/m^2", lambda case: abs(first), put)


def _of_pressure(path: str, match: re.Match, study: schema.Study) -> Place:
    own = np.array([step.pressure is not None for step in study.protocol.steps * study.protocol.cycles])
    if own.all():
        raise StudyError(f"{path}: every step has a pressure of its own; set protocol.steps[k].pressure free")

    def put(case: Case, value: Any) -> Case:
        pressure = jnp.where(own, case.protocol.pressure, value[0])
        return _touching_under(eqx.tree_at(lambda c: c.protocol.pressure, case, pressure), pressure[0])

    return Place("Pa", lambda case: case.protocol.pressure[int(np.argmin(own))], put)


def _touching_under(case: Case, pressure: Any) -> Case:
    """With the contact, if there is one, made under the pressure of the first step [Pa]."""
    if case.model.stack.faces is None:
        return case
    return eqx.tree_at(lambda c: c.model.stack.faces.pressure, case, pressure)


def _of_mosaic(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.coating is None or study.coating.mosaic is None:
        raise StudyError(f"{path} does not exist; give coating.mosaic.correlation_length first")
    return _single("1", functools.partial(_under, "model.stack.coating.mosaic", match[1]))


def _of_fracture(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.coating is None or study.coating.fracture is None:
        raise StudyError(f"{path} does not exist; give coating.fracture first")
    if getattr(study.coating.fracture, match[1]) is None:
        raise StudyError(f"{path} is not given; give the value to begin from")
    dimension = {"length": "m", "healing_time": "s"}[match[1]]
    return _single(dimension, functools.partial(_under, "model.stack.coating.fracture", match[1]))


def _under(way: str, name: str, case: Case) -> Any:
    here: Any = case
    for step in (*way.split("."), name):
        here = here[int(step)] if step.isdigit() else getattr(here, step)
    return here


def _of_electrolyte(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.electrolyte is None:
        raise StudyError(f"{path} does not exist; give an electrolyte first")
    return _single("A/m^2", functools.partial(_under, "model.stack.electrolyte", "exchange_current"))


def _of_contact(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.contact is None:
        raise StudyError(f"{path} does not exist; give a contact first")
    dimensions = {"roughness": "m", "adhesion": "Pa", "touching_pressure": "Pa"}
    return _single(dimensions[match[1]], functools.partial(_under, "model.stack.faces", match[1]))


def _of_film(path: str, match: re.Match, study: schema.Study) -> Place:
    dimensions = {
        "inner_thickness": "m", "outer_thickness": "m", "inner_conductivity": "S/m", "outer_conductivity": "S/m",
        "electronic_conductivity": "S/m", "tunnelling_thickness": "m", "bare_current": "A/m^2", "strain_limit": "1",
        "solvent_diffusivity": "m^2/s", "swelling": "1", "broken_strain": "1",
    }  # fmt: skip
    if study.film is None:
        raise StudyError(f"{path} does not exist; give a film first")
    if (name := match[1]) not in dimensions:
        raise StudyError(f"{path} cannot be set free; of a film these can: {', '.join(dimensions)}")
    return _single(dimensions[name], functools.partial(_under, "model.stack.film", name))


def _of_unevenness(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.contact is None or study.contact.unevenness is None:
        raise StudyError(f"{path} does not exist; give contact.unevenness first")
    return _single("m", functools.partial(_under, "model.stack.faces.relief.unevenness", "height"))


def _of_vacancies(path: str, match: re.Match, study: schema.Study) -> Place:
    name = match[1]
    if study.vacancies is None:
        raise StudyError(f"{path} does not exist; give vacancies first")
    if getattr(study.vacancies, name) is None:
        raise StudyError(f"{path} has no value to start from; give it as well")
    dimensions = {"equilibrium_fraction": "1", "formation_volume": "m^3/mol", "sink_spacing": "m"}
    return _single(dimensions[name], functools.partial(_under, "model.stack.vacancies", name))


def _of_nucleation(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.nucleation is None:
        raise StudyError(f"{path} does not exist; give nucleation first")
    dimensions = {"contact_angle": "1", "site_density": "1/m^2", "overpotential": "V"}
    return _single(dimensions[match[1]], functools.partial(_under, "model.stack.substrate", match[1]))


def _of_self_diffusivity(path: str, match: re.Match, study: schema.Study) -> Place:
    """At the reference temperature, as the study gives it."""
    lithium = study.lithium
    if study.vacancies is None:
        raise StudyError(f"{path} does nothing yet; give vacancies first")
    if lithium.grain_size is not None:
        raise StudyError(f"{path}: with it lithium.grain_size would change the flow; leave the grain_size out")
    assert lithium.diffusion_activation_energy is not None
    factor = arrhenius(1.0, lithium.diffusion_activation_energy, study.cell.temperature)

    def where(case: Case) -> Any:
        return _under("model.stack.vacancies", "diffusivity", case)

    return Place(
        "m^2/s",
        lambda case: where(case) / factor,
        lambda case, value: eqx.tree_at(where, case, value[0] * factor),
    )


def _of_solid_electrolyte(path: str, match: re.Match, study: schema.Study) -> Place:
    if study.solid_electrolyte is None:
        raise StudyError(f"{path} does not exist; give a solid_electrolyte first")
    dimensions = {"modulus": "Pa", "poisson_ratio": "1", "ionic_conductivity": "S/m", "exchange_current": "A/m^2"}
    return _single(dimensions[match[1]], functools.partial(_under, "model.stack.solid_electrolyte", match[1]))


def _of_lithium(path: str, match: re.Match, study: schema.Study) -> Place:
    dimensions = {
        "modulus": "Pa", "poisson_ratio": "1", "surface_energy": "J/m^2", "creep_exponent": "1",
        "initial_resistance": "Pa", "saturation_resistance": "Pa", "hardening_modulus": "Pa",
    }  # fmt: skip
    if (name := match[1]) not in dimensions:
        raise StudyError(f"{path} cannot be set free; of lithium these can: {', '.join(dimensions)}")
    factor = over_bulk(study.lithium).get(name, 1.0)
    where = functools.partial(_under, "model.stack.lithium", name)
    return Place(
        dimensions[name],
        lambda case: where(case) / factor,
        lambda case, value: eqx.tree_at(where, case, value[0] * factor),
    )


_PLACES: list[tuple[str, Callable[[str, re.Match, schema.Study], Place]]] = [
    (r"coating\.layers\[(\d+)\]\.(\w+)", _of_layer),
    (r"coating\.fracture\.(length|healing_time)", _of_fracture),
    (r"coating\.mosaic\.(modulus|ionic_conductivity|thickness)", _of_mosaic),
    (r"surface\.level", _of_level),
    (r"surface\.bumps\[(\d+)\]\.height", _of_surface("bumps", "bump_height")),
    (r"surface\.bumps\[(\d+)\]\.radius", _of_surface("bumps", "bump_radius")),
    (r"surface\.waves\[(\d+)\]\.height", _of_surface("waves", "wave_height")),
    (r"collector\.adhesion", _of_adhesion),
    (r"protocol\.current", _of_current),
    (r"protocol\.steps\[(\d+)\]\.(current|potential|pressure)", _of_step),
    (r"cell\.pressure", _of_pressure),
    (r"cell\.film_resistance",
     lambda path, match, study: _single("ohm*m^2", lambda case: case.model.stack.film_resistance)),
    (r"lithium\.self_diffusivity", _of_self_diffusivity),
    (r"lithium\.(\w+)", _of_lithium),
    (r"electrolyte\.exchange_current",
     _of_electrolyte),
    (r"film\.(\w+)", _of_film),
    (r"contact\.unevenness\.height", _of_unevenness),
    (r"contact\.(roughness|adhesion|touching_pressure)", _of_contact),
    (r"vacancies\.(equilibrium_fraction|formation_volume|sink_spacing)", _of_vacancies),
    (r"nucleation\.(contact_angle|site_density|overpotential)", _of_nucleation),
    (r"solid_electrolyte\.(modulus|poisson_ratio|ionic_conductivity|exchange_current)", _of_solid_electrolyte),
]  # fmt: skip


def numbers_at(data: dict[str, Any], path: str, dimension: str) -> np.ndarray | None:
    """The numbers that the plain data of a study have at a path [SI], `None` where they have none."""
    if path == "protocol.current":
        texts = next(step["current"] for step in data["protocol"]["steps"] if "current" in step)
    else:
        texts: Any = data
        for key in re.findall(r"\w+", path):
            texts = texts[int(key)] if key.isdigit() else texts.get(key)
            if texts is None:
                return None
    return np.array([quantities.parse(text, dimension) for text in (texts if isinstance(texts, list) else [texts])])


def written_back(data: dict[str, Any], path: str, values: np.ndarray, dimension: str) -> None:
    """Puts designed values [SI] into the plain data of a study, as text with units."""
    texts = [quantities.format(float(value), dimension) for value in values]
    if path == "protocol.current":
        steps = [step for step in data["protocol"]["steps"] if "current" in step]
        given = [quantities.parse(step["current"], "A/m^2") for step in steps]
        first = next(abs(current) for current in given if current)
        for step, current in zip(steps, given, strict=True):
            step["current"] = quantities.format(current * float(values[0]) / first, "A/m^2")
        return
    target: Any = data
    *way, last = re.findall(r"\w+", path)
    for key in way:
        target = target[int(key)] if key.isdigit() else target[key]
    target[last] = texts[0] if len(texts) == 1 else texts
