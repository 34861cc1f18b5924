"""What only several keys of a study together can say wrong: resolution, room, protocol, memory.

Every refusal names key and remedy.
"""

import dataclasses
import itertools
import math
import os

import jax

from interphase.config import quantities, schema
from interphase.config.collector import check_collector
from interphase.config.load import StudyError
from interphase.config.nuclei import caps, nuclei
from interphase.solvers.multigrid import coarsest_shape
from interphase.units import FARADAY

FEWEST_CELLS = 6  # across a coating
FEWEST_CELLS_OF_A_LAYER = 3
FEWEST_CELLS_OF_A_VOID = 3
NUCLEI_ON_TOP = 2  # that may overlap where they stand
FEWEST_CELLS_OF_DAMAGE = 2
THINNEST_THAT_CRACKS = 3.0  # coating over the length of damage
FEWEST_CELLS_OF_A_CRACK = 6
STANDING_BACK = 4.0  # root mean squares by which an uneven face stands back at most
SLOWEST_SALT, FASTEST_SALT = -18, -6  # decimal logarithm of its diffusivity in m²/s
LARGEST_COARSE_GRID = 1024  # cells that the multigrid may have to invert densely
BYTES_PER_CELL = {2: 150 * 8, 3: 260 * 8}  # of double precision: fields, hierarchies and work arrays


def check(study: schema.Study) -> None:
    """Raises `StudyError` at the first thing the study cannot do."""
    check_geometry(study)
    check_cell(study)
    check_protocol(study)
    check_numerics(study)
    check_memory(study)


@dataclasses.dataclass(frozen=True)
class Heights:
    """Lowest and highest point of the lithium at the start, and the top of the coating when it is full [m].

    On a bare collector `lowest` is what all of its lithium would be as a layer.
    """

    lowest: float
    highest: float
    covered: float


def heights(study: schema.Study) -> Heights:
    thickness = sum(layer.thickness * swollen(layer) for layer in study.coating.layers) if study.coating else 0.0
    if (surface := study.surface) is None:
        made, size = caps(study), study.grid.size
        mean = sum(cap.volume(len(size)) for cap in made) / math.prod(size[:-1])
        highest = max((cap.height for cap in made), default=0.0)
        return Heights(mean, highest, highest + thickness)
    up = sum(max(b.height, 0.0) for b in surface.bumps) + sum(abs(w.height) for w in surface.waves)
    down = sum(max(-b.height, 0.0) for b in surface.bumps) + sum(abs(w.height) for w in surface.waves)
    if (seeded := nuclei(study)) is not None:
        up += NUCLEI_ON_TOP * seeded.height
    return Heights(surface.level - down, surface.level + up, surface.level + up + thickness)


def swollen(layer: schema.Layer) -> float:
    """Volume of a layer that has taken up all the lithium it can, over that at the start."""
    if layer.alloy_capacity is None or layer.swelling is None:
        return 1.0
    swelling, taken = max(layer.swelling), min(layer.initial_occupancy or (schema.LEAST_OCCUPANCY,))
    return (1 + swelling) / (1 + swelling * taken)


def _nm(length: float) -> str:
    return quantities.pretty(length, "m")


def check_geometry(study: schema.Study) -> None:
    """Grid, surface and coating fit one another."""
    cells, size = study.grid.cells, study.grid.size
    if len(cells) not in (2, 3) or len(cells) != len(size):
        raise StudyError(f"grid.cells has {len(cells)} and grid.size {len(size)} axes; give two or three of both")
    if max(cells[:-1]) < 2:
        raise StudyError(f"grid.cells = {list(cells)} has one column; give at least 2 cells in the plane (first axes)")
    if cells[-1] < 16:
        raise StudyError(
            f"grid.cells = {list(cells)} is too coarse; give at least 16 cells along the normal (the last axis)"
        )
    coarsest = math.prod(coarsest_shape(cells))
    if coarsest > LARGEST_COARSE_GRID:
        raise StudyError(
            f"grid.cells = {list(cells)} cannot be halved often enough for the solvers; choose numbers with more "
            f"factors of two, such as {[_friendly(n) for n in cells]}"
        )
    spacing = [s / n for s, n in zip(size, cells, strict=True)]
    wide = [a for a, n in enumerate(cells) if n > 1]
    if max(spacing[a] for a in wide) > 4 * min(spacing[a] for a in wide):
        shown = ", ".join(_nm(h) for h in spacing)
        raise StudyError(f"grid.size over grid.cells gives cells of {shown}; keep their edges within a factor of four")
    _check_start(study, spacing)
    low, width = heights(study), study.numerics.interface_width * spacing[-1]
    margin = 5 * width
    if study.surface is not None and low.lowest < margin:
        raise StudyError(
            f"surface.level leaves {_nm(low.lowest)} of lithium at the lowest place; give at least {_nm(margin)}"
        )
    if low.covered > size[-1] - margin:
        raise StudyError(
            f"grid.size[{len(size) - 1}] = {_nm(size[-1])} is too low for lithium and coating up to "
            f"{_nm(low.covered)}; give at least {_nm(low.covered + 2 * margin)}"
        )
    if study.surface is not None:
        _check_surface(study.surface, study, spacing)
        _check_voids(study.surface, study, spacing)
    _check_unevenness(study, spacing)
    _check_cracks(study, spacing)
    _check_coating(study, spacing)


def _friendly(n: int) -> int:
    """The nearest number with enough factors of two."""
    power = 2 ** max(0, int(math.log2(max(n, 1))) - 3)
    return max(power, round(n / power) * power)


def _check_start(study: schema.Study, spacing: list[float]) -> None:
    """A layer of lithium covers the collector, or nuclei lie on it that the grid resolves."""
    if (study.surface is None) == (study.collector is None):
        there = "neither is" if study.surface is None else "both are"
        raise StudyError(
            f"surface and collector: {there} given; give a surface where lithium covers the collector, or a collector "
            "that is bare beside its nuclei"
        )
    if study.collector is not None:
        check_collector(study.collector, study, spacing)


def _check_surface(surface: schema.Surface, study: schema.Study, spacing: list[float]) -> None:
    in_plane = len(spacing) - 1
    for k, bump in enumerate(surface.bumps):
        if bump.centre is not None and len(bump.centre) != in_plane:
            raise StudyError(
                f"surface.bumps[{k}].centre has {len(bump.centre)} numbers; give one per in-plane axis, {in_plane}"
            )
        if bump.radius < 3 * max(spacing[:-1]):
            raise StudyError(
                f"surface.bumps[{k}].radius = {_nm(bump.radius)} is under-resolved by cells of "
                f"{_nm(max(spacing[:-1]))}; give at least {_nm(3 * max(spacing[:-1]))}"
            )
    for k, wave in enumerate(surface.waves):
        if len(wave.waves) != in_plane:
            raise StudyError(
                f"surface.waves[{k}].waves has {len(wave.waves)} numbers; give one per in-plane axis, {in_plane}"
            )
        for axis, number in enumerate(wave.waves):
            if abs(number) * 8 > study.grid.cells[axis]:
                raise StudyError(
                    f"surface.waves[{k}].waves[{axis}] = {number} is under-resolved; give at least 8 cells a wave"
                )


def _check_voids(surface: schema.Surface, study: schema.Study, spacing: list[float]) -> None:
    """Voids are resolved, lie in the lithium, and something follows what becomes of them."""
    low, in_plane = heights(study), len(spacing) - 1
    for k, void in enumerate(surface.voids):
        key, coarsest = f"surface.voids[{k}]", max(spacing)
        if study.contact is None:
            raise StudyError(f"{key}: give a contact, and a solid_electrolyte under a plate, for a void to lie between")
        if void.centre is not None and len(void.centre) != in_plane:
            raise StudyError(f"{key}.centre has {len(void.centre)} numbers; give one per in-plane axis, {in_plane}")
        if void.radius < FEWEST_CELLS_OF_A_VOID * coarsest:
            raise StudyError(
                f"{key}.radius = {_nm(void.radius)} is under-resolved by cells of {_nm(coarsest)}; "
                f"give at least {_nm(FEWEST_CELLS_OF_A_VOID * coarsest)}"
            )
        if void.radius > 0.4 * min(study.grid.size[:-1]):
            raise StudyError(
                f"{key}.radius = {_nm(void.radius)} leaves next to no lithium beside it; "
                f"give at most {_nm(0.4 * min(study.grid.size[:-1]))}"
            )
        if low.lowest - void.depth - void.radius <= 0:
            raise StudyError(
                f"{key} reaches the lower wall; raise surface.level above {_nm(void.depth + void.radius)}, "
                "or make the void smaller"
            )


def _check_unevenness(study: schema.Study, spacing: list[float]) -> None:
    """The grid resolves how the solid's face stands back, and there is room for it."""
    uneven = None if study.contact is None else study.contact.unevenness
    if uneven is None:
        return
    _check_correlation("contact.unevenness", uneven.correlation_length, study, spacing)
    highest = heights(study).covered + STANDING_BACK * uneven.height + 5 * study.numerics.interface_width * spacing[-1]
    if highest > study.grid.size[-1]:
        raise StudyError(
            f"contact.unevenness.height = {_nm(uneven.height)} leaves no solid at the top of the box; lower it, or "
            f"raise grid.size[{len(spacing) - 1}] above {_nm(highest)}"
        )


def _check_correlation(key: str, length: float, study: schema.Study, spacing: list[float]) -> None:
    """Of a random map."""
    if length < 2 * max(spacing[:-1]):
        raise StudyError(
            f"{key}.correlation_length = {_nm(length)} is under-resolved; give at least {_nm(2 * max(spacing[:-1]))}"
        )
    if length > min(study.grid.size[:-1]) / 2:
        raise StudyError(
            f"{key}.correlation_length = {_nm(length)} is longer than half the box; "
            f"give at most {_nm(min(study.grid.size[:-1]) / 2)}"
        )


def _check_cracks(study: schema.Study, spacing: list[float]) -> None:
    """Cracks are resolved, lie in the solid, and lithium may flow into them."""
    cracks = () if study.solid_electrolyte is None else study.solid_electrolyte.cracks
    for k, crack in enumerate(cracks):
        key, least = f"solid_electrolyte.cracks[{k}]", FEWEST_CELLS_OF_A_CRACK * max(spacing[0], spacing[-1])
        if study.contact is None:
            raise StudyError(f"{key}: lithium does not part from the walls of a crack; give a contact")
        if study.coating is not None:
            raise StudyError(f"{key}: a coating closes it off from the lithium; leave the one or the other out")
        if crack.width < least:
            raise StudyError(
                f"{key}.width = {_nm(crack.width)} spans {crack.width / least * FEWEST_CELLS_OF_A_CRACK:.1f} cells; "
                f"give at least {_nm(least)}"
            )
        if crack.width > 0.4 * study.grid.size[0]:
            raise StudyError(
                f"{key}.width = {_nm(crack.width)} leaves next to no solid beside it; "
                f"give at most {_nm(0.4 * study.grid.size[0])}"
            )
        if crack.depth < crack.width:
            raise StudyError(f"{key}.depth = {_nm(crack.depth)} is less than its width; give at least that")
        highest = heights(study).highest + crack.depth + 5 * study.numerics.interface_width * spacing[-1]
        if highest > study.grid.size[-1]:
            raise StudyError(
                f"{key}.depth = {_nm(crack.depth)} goes through the solid; shorten it, or raise "
                f"grid.size[{len(spacing) - 1}] above {_nm(highest)}"
            )


def _check_coating(study: schema.Study, spacing: list[float]) -> None:
    if study.coating is None:
        return
    normal = spacing[-1]
    total = sum(layer.thickness for layer in study.coating.layers)
    if total < FEWEST_CELLS * normal * (1 - 1e-9):
        finer = math.ceil(FEWEST_CELLS * study.grid.size[-1] / total)
        raise StudyError(
            f"coating.layers[0].thickness: a coating of {_nm(total)} spans {total / normal:.1f} cells of "
            f"{_nm(normal)}; give at least {_nm(FEWEST_CELLS * normal)}, "
            f"or {finer} cells along the normal in grid.cells"
        )
    for k, layer in enumerate(study.coating.layers):
        if layer.thickness < FEWEST_CELLS_OF_A_LAYER * normal * (1 - 1e-9):
            raise StudyError(
                f"coating.layers[{k}].thickness = {_nm(layer.thickness)} spans {layer.thickness / normal:.1f} cells; "
                f"give at least {_nm(FEWEST_CELLS_OF_A_LAYER * normal)}"
            )
        if min(layer.transference_number or (1.0,)) < 1 and layer.salt_diffusivity is None:
            raise StudyError(
                f"coating.layers[{k}].salt_diffusivity is missing; a transference_number below 1 dissolves salt"
            )
        if min(layer.transference_number or (1.0,)) < 1 and study.electrolyte is None:
            raise StudyError(
                f"coating.layers[{k}].transference_number is below 1 in a cell without liquid; set it to 1, "
                "or give an electrolyte"
            )
        _check_alloy(f"coating.layers[{k}]", layer)
    _check_fracture(study.coating, spacing, total)
    mosaic = study.coating.mosaic
    if mosaic is not None:
        _check_correlation("coating.mosaic", mosaic.correlation_length, study, spacing)


def _check_alloy(key: str, layer: schema.Layer) -> None:
    """What takes up lithium does so at some potential, and what does not says nothing of it."""
    if layer.alloy_capacity is not None and layer.alloying_potential is None:
        raise StudyError(
            f"{key}.alloying_potential is missing; give the potential against lithium of a layer that is half full, "
            'such as "0.1 V"'
        )
    for name in ("alloying_potential", "alloying_width", "swelling", "initial_occupancy"):
        if layer.alloy_capacity is None and getattr(layer, name) is not None:
            raise StudyError(f"{key}.{name}: the layer takes up no lithium; give {key}.alloy_capacity, or leave it out")


def _check_fracture(coating: schema.Coating, spacing: list[float], thickness: float) -> None:
    """The grid resolves the length over which damage spreads, the coating is thicker, and breaking costs something."""
    fracture = coating.fracture
    if fracture is None:
        return
    least = FEWEST_CELLS_OF_DAMAGE * max(spacing)
    if fracture.length < least * (1 - 1e-9):
        raise StudyError(
            f"coating.fracture.length = {_nm(fracture.length)} is under-resolved by cells of {_nm(max(spacing))}; "
            f"give at least {_nm(least)}, or more cells"
        )
    if thickness < THINNEST_THAT_CRACKS * fracture.length * (1 - 1e-9):
        raise StudyError(
            f"coating.fracture.length = {_nm(fracture.length)} is too long for a coating of {_nm(thickness)}; give at "
            f"most {_nm(thickness / THINNEST_THAT_CRACKS)}, or leave fracture out: a [film] takes the coating to be "
            "torn where it exceeds its strain_limit"
        )
    for k, layer in enumerate(coating.layers):
        if layer.toughness is None:
            raise StudyError(f"coating.layers[{k}].toughness is missing; coating.fracture needs it of every layer")


def _check_film(study: schema.Study, film: schema.Film) -> None:
    """Something makes the film, and it breaks after it begins to."""
    if study.electrolyte is None:
        raise StudyError("film: a native film grows from a liquid, and there is none; give an electrolyte, or no film")
    assert film.strain_limit is not None and film.broken_strain is not None
    if film.broken_strain <= film.strain_limit:
        raise StudyError(
            f"film.broken_strain = {film.broken_strain:g} is not above film.strain_limit = {film.strain_limit:g}; "
            "raise it, or lower the limit"
        )


def check_cell(study: schema.Study) -> None:
    """Something conducts ions from the counter electrode to the lithium."""
    if (study.electrolyte is None) == (study.solid_electrolyte is None):
        there = "neither is" if study.electrolyte is None else "both are"
        raise StudyError(f"electrolyte and solid_electrolyte: {there} given; give exactly one of the two")
    if study.electrolyte is not None:
        _check_electrolyte(study.electrolyte)
    if study.film is not None:
        _check_film(study, study.film)
    if study.contact is not None and study.electrolyte is not None:
        raise StudyError("contact: lithium parts from a solid only in a cell without liquid; give a solid_electrolyte")
    if study.contact is not None and study.cell.top == "liquid":
        raise StudyError('contact: nothing presses on the solid; set cell.top = "plate", "spring" or "gap"')
    first = study.protocol.steps[0].pressure
    pressure = study.cell.pressure if first is None else first
    if study.contact is not None and not study.contact.adhesion and not pressure:
        raise StudyError(
            "contact.adhesion = 0: nothing holds lithium to the solid where the protocol begins without pressure; give "
            "an adhesion, or a cell.pressure"
        )
    if (study.cell.top == "spring") != (study.cell.spring_stiffness is not None):
        raise StudyError(
            'cell.spring_stiffness is missing; give the pressure per travel of the plate, such as "1 MPa/um"'
            if study.cell.top == "spring"
            else f'cell.spring_stiffness: a "{study.cell.top}" has no spring; set cell.top = "spring"'
        )
    if study.cell.top == "gap" and study.electrolyte is not None:
        raise StudyError('cell.top = "gap" closes a cell of solids; with a liquid electrolyte set "liquid"')
    if study.cell.top == "gap" and any(step.pressure is not None for step in study.protocol.steps):
        raise StudyError("protocol.steps: the pressure of a closed gap is what comes out; leave it to cell.pressure")
    if study.vacancies is not None:
        _check_vacancies(study)


def _check_vacancies(study: schema.Study) -> None:
    """Nothing but the lithium itself could take the place of what is stripped, and the grid shows where from."""
    assert study.vacancies is not None
    if study.solid_electrolyte is None:
        raise StudyError(
            "vacancies: under a liquid the surface itself recedes, and no site stays empty; give a solid_electrolyte, "
            "or leave vacancies out"
        )
    if study.numerics.precision != "float64":
        raise StudyError(
            'vacancies: in single precision what is in equilibrium is lost; set numerics.precision = "float64"'
        )
    spacing, sinks = study.grid.size[-1] / study.grid.cells[-1], study.vacancies.sink_spacing
    if sinks is not None and sinks < 2 * spacing:
        raise StudyError(
            f"vacancies.sink_spacing = {_nm(sinks)} is under-resolved by cells of {_nm(spacing)} along the normal; "
            f"give at least {_nm(2 * spacing)}, or more cells"
        )


def _check_electrolyte(section: schema.Electrolyte) -> None:
    """Its polynomials mean something where the run begins."""
    conductivities, logarithms = section.conductivity_coefficients, section.log_diffusivity_coefficients
    factors = section.thermodynamic_factor_coefficients
    assert section.concentration is not None and conductivities is not None
    assert logarithms is not None and factors is not None
    salt = section.concentration / 1000  # the polynomials are in mol/l
    there = f"at electrolyte.concentration = {quantities.pretty(section.concentration, 'mol/m^3')}"
    conductivity, factor = _polynomial(conductivities, salt), _polynomial(factors, math.sqrt(salt))
    logarithm = _polynomial(logarithms, salt)
    if conductivity <= 0:
        raise StudyError(
            f"electrolyte.conductivity_coefficients give {quantities.pretty(conductivity, 'S/m')} {there}; give a "
            "conductivity above 0 there"
        )
    if not SLOWEST_SALT < logarithm < FASTEST_SALT:
        raise StudyError(
            f"electrolyte.log_diffusivity_coefficients give a diffusivity of 10^{logarithm:.4g} m^2/s {there}; give "
            f"the decimal logarithm of one from 10^{SLOWEST_SALT} to 10^{FASTEST_SALT} m^2/s there"
        )
    if factor <= 0:
        raise StudyError(
            f"electrolyte.thermodynamic_factor_coefficients give {factor:.4g} {there}; give a factor above 0 there"
        )


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    return sum(a * x**k for k, a in enumerate(coefficients))


def check_protocol(study: schema.Study) -> None:
    """The lithium neither runs out nor reaches the top; what a limit of the potential ends cannot be foreseen."""
    low, steps = heights(study), study.protocol.steps
    for k, (step, plated) in enumerate(zip(steps * study.protocol.cycles, plated_after_steps(study), strict=True)):
        cycle = f" in cycle {k // len(steps) + 1}" if k >= len(steps) else ""
        key = f"protocol.steps[{k % len(steps)}]{cycle}"
        _check_limit(key, step, study)
        if step.pressure_ramp is not None and step.pressure_ramp > step.duration:
            raise StudyError(
                f"{key}.pressure_ramp = {quantities.pretty(step.pressure_ramp, 's')} is longer than the step; "
                f"give at most its duration, {quantities.pretty(step.duration, 's')}"
            )
        if step.pressure_ramp is not None and k == 0 and study.protocol.cycles == 1:
            raise StudyError(
                f"{key}.pressure_ramp has no step before it to start from; begin with a step at the lower pressure, or "
                "leave it out"
            )
        if study.surface is None and low.lowest + plated <= 0:
            raise StudyError(
                f"{key} would strip {_nm(-plated)} from nuclei that hold {_nm(low.lowest)} per area; shorten it, or "
                "make them larger"
            )
        if low.lowest + plated <= 0:
            raise StudyError(
                f"{key} would strip {_nm(-plated)} from lithium that is {_nm(low.lowest)} thick at its lowest place; "
                "shorten it, or raise surface.level"
            )
        if study.electrolyte is not None and low.covered + plated >= study.grid.size[-1]:
            raise StudyError(
                f"{key} would plate {_nm(plated)} in a box with {_nm(study.grid.size[-1] - low.covered)} left above "
                f"the deposit; shorten it, or raise grid.size[{len(study.grid.size) - 1}]"
            )


def plated_after_steps(study: schema.Study) -> list[float]:
    """Lithium gained by the end of every step of every cycle [m]; of what a limit of the potential ends, nothing."""
    assert study.lithium.molar_volume is not None
    charges = [
        (step.current or 0.0) * longest(step) if step.potential_limit is None else 0.0
        for step in study.protocol.steps * study.protocol.cycles
    ]
    return [charge * study.lithium.molar_volume / FARADAY for charge in itertools.accumulate(charges)]


def _check_limit(key: str, step: schema.Step, study: schema.Study) -> None:
    """The current drives the metal from 0 V to the limit; only of an alloy is the potential another at rest."""
    layers = () if study.coating is None else study.coating.layers
    limit, current = step.potential_limit, step.current
    if limit is None or not current or any(layer.alloy_capacity is not None for layer in layers):
        return
    if limit * current >= 0:
        verb, way = ("plating", "below") if current > 0 else ("stripping", "above")
        raise StudyError(
            f"{key}.potential_limit = {quantities.pretty(limit, 'V')} is met before the step begins, since {verb} "
            f"drives the metal from 0 V {way}; give a limit {way} 0 V"
        )


def longest(step: schema.Step) -> float:
    """How long a step lasts if it meets no limit of the potential [s]; at a current, its capacity is a time."""
    if step.capacity is None or not step.current:
        return step.duration
    return min(step.duration, step.capacity / abs(step.current))


def check_numerics(study: schema.Study) -> None:
    """The bounds of the step size leave room for a step."""
    numerics = study.numerics
    largest = math.inf if numerics.largest_step is None else numerics.largest_step
    for name, above in (("first_step", numerics.first_step), ("largest_step", largest)):
        if numerics.smallest_step > above:
            raise StudyError(
                f"numerics.smallest_step = {quantities.pretty(numerics.smallest_step, 's')} is above numerics.{name} = "
                f"{quantities.pretty(above, 's')}; lower the smallest, or raise the other"
            )


def check_memory(study: schema.Study) -> None:
    """The arrays fit into this machine."""
    needed, available = memory_needed(study), memory_available()
    if needed > available:
        raise StudyError(
            f"grid.cells = {list(study.grid.cells)} needs about {needed / 2**30:.1f} GiB and this machine has "
            f"{available / 2**30:.1f} GiB; give fewer cells"
        )


def memory_needed(study: schema.Study) -> float:
    """Bytes that a run takes at its peak, about."""
    half = 0.6 if study.numerics.precision == "float32" else 1.0
    return math.prod(study.grid.cells) * BYTES_PER_CELL[len(study.grid.cells)] * half


def memory_available() -> float:
    """Bytes of the device that JAX computes on."""
    device = jax.config.jax_default_device or jax.devices()[0]
    limit = (device.memory_stats() or {}).get("bytes_limit") if device.platform != "cpu" else None
    return float(limit) if limit else float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
