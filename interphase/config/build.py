"""From a resolved study to the objects that run: grid, materials, model, surface, protocol."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from interphase.config import schema
from interphase.config.checks import check, longest
from interphase.config.collector import bond_thickness
from interphase.config.load import StudyError
from interphase.config.nuclei import caps, nuclei
from interphase.grid.grid import Grid
from interphase.materials import flow
from interphase.materials.coating import Alloy, Coating, Fracture, Layer
from interphase.materials.film import Film
from interphase.materials.material import Electrolyte, Lithium, SolidElectrolyte
from interphase.materials.mosaic import Mosaic, random_map
from interphase.materials.relief import Cracks, Relief, Unevenness
from interphase.materials.stack import Faces, Stack, Vacancies
from interphase.materials.substrate import Bond, Collector, Ground, Substrate
from interphase.model import Model, Numerics
from interphase.physics.caps import Caps
from interphase.physics.start import Surface
from interphase.protocol import Protocol
from interphase.run.case import Case
from interphase.run.controls import Controls
from interphase.solvers.newton import Newton
from interphase.units import FARADAY, GAS_CONSTANT, Scales

LOOSEST_ADJOINT = {"float64": 1e-6, "float32": 1e-4}  # tolerance of the solves that carry derivatives
STEPS_WITH_CONTACT = 40  # of Newton's method; only the first steps, when a load comes on, take more than ten
NEVER = 1e15  # a strength or a time that is never reached
NEVER_FLOWS = 1e30  # a viscosity
INSULATES = 1e-20  # a conductivity [S/m]


def build(study: schema.Study) -> Case:
    """Builds what runs. Raises `StudyError` for what the grid cannot resolve or the protocol cannot do."""
    check(study)
    if study.numerics.precision == "float64" and not jax.config.jax_enable_x64:
        raise StudyError(
            'numerics.precision = "float64" needs double precision in JAX; call '
            'jax.config.update("jax_enable_x64", True) before anything else, or set numerics.precision to "float32"'
        )
    grid_section = study.grid
    spacing = [size / n for size, n in zip(grid_section.size, grid_section.cells, strict=True)]
    scales = _scales(study, spacing[-1])
    grid = Grid(tuple(grid_section.cells), tuple(h / spacing[-1] for h in spacing))
    model = Model(
        grid=grid,
        stack=_stack(study, grid, spacing),
        numerics=Numerics(
            interface_width=study.numerics.interface_width,
            newton=Newton(
                tolerance=study.numerics.tolerance,
                adjoint_tolerance=min(study.numerics.tolerance, LOOSEST_ADJOINT[study.numerics.precision]),
                most_steps=Newton.most_steps if study.contact is None else STEPS_WITH_CONTACT,
                prepares_anew=study.contact is not None,
            ),
        ),
        scales=scales,
        spring=jnp.asarray(study.cell.spring_stiffness or 0.0),
        has_plate=study.cell.top in ("plate", "spring"),
        has_reservoir=study.cell.counter == "reservoir",
    )
    surface = _caps(study) if study.surface is None else _surface(study, study.surface)
    return as_arrays(Case(model, surface, _protocol(study)), study.numerics.precision)


def as_arrays(tree, precision: str):
    """Every real array in one precision and with a strong type, so that a step is compiled once."""
    dtype = jnp.dtype(precision)
    return jax.tree.map(lambda x: jnp.array(x, dtype) if eqx.is_inexact_array(x) else x, tree)


# --- parts ------------------------------------------------------------------------------------------------------------


def _scales(study: schema.Study, normal_spacing: float) -> Scales:
    exchange = study.electrolyte or study.solid_electrolyte
    assert exchange is not None and exchange.exchange_current is not None and study.lithium.molar_volume is not None
    currents = [abs(step.current) for step in study.protocol.steps if step.current]
    concentration = study.electrolyte.concentration if study.electrolyte is not None else 1000.0
    return Scales(
        length=normal_spacing,
        current_density=max(currents, default=exchange.exchange_current),
        temperature=study.cell.temperature,
        molar_volume=study.lithium.molar_volume,
        concentration=concentration or 1000.0,
    )


def _stack(study: schema.Study, grid: Grid, spacing: list[float]) -> Stack:
    return Stack(
        lithium=_lithium(study.lithium, study.cell.temperature),
        coating=None if study.coating is None else _coating(study.coating, grid, spacing, study.cell.temperature),
        electrolyte=None if study.electrolyte is None else _electrolyte(study.electrolyte),
        solid_electrolyte=None
        if study.solid_electrolyte is None
        else SolidElectrolyte(
            **{
                name: jnp.asarray(getattr(study.solid_electrolyte, name))
                for name in ("modulus", "poisson_ratio", "ionic_conductivity", "exchange_current")
            }
        ),
        faces=_faces(study, grid, spacing),
        film_resistance=jnp.asarray(study.cell.film_resistance),
        transfer_coefficient=jnp.asarray(study.cell.transfer_coefficient),
        temperature=jnp.asarray(study.cell.temperature),
        film=None
        if study.film is None
        else Film(**{name: jnp.asarray(getattr(study.film, name)) for name in Film.__dataclass_fields__}),
        vacancies=_vacancies(study),
        substrate=_substrate(study),
        collector=_collector(study, spacing),
    )


def _collector(study: schema.Study, spacing: list[float]) -> Collector | None:
    section = study.collector
    if section is None:
        return None
    bond = ground = None
    if section.adhesion is not None:
        bond = Bond(jnp.asarray(section.adhesion), jnp.asarray(bond_thickness(section, spacing[-1])))
    if section.site_density is not None:
        ground = Ground(
            contact_angle=jnp.asarray(section.contact_angle),
            site_density=jnp.asarray(section.site_density),
            molar_volume=jnp.asarray(study.lithium.molar_volume),
            **_what_a_nucleus_meets(study),
        )
    return Collector(bond, ground)


def _what_a_nucleus_meets(study: schema.Study) -> dict[str, bool]:
    """Whether strength and toughness of the coating's inner layer are known."""
    inner = None if study.coating is None else study.coating.layers[0]
    return {
        "cover_yields": inner is not None and _yield_strength(inner) is not None,
        "cover_cracks": inner is not None and inner.toughness is not None,
    }


def _substrate(study: schema.Study) -> Substrate | None:
    section = study.nucleation
    if section is None:
        return None
    return Substrate(
        contact_angle=jnp.asarray(section.contact_angle),
        site_density=jnp.asarray(section.site_density),
        molar_volume=jnp.asarray(study.lithium.molar_volume),
        overpotential=jnp.asarray(section.overpotential),
        coverage=jnp.asarray(section.coverage),
        **_what_a_nucleus_meets(study),
    )


def _vacancies(study: schema.Study) -> Vacancies | None:
    section, lithium = study.vacancies, study.lithium
    if section is None:
        return None
    assert lithium.self_diffusivity is not None and lithium.diffusion_activation_energy is not None
    return Vacancies(
        diffusivity=jnp.asarray(
            flow.arrhenius(lithium.self_diffusivity, lithium.diffusion_activation_energy, study.cell.temperature)
        ),
        equilibrium_fraction=jnp.asarray(section.equilibrium_fraction),
        formation_volume=jnp.asarray(section.formation_volume),
        sink_spacing=jnp.asarray(section.sink_spacing or NEVER),
        goes_on=section.below == "lithium",
    )


def _lithium(section: schema.Lithium, temperature: float) -> Lithium:
    """Lithium at a temperature, of a size, with pores."""
    known = {name: value for name, value in section if value is not None}
    rate = known["creep_prefactor"] * math.exp(-known["creep_activation_energy"] / (GAS_CONSTANT * temperature))
    numbers = {name: factor * known[name] for name, factor in over_bulk(section).items()} | {
        "creep_rate": flow.porous_rate(rate, section.porosity),
        "diffusional_viscosity": _diffusional_viscosity(known, temperature),
    }
    unchanged = ("poisson_ratio", "surface_energy", "creep_exponent", "hardening_exponent", "rate_hardening")
    numbers |= {name: known[name] for name in unchanged}
    return Lithium(**{name: jnp.asarray(value) for name, value in numbers.items()}, creeps=section.creeps)


def over_bulk(section: schema.Lithium) -> dict[str, float]:
    """Name → constant of small or porous lithium over that of the bulk, which a study gives."""
    stronger = 1.0
    if section.feature_size is not None:
        assert section.size_effect_length is not None
        stronger = flow.strengthening(section.feature_size, section.size_effect_length)
    return {
        "initial_resistance": stronger,
        "saturation_resistance": stronger,
        "hardening_modulus": stronger,
        "modulus": flow.porous_modulus(1.0, section.porosity),
    }


def _diffusional_viscosity(known: dict[str, Any], temperature: float) -> float:
    """As given, or that of grains; otherwise lithium creeps by dislocations alone."""
    if "grain_size" not in known:
        return known.get("diffusional_viscosity", NEVER_FLOWS)
    return flow.diffusional_viscosity(
        known["grain_size"],
        flow.arrhenius(known["self_diffusivity"], known["diffusion_activation_energy"], temperature),
        flow.arrhenius(known["boundary_diffusivity"], known["boundary_activation_energy"], temperature),
        known["boundary_width"],
        known["molar_volume"],
        temperature,
    )


def _faces(study: schema.Study, grid: Grid, spacing: list[float]) -> Faces | None:
    """The contact is made under the pressure of the first step."""
    if study.contact is None:
        return None
    first = study.protocol.steps[0].pressure
    return Faces(
        roughness=jnp.asarray(study.contact.roughness),
        pressure=jnp.asarray(study.cell.pressure if first is None else first),
        adhesion=jnp.asarray(study.contact.adhesion),
        touching_pressure=jnp.asarray(study.contact.touching_pressure),
        relief=_relief(study, grid, spacing),
    )


def _relief(study: schema.Study, grid: Grid, spacing: list[float]) -> Relief | None:
    """Of the solid electrolyte's face at the start."""
    uneven = None if study.contact is None else study.contact.unevenness
    cracks = () if study.solid_electrolyte is None else study.solid_electrolyte.cracks
    if uneven is None and not cracks:
        return None
    unevenness = None
    if uneven is not None:
        key = jax.random.key(uneven.seed)
        map = random_map(key, grid.shape[:-1], tuple(spacing[:-1]), uneven.correlation_length)
        unevenness = Unevenness.pressed_flat(jnp.asarray(uneven.height), map, uneven.touching)
    period = study.grid.size[0]
    opened = None
    if cracks and study.surface is not None:
        opened = Cracks(
            width=jnp.asarray([crack.width for crack in cracks]),
            depth=jnp.asarray([crack.depth for crack in cracks]),
            centre=jnp.asarray([0.5 * period if crack.centre is None else crack.centre for crack in cracks]),
            mouth=jnp.asarray(study.surface.level),
            period=period,
        )
    return Relief(unevenness, opened)


def _coating(section: schema.Coating, grid: Grid, spacing: list[float], temperature: float) -> Coating:
    layers = [_layer(layer, temperature) for layer in section.layers]
    mosaic = None
    if section.mosaic is not None:
        wanted = section.mosaic
        key = jax.random.key(wanted.seed)
        mosaic = Mosaic(
            map=random_map(key, grid.shape[:-1], tuple(spacing[:-1]), wanted.correlation_length),
            modulus=jnp.asarray(wanted.modulus),
            ionic_conductivity=jnp.asarray(wanted.ionic_conductivity),
            thickness=jnp.asarray(wanted.thickness),
        )
    return Coating(
        layers=tuple(layers),
        mosaic=mosaic,
        yields=any(_yield_strength(layer) is not None for layer in section.layers),
        relaxes=any(layer.relaxation_time is not None for layer in section.layers),
        has_equilibrium=any(any(layer.relaxed_fraction or ()) for layer in section.layers),
        has_strain_limit=all(_strain_limit(layer) is not None for layer in section.layers),
        has_strength=all(layer.strength is not None for layer in section.layers),
        has_toughness=all(layer.toughness is not None for layer in section.layers),
        fracture=None if section.fracture is None else _fracture(section.fracture),
        tunnelling_current=None
        if any(layer.tunnelling_thickness is None for layer in section.layers)
        else jnp.asarray(section.tunnelling_current),
    )


def _fracture(section: schema.Fracture) -> Fracture:
    healing_time = None if section.healing_time is None else jnp.asarray(section.healing_time)
    return Fracture(jnp.asarray(section.length), section.model == "AT1", healing_time)


def _layer(section: schema.Layer, temperature: float) -> Layer:
    unknown = {
        "relaxation_time": (NEVER,), "relaxed_fraction": (0.0,), "strength": (NEVER,), "toughness": (NEVER,),
        "salt_diffusivity": (1e-15,), "tunnelling_thickness": (NEVER,), "electronic_conductivity": (INSULATES,),
    }  # fmt: skip
    known = Layer.__dataclass_fields__.keys() - {"alloy"}
    values = {name: getattr(section, name) or unknown.get(name) for name in known}
    values["yield_strength"] = _yield_strength(section) or (NEVER,)
    values["strain_limit"] = _strain_limit(section) or (NEVER,)
    values["thickness"] = section.thickness
    return Layer(**{name: jnp.asarray(value) for name, value in values.items()}, alloy=_alloy(section, temperature))


def _alloy(section: schema.Layer, temperature: float) -> Alloy | None:
    if section.alloy_capacity is None:
        return None
    return Alloy(
        capacity=jnp.asarray(section.alloy_capacity),
        potential=jnp.asarray(section.alloying_potential),
        width=jnp.asarray(section.alloying_width or (GAS_CONSTANT * temperature / FARADAY,)),
        swelling=jnp.asarray(section.swelling or (0.0,)),
        occupancy=jnp.asarray(section.initial_occupancy or (schema.LEAST_OCCUPANCY,)),
    )


def _strain_limit(layer: schema.Layer) -> tuple[float, ...] | None:
    """As given, or strength over modulus: where a linear elastic coating in uniaxial tension reaches its strength."""
    if layer.strain_limit is not None or layer.strength is None or layer.modulus is None:
        return layer.strain_limit
    strength, modulus = _together(layer.strength, layer.modulus)
    return tuple(float(x) for x in strength / modulus)


def _yield_strength(layer: schema.Layer) -> tuple[float, ...] | None:
    """As given, or yield strain times modulus."""
    if layer.yield_strain is None or layer.modulus is None:
        return layer.yield_strength
    strain, modulus = _together(layer.yield_strain, layer.modulus)
    return tuple(float(x) for x in strain * modulus)


def _together(*profiles: tuple[float, ...]) -> list[np.ndarray]:
    """Profiles at the control points of the finest."""
    at = np.linspace(0, 1, max(map(len, profiles)))
    return [np.interp(at, np.linspace(0, 1, len(p)), p) for p in profiles]


def _electrolyte(section: schema.Electrolyte) -> Electrolyte:
    return Electrolyte(
        concentration=jnp.asarray(section.concentration),
        conductivity=jnp.asarray(section.conductivity_coefficients),
        log_diffusivity=jnp.asarray(section.log_diffusivity_coefficients),
        thermodynamic_factor=jnp.asarray(section.thermodynamic_factor_coefficients),
        transference_number=jnp.asarray(section.transference_number),
        exchange_current=jnp.asarray(section.exchange_current),
    )


def _caps(study: schema.Study) -> Caps:
    made, period = caps(study), study.grid.size[:-1]
    return Caps(
        radius=jnp.asarray([cap.radius for cap in made]),
        contact_angle=jnp.asarray([cap.contact_angle for cap in made]),
        centre=jnp.asarray([cap.place for cap in made]),
        period=tuple(period),
    )


def _surface(study: schema.Study, section: schema.Surface) -> Surface:
    period = study.grid.size[:-1]
    in_plane = len(period)
    bumps, waves, voids = section.bumps, section.waves, section.voids
    centres = [bump.centre or tuple(p / 2 for p in period) for bump in bumps]
    bump_heights, bump_radii = [bump.height for bump in bumps], [bump.radius for bump in bumps]
    if (seeded := nuclei(study)) is not None:
        centres += seeded.places
        bump_heights += [seeded.height] * len(seeded.places)
        bump_radii += [seeded.spread] * len(seeded.places)
    void_centres = [(*(void.centre or tuple(p / 2 for p in period)), section.level - void.depth) for void in voids]
    vectors = [[2 * math.pi * n / p for n, p in zip(wave.waves, period, strict=True)] for wave in waves]
    return Surface(
        level=jnp.asarray(section.level),
        bump_height=jnp.asarray(bump_heights, float),
        bump_radius=jnp.asarray(bump_radii, float),
        bump_centre=jnp.asarray(centres, float).reshape(len(centres), in_plane),
        wave_height=jnp.asarray([wave.height for wave in waves], float),
        wave_vector=jnp.asarray(vectors, float).reshape(len(waves), in_plane),
        wave_phase=jnp.asarray([wave.phase for wave in waves], float),
        void_radius=jnp.asarray([void.radius for void in voids], float),
        void_centre=jnp.asarray(void_centres, float).reshape(len(voids), in_plane + 1),
        period=tuple(period),
    )


def _protocol(study: schema.Study) -> Protocol:
    steps = study.protocol.steps * study.protocol.cycles
    pressure = [study.cell.pressure if step.pressure is None else step.pressure for step in steps]
    return Protocol(
        duration=jnp.asarray([longest(step) for step in steps]),
        current=jnp.asarray([step.current or 0.0 for step in steps]),
        metal_potential=jnp.asarray([step.potential or 0.0 for step in steps]),
        is_potentiostatic=jnp.asarray([step.potential is not None for step in steps]),
        pressure=jnp.asarray(pressure),
        pressure_ramp=jnp.asarray([step.pressure_ramp or 0.0 for step in steps]),
        capacity=jnp.asarray([step.capacity or math.inf if step.potential is not None else math.inf for step in steps]),
        potential_limit=jnp.asarray([_limit(step) for step in steps]),
        steps_per_cycle=len(study.protocol.steps),
    )


def _limit(step: schema.Step) -> float:
    """Of the potential; infinitely far where there is none."""
    if step.potential_limit is not None:
        return step.potential_limit
    return -math.inf if (step.current or 0.0) > 0 else math.inf


def controls(study: schema.Study) -> Controls:
    """How the host runs the study."""
    numerics, output = study.numerics, study.output
    return Controls(
        courant=numerics.courant,
        stress_change=numerics.stress_change,
        first_step=numerics.first_step,
        largest_step=numerics.largest_step,
        smallest_step=numerics.smallest_step,
        tolerance=numerics.tolerance,
        rows=output.rows,
        frames=output.frames,
        checkpoint_steps=output.checkpoint_steps,
    )


def positions(grid: Grid, scales: Scales) -> dict[str, np.ndarray]:
    """Cell centres along every axis [m], by name."""
    names = "xz" if grid.dim == 2 else "xyz"
    return {
        name: (np.arange(n) + 0.5) * h * scales.length
        for name, n, h in zip(names, grid.shape, grid.spacing, strict=True)
    }
