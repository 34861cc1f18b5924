"""What every cell is made of: from fractions and material coordinates to moduli, conductivities and kinetics.

Moduli of phases that share a cell act in parallel (each phase keeps its own stress); conductivities in series.
Everything returned is non-dimensional.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.materials.coating import NEXT_TO_NONE, Coating
from interphase.materials.material import Electrolyte, bulk_modulus, shear_modulus
from interphase.materials.stack import Stack
from interphase.materials.substrate import Bond
from interphase.physics.adhesion import bonded
from interphase.physics.alloy import Alloy
from interphase.physics.charge import METAL_FLOOR, Conductor, conductor, series_conductivity
from interphase.physics.contact import Contact, gap_to
from interphase.physics.creep import AbstractFlow, Elastic, MaxwellYield, PowerLawCreep
from interphase.physics.film import resistance
from interphase.physics.fracture import Resistance, damaged, degradation, healed, passable, tensile_energy
from interphase.physics.interface import Look, bearing, continued_off, counted, dyad, normal, smooth_step
from interphase.physics.momentum import Body, Phase, Swelling
from interphase.physics.parting import Ride
from interphase.physics.principal import largest_principal
from interphase.physics.reaction import Kinetics
from interphase.physics.vacancies import Lattice, Sites
from interphase.state import CoatingState, State
from interphase.units import FARADAY, Scales

FILLER_STIFFNESS = 1e-4  # of lithium's moduli: what liquid or void, without memory, resists one step's motion with
VOID_STIFFNESS = 1e-6  # of lithium's moduli, that of a void
VOID_CONDUCTIVITY = 1e-10  # [S/m]
TORN = 0.056 / 0.038  # strains at which a native film is gone and at which it begins to break (Yoon et al. 2020)
MAINLY = (0.5, 1.0)  # share of a cell from which on a coating breaks there by its own stress, and in full
TIGHT = 2.0  # thickness of whole coating above a place, in cells, that holds solvent back


class CoatingProperties(eqx.Module):
    """Coating properties at the material coordinates of every cell, SI."""

    modulus: Cells
    poisson_ratio: Cells
    ionic_conductivity: Cells
    exchange_current: Cells

    @staticmethod
    def at(coating: Coating, state: CoatingState, width: float, scales: Scales, grid: Grid) -> "CoatingProperties":
        blend = layer_blend(coating, width, scales)
        modulus = coating.property("modulus", state.depth, blend)
        conductivity = coating.property("ionic_conductivity", state.depth, blend, join="series")
        if coating.mosaic is not None:
            position = grid.cell_centres()[:-1] - state.drift  # of the material when it was laid down
            defects = coating.mosaic.at(position, grid)
            modulus = modulus * jnp.exp(coating.mosaic.modulus * defects)
            conductivity = conductivity * jnp.exp(coating.mosaic.ionic_conductivity * defects)
        return CoatingProperties(
            modulus,
            coating.property("poisson_ratio", state.depth, blend),
            conductivity,
            coating.property("exchange_current", state.depth, blend),
        )


def layer_blend(coating: Coating, width: float, scales: Scales) -> Array:
    """Layers join over the width of the diffuse interface, given as a share of the coating's thickness."""
    return width * scales.length / coating.thickness


def body(
    stack: Stack,
    state: State,
    look: Look,
    rides: tuple[Ride, Ride],
    pressure: Array,
    width: float,
    scales: Scales,
    grid: Grid,
    sites: Sites | None = None,
) -> Body:
    """All that resists motion."""
    lithium = stack.lithium
    bulk = bulk_modulus(lithium.modulus, lithium.poisson_ratio) / scales.stress
    shear = shear_modulus(lithium.modulus, lithium.poisson_ratio) / scales.stress
    flow = lithium_flow(stack, state, scales)
    phases = [Phase(bearing(state.lithium), bulk, shear, flow, state.lithium_stress)]
    coating, coated = stack.coating, state.coating
    if coating is not None and coated is not None:
        phases += coating_phases(coating, coated, width, scales, grid, stack.bond)
    solid, filled, stress = stack.solid_electrolyte, state.solid_electrolyte, state.solid_electrolyte_stress
    if solid is not None and filled is not None and stress is not None:
        bulk_s = bulk_modulus(solid.modulus, solid.poisson_ratio) / scales.stress
        shear_s = shear_modulus(solid.modulus, solid.poisson_ratio) / scales.stress
        phases.append(Phase(bearing(filled), bulk_s, shear_s, Elastic(), stress, rides=True))
    softness = FILLER_STIFFNESS if stack.faces is None else VOID_STIFFNESS
    return Body(
        grid=grid,
        phases=tuple(phases),
        filler=bearing_filler(state),
        filler_bulk=softness * bulk,
        filler_shear=softness * shear,
        filler_pressure=pressure if stack.faces is None else jnp.zeros_like(pressure),
        direction=look.direction,
        rides=rides,
        collapse=None if sites is None else sites.closing,
        swelling=None if coated is None else swelling(coated, width, grid),
    )


def swelling(coated: CoatingState, width: float, grid: Grid) -> Swelling | None:
    """How a coating that is an alloy shares cells with what does not swell; `None` of any other."""
    if coated.alloy is None:
        return None
    fraction = jnp.clip(coated.fraction, 0.0, 1.0)
    return Swelling(fraction, dyad(normal(fraction, width, grid), grid))


def bearing_filler(state: State) -> Cells:
    """What the shares that bear load leave. Its pressure must meet theirs: where the foot of a film bears nothing and
    the filler took only what the film leaves, their stresses would not add up, and the foot would move in every step.
    """
    solids = bearing(state.lithium)
    if state.coating is not None:
        solids = solids + bearing(state.coating.fraction)
    if state.solid_electrolyte is not None:
        solids = solids + bearing(state.solid_electrolyte)
    filler = jnp.clip(1 - solids, 0.0, 1.0)
    if state.coating is not None and state.coating.damage is not None:
        filler = filler + bearing(state.coating.fraction) * (1 - unbroken(state.coating))  # it fills cracks
    return filler


def unbroken(state: CoatingState) -> Array | float:
    """The share of its stress that a coating bears."""
    return 1.0 if state.damage is None else degradation(state.damage, state.whole_stress)


def beside_cracks(whole: Cells, state: CoatingState, in_cracks: Array) -> Cells:
    """A property of a coating as its cracks leave it: beside one another, coating and the liquid that has got in.

    Cracks that it has not come to are narrow; they are taken to change nothing.
    """
    if state.damage is None:
        return whole
    broken = passable(state.damage)
    filled = broken * reached(state, broken)
    return (1 - filled) * whole + filled * in_cracks


def reached(state: CoatingState, broken: Cells) -> Cells:
    """The share of a place that liquid comes to from above, through what is `broken` of the coating over it."""
    whole = bearing(state.fraction) * (1 - broken)
    above = jnp.cumsum(whole[..., ::-1], axis=-1)[..., ::-1] - whole
    return 1 - smooth_step(above, 0.0, TIGHT)


def fractured(coating: Coating, state: CoatingState, dt: Scalar, width: float, scales: Scales, grid: Grid) -> Cells:
    """The damage at the end of a step, from the stress at its end."""
    fracture, damage = coating.fracture, state.damage
    assert fracture is not None and damage is not None
    properties = CoatingProperties.at(coating, state, width, scales, grid)
    bulk = bulk_modulus(properties.modulus, properties.poisson_ratio) / scales.stress
    shear = shear_modulus(properties.modulus, properties.poisson_ratio) / scales.stress
    toughness = coating.property("toughness", state.depth, layer_blend(coating, width, scales))
    resistance = Resistance(toughness / scales.surface_energy, fracture.length / scales.length, fracture.is_brittle)
    if fracture.healing_time is not None:
        damage = healed(damage, state.whole_stress, dt * scales.time / fracture.healing_time)
    energy = tensile_energy(state.whole_stress, bulk, shear)
    return damaged(damage, energy, resistance, smooth_step(bearing(state.fraction), *MAINLY), grid)


def lithium_flow(stack: Stack, state: State, scales: Scales) -> AbstractFlow:
    lithium, resistance = stack.lithium, state.flow_resistance
    if not lithium.creeps or resistance is None:
        return Elastic()
    return PowerLawCreep(
        resistance,
        lithium.creep_rate * scales.time,
        lithium.creep_exponent,
        lithium.diffusional_viscosity / (scales.stress * scales.time),
    )


def coating_phases(
    coating: Coating, state: CoatingState, width: float, scales: Scales, grid: Grid, bond: Bond | None = None
) -> list[Phase]:
    """The coating's main branch and, for a solid that relaxes only in part, its lasting branch.

    **Arguments:** `bond`: with the collector, where that may give way.
    """
    properties = CoatingProperties.at(coating, state, width, scales, grid)
    blend = layer_blend(coating, width, scales)
    fraction = bearing(state.fraction) * unbroken(state)
    bulk = bulk_modulus(properties.modulus, properties.poisson_ratio) / scales.stress
    shear = shear_modulus(properties.modulus, properties.poisson_ratio) / scales.stress
    flow: AbstractFlow = Elastic()
    if coating.yields or coating.relaxes or bond is not None:
        strength = coating.property("yield_strength", state.depth, blend, join="series") / scales.stress
        flow = MaxwellYield(
            coating.property("relaxation_time", state.depth, blend, join="series") / scales.time,
            strength if bond is None else bonded(strength, bond, scales, grid),
        )
    lasting_stress = state.equilibrium_stress
    if not coating.has_equilibrium or lasting_stress is None:
        return [Phase(fraction, bulk, shear, flow, state.stress, rides=True, swells=state.alloy is not None)]
    lasting = coating.property("relaxed_fraction", state.depth, blend)
    main = 1 - lasting
    return [
        Phase(fraction, main * bulk, main * shear, flow, state.stress, rides=True, swells=state.alloy is not None),
        Phase(fraction, lasting * bulk, lasting * shear, Elastic(), lasting_stress, True, state.alloy is not None),
    ]


def conduction(stack: Stack, state: State, has_reservoir: bool, width: float, scales: Scales, grid: Grid) -> Conductor:
    """Ionic conductances, with the diffusion potential where salt is dissolved."""
    fractions, resistivities = [], []
    weight, log_salt = None, None
    floor = VOID_CONDUCTIVITY / scales.conductivity
    coating, coated = stack.coating, state.coating
    if coating is not None and coated is not None:
        properties = CoatingProperties.at(coating, coated, width, scales, grid)
        fractions.append(coated.fraction)
        in_cracks = jnp.asarray(VOID_CONDUCTIVITY)
        if stack.electrolyte is not None and state.salt is not None:
            in_cracks = stack.electrolyte.conductivity_at(state.salt)
        conducting = beside_cracks(properties.ionic_conductivity, coated, in_cracks)
        resistivities.append(scales.conductivity / conducting)
    solid, filled = stack.solid_electrolyte, state.solid_electrolyte
    if solid is not None and filled is not None:
        fractions.append(filled)
        resistivities.append(scales.conductivity / solid.ionic_conductivity)
    solids = [jnp.clip(f, 0.0, None) * r for f, r in zip(fractions, resistivities, strict=True)]
    column = jnp.sum(sum(solids, jnp.zeros_like(state.lithium)), axis=-1, keepdims=True) * grid.spacing[-1]
    electrolyte, salt = stack.electrolyte, state.salt
    if electrolyte is not None and salt is not None:
        liquid = electrolyte.conductivity_at(salt)
        fractions.append(state.filler)
        resistivities.append(scales.conductivity / liquid)
        floor = METAL_FLOOR * electrolyte.conductivity_at(jnp.ones(())) / scales.conductivity
        weight = anion_share(electrolyte, stack, state, width, scales) * electrolyte.thermodynamic_factor_at(salt)
        weight, log_salt = 2 * weight, jnp.log(jnp.maximum(salt, 1e-6))
    conductivity = series_conductivity(fractions, resistivities)
    return conductor(state.beneath, conductivity, floor, grid, weight, log_salt, has_reservoir, column)


def anion_share(electrolyte: Electrolyte, stack: Stack, state: State, width: float, scales: Scales) -> Cells:
    """1−t₊ of what conducts in a cell."""
    open_share = jnp.clip(1 - state.lithium, 1e-6, None)
    share = jnp.clip(state.filler, 0.0, None) * (1 - electrolyte.transference_number)
    coating, coated = stack.coating, state.coating
    if coating is not None and coated is not None:
        blend = layer_blend(coating, width, scales)
        anions = 1 - coating.property("transference_number", coated.depth, blend)
        share = share + jnp.clip(coated.fraction, 0.0, None) * anions
    return jnp.clip(share / open_share, 0.0, 1.0)


def alloy(stack: Stack, coated: CoatingState | None, dt: Array, width: float, scales: Scales) -> Alloy | None:
    """The coating as an alloy, or `None` where it takes up no lithium."""
    coating = stack.coating
    if coating is None or coated is None or coated.alloy is None:
        return None
    blend, held = layer_blend(coating, width, scales), coated.alloy.held
    capacity = coating.alloy_property("capacity", coated.depth, blend)
    gain = coating.alloy_property("swelling", coated.depth, blend)
    as_metal = scales.molar_volume / FARADAY
    volume = gain / (capacity + NEXT_TO_NONE) / as_metal
    fraction = jnp.clip(coated.fraction, 0.0, None)
    return Alloy(
        room=capacity * as_metal * jnp.clip(fraction - volume * held, 0.0, None),
        held=held,
        half=coating.alloy_property("potential", coated.depth, blend, per_capacity=True) / scales.potential,
        width=alloy_width(coating, coated.depth, blend, scales),
        volume=volume,
        fraction=fraction,
        dt=dt,
    )


def alloy_width(coating: Coating, depth: Cells, blend: Array, scales: Scales) -> Cells:
    """w; one where there is no alloy, whose isotherm then says nothing."""
    width = coating.alloy_property("width", depth, blend, per_capacity=True) / scales.potential
    return jnp.where(width > 0, width, 1.0)


def lattice(stack: Stack, scales: Scales) -> Lattice | None:
    """Lithium's lattice, or `None` where every site has its atom.

    Pores close in many times the strain over which the flow resistance settles: the flow is the steady one,
    ε̇ = ε̇₀ (σ/S₀)ⁿ with n of both exponents, 1/(m + k).
    """
    vacancies, lithium = stack.vacancies, stack.lithium
    if vacancies is None:
        return None
    exponent = 1 / (1 / lithium.creep_exponent + lithium.rate_hardening)
    rate = lithium.creep_rate if lithium.creeps else 0.0 * lithium.creep_rate
    return Lattice(
        diffusivity=vacancies.diffusivity / scales.diffusivity,
        equilibrium=vacancies.equilibrium_fraction,
        volume=vacancies.formation_volume / scales.molar_volume,
        closing_rate=1.5 * rate * scales.time,
        closing_exponent=exponent,
        closing_stress=2 * exponent * lithium.saturation_resistance / (3 * scales.stress),
        fluidity=0.75 * scales.stress * scales.time / lithium.diffusional_viscosity,
        sinks=vacancies.diffusivity / vacancies.sink_spacing**2 * scales.time,
        goes_on=vacancies.goes_on,
    )


def kinetics(
    stack: Stack,
    state: State,
    look: Look,
    width: float,
    scales: Scales,
    grid: Grid,
    sites: Sites | None = None,
    touching_share: Array | float = 1.0,
) -> Kinetics:
    """The rate law of whatever touches the lithium, weighted by how much of it does.

    **Arguments:** `touching_share`: c of the contact, as of late; over it spreads what a place gives up.
    """
    touched = 1 - state.lithium if stack.electrolyte is not None else state.riding  # a void takes no part
    open_share = jnp.clip(touched, 1e-6, None)
    alpha = stack.transfer_coefficient
    exchange = jnp.zeros_like(state.lithium)
    offset = -stack.lithium.surface_energy / scales.surface_energy * look.curvature
    electrolyte, salt = stack.electrolyte, state.salt
    if electrolyte is not None and salt is not None:
        touching = jnp.clip(state.filler / open_share, 0.0, 1.0)
        depletion = jnp.maximum(salt, 1e-6) ** (1 - alpha)
        exchange = exchange + touching * electrolyte.exchange_current * depletion
    coating, coated = stack.coating, state.coating
    if coating is not None and coated is not None:
        touching = jnp.clip(coated.fraction / open_share, 0.0, 1.0)
        properties = CoatingProperties.at(coating, coated, width, scales, grid)
        in_cracks = jnp.zeros(()) if electrolyte is None else electrolyte.exchange_current
        exchange = exchange + touching * beside_cracks(properties.exchange_current, coated, in_cracks)
    solid, filled = stack.solid_electrolyte, state.solid_electrolyte
    if solid is not None and filled is not None:
        touching = jnp.clip(filled / open_share, 0.0, 1.0)
        exchange = exchange + touching * solid.exchange_current
    exchange = exchange / scales.current_density + 1e-12
    film_resistance = stack.film_resistance / scales.resistance
    if stack.film is not None and state.film is not None:
        film_resistance = film_resistance + resistance(stack.film, state.film, exchange, scales, grid)
    if sites is None:
        return Kinetics(exchange, alpha, film_resistance, offset)
    return Kinetics(exchange, alpha, film_resistance, offset, sites.occupancy, sites.depletion * touching_share)


def exposed(stack: Stack, state: State, area: Cells, width: float, scales: Scales, grid: Grid) -> Cells:
    """The share of the lithium surface, `area` per volume, that solvent comes to: beside a coating, and where that is
    broken through.
    """
    coating, coated = stack.coating, state.coating
    if coating is None or coated is None:
        return jnp.ones_like(state.lithium)
    touching = jnp.clip(coated.fraction / jnp.clip(1 - state.lithium, 1e-6, None), 0.0, 1.0)
    covered = counted(touching)
    if coating.has_strain_limit or coated.damage is not None:
        broken = coating_broken(coating, coated, width, scales, grid)
        covered = covered * (1 - reached(coated, broken))
    return jnp.clip(1 - continued_off(covered * area, area, grid), 0.0, 1.0)


def coating_broken(coating: Coating, state: CoatingState, width: float, scales: Scales, grid: Grid) -> Cells:
    """How far the coating is torn at a place: as its damage says; where none is kept, from its strain limit on, fully
    where a native film would be.
    """
    if state.damage is not None:
        return passable(state.damage)
    limit = coating.property("strain_limit", state.depth, layer_blend(coating, width, scales), join="series")
    return smooth_step(largest_principal(state.strain, grid) / limit, 1.0, TORN)


def conducting_share(stack: Stack, state: State) -> Array | float:
    """How much of what touches the lithium conducts ions; lithium|void does not react."""
    if stack.electrolyte is not None:
        return 1.0
    return jnp.clip(state.riding / jnp.clip(1 - state.lithium, 1e-6, None), 0.0, 1.0)


def contact(
    stack: Stack, state: State, look: Look, dt: Array, width: float, scales: Scales, grid: Grid
) -> Contact | None:
    """The contact of lithium with what rides on it, or `None` where the two never part."""
    faces, opening = stack.faces, state.plating.opening
    if faces is None or opening is None:
        return None
    gap = gap_to(state.lithium, look, width, grid)
    adhesion = faces.adhesion / scales.stress
    return Contact(
        gap=gap,
        usual=summed(opening * look.normal) * dt,
        opposite=Contact.facing(gap, look, width),
        length=faces.roughness / scales.length,
        pressure=adhesion + faces.pressure / scales.stress,
        adhesion=adhesion,
        touching_pressure=faces.touching_pressure / scales.stress,
    )


def salt_transport(
    electrolyte: Electrolyte, salt: Cells, stack: Stack, state: State, width: float, scales: Scales
) -> tuple[Cells, Cells, Cells]:
    """Capacity ε, diffusivity and anion share 1−t₊ of every cell."""
    capacity = state.filler
    resistance = state.filler / electrolyte.diffusivity_at(salt)
    coating, coated = stack.coating, state.coating
    if coating is not None and coated is not None:
        blend = layer_blend(coating, width, scales)
        dissolves = 1 - coating.property("transference_number", coated.depth, blend)
        fraction = jnp.clip(coated.fraction, 0.0, None) * dissolves / (dissolves + 1e-3)
        diffusivity = coating.property("salt_diffusivity", coated.depth, blend, join="series")
        capacity = capacity + fraction
        resistance = resistance + fraction / diffusivity
    diffusivity = (capacity + 1e-9) / (resistance + 1e-9 / electrolyte.diffusivity_at(jnp.ones(())))
    return capacity, diffusivity / scales.diffusivity, anion_share(electrolyte, stack, state, width, scales)
