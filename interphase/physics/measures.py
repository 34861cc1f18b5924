"""What a run reports of a state: scalars that a designer compares, fields that a reader looks at. All SI.

Extremes are smooth maxima, x̂ = Σ w x e^{βx/s}/Σ w e^{βx/s} with s = (Σ w x^p/Σ w)^{1/p} and weights w that follow the
material: they do not jump when the place of the maximum moves from one cell to the next, nor when a cell at the edge of
the material begins to count, and lie a few per cent below the largest cell. Those of a coating are taken from within it
(`physics.within`), its sums over all of it. Every measure is differentiable. A quantity whose physics is off is `None`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.materials.coating import Coating
from interphase.materials.film import Film
from interphase.materials.material import bulk_modulus, shear_modulus
from interphase.materials.stack import Stack
from interphase.physics import mixture
from interphase.physics.contact import Touch
from interphase.physics.film import Coverage
from interphase.physics.further_nuclei import further_nucleation_rate
from interphase.physics.interface import Look, bearing
from interphase.physics.leakage import leaked
from interphase.physics.mixture import CoatingProperties, layer_blend, unbroken
from interphase.physics.momentum import von_mises_square
from interphase.physics.principal import largest_principal
from interphase.physics.start import volume
from interphase.physics.vacancies import Lattice, pressure_in, surface_share
from interphase.physics.within import from_within
from interphase.state import CoatingState, FilmState, State, Vacancies
from interphase.units import FARADAY, Scales

SHARPNESS = 30.0  # β: e^{βx} picks the largest values
ORDER = 16  # p of the norm they are large against
CHANNELLING = 1.976  # Z of a crack that runs along a film


class Measures(eqx.Module):
    """Scalars of one instant, SI; `None` where the physics is off."""

    charge: Scalar  # that passed [C/m²]
    plated_thickness: Scalar  # of metal [m]
    metal_potential: Scalar  # against lithium in the reservoir [V]
    hot_spot_factor: Scalar  # largest over mean plating current density on the lithium surface
    roughness_peak_to_valley: Scalar  # of the lithium's column heights [m]
    roughness_rms: Scalar  # [m]
    alloy_lithium: Scalar | None  # in the coating, as a thickness of metal [m]
    alloy_filling: Scalar | None  # share of the coating's capacity that is taken
    alloy_swelling: Scalar | None  # volume the coating has gained since the start, relative
    collector_covered: Scalar | None  # share of a bare collector that lithium lies on
    further_nucleation_rate: Scalar | None  # on what is bare of a collector, over all of it; moves nothing [1/m²s]
    lithium_budget_error: Scalar  # |gained − plated| over what passed through
    coating_volume_change: Scalar | None  # relative, what swelling adds left out
    coating_strain: Scalar | None  # largest principal strain
    coating_strain_over_limit: Scalar | None
    coating_stress: Scalar | None  # largest principal stress, tension positive [Pa]
    coating_compression: Scalar | None  # largest compressive principal stress, positive [Pa]
    elastic_energy: Scalar | None  # of the coating per electrode area [J/m²]
    energy_over_resilience: Scalar | None  # largest elastic energy density over ½Eε², ε the strain limit
    coating_stress_over_strength: Scalar | None
    contact_fraction: Scalar | None  # share of the faces that touches the lithium
    void_area_fraction: Scalar | None  # share on which nothing presses
    void_thickness: Scalar | None  # volume of void over the electrode's area [m]
    contact_pressure: Scalar | None  # largest [Pa]
    cracks_filled: Scalar | None  # share of the solid's cracks, deeper than half their width, that lithium fills
    crack_driving_force: Scalar | None  # release rate of a channelling crack over toughness, largest column
    damage_fraction: Scalar | None  # mean damage of the coating
    bare_plating: Scalar | None  # share of the current where solvent comes to lithium, beside or through the coating
    beneath_plating: Scalar | None  # share that plates at lithium|coating
    inside_plating: Scalar | None  # share that electrons plate inside the coating
    upon_plating: Scalar | None  # share that electrons plate on its outer face
    sei_lithium: Scalar | None  # in the native film made since the start, as a thickness of metal [m]
    sei_thickness: Scalar | None  # mean of the native film, swollen [m]
    sei_strain: Scalar | None  # largest principal strain of the native film
    sei_bare_fraction: Scalar | None  # share of the surface that it leaves bare
    side_current: Scalar | None  # mean current density that makes it [A/m²]
    surface_occupancy: Scalar | None  # least share of a surface's lattice sites that hold an atom
    vacant_surface: Scalar | None  # mean share that do not
    vacancy_supersaturation: Scalar | None  # largest share of empty sites over that in equilibrium
    vacant_thickness: Scalar | None  # volume of empty sites over the electrode's area [m]


def measure(
    stack: Stack,
    state: State,
    current: Cells,
    area: Cells,
    touch: Touch | None,
    width: float,
    scales: Scales,
    grid: Grid,
) -> Measures:
    """Measures a state.

    **Arguments:**

    - `current`, `area`: of the last step: plating current density continued off the surface, surface per volume [-].
    - `touch`: what became of the contact in the last step, or `None` without one.
    """
    heights = jnp.sum(state.lithium, axis=-1) * grid.spacing[-1] * scales.length
    mean_current = jnp.sum(area * current) / (jnp.sum(area) + 1e-30)
    relative = current / jnp.where(mean_current == 0, 1.0, mean_current)
    gained = volume(state.lithium, grid) - state.initial_lithium
    plated = state.plated
    if state.vacancies is not None:
        gained = gained - volume(state.vacancies.fraction, grid) - state.vacancies.supplied
    passed = jnp.where(state.charge_time == 0, 1.0, state.charge_time)
    unit = scales.current_density * scales.time
    coating, coated = stack.coating, state.coating
    film, touching, native, empty, alloyed = {}, {}, {}, {}, {}
    if (alloy := mixture.alloy(stack, coated, jnp.ones(()), width, scales)) is not None:
        assert coated is not None and coated.alloy is not None
        stored = volume(coated.alloy.held, grid)
        gained, plated = gained + stored - coated.alloy.initial, plated + coated.alloy.charge
        alloyed = {
            "alloy_lithium": stored * scales.length,
            "alloy_filling": stored / volume(alloy.room, grid),
            "alloy_swelling": volume(coated.fraction, grid) / state.initial_coating - 1,
        }
    if (lattice := mixture.lattice(stack, scales)) is not None and state.vacancies is not None:
        empty = _empty_sites(lattice, state.vacancies, state, area, width, scales, grid)
    if touch is not None:
        touching = _touching(touch, stack, state, scales, grid)
    if coating is not None and coated is not None:
        film = _film(coating, coated, state.lithium, state.initial_coating, width, scales, grid)
        bare = jnp.zeros_like(area)
        if stack.electrolyte is not None:
            bare = area * mixture.exposed(stack, state, area, width, scales, grid)
            film["bare_plating"] = jnp.sum(bare * current) / (jnp.sum(area * current) + 1e-30)
        if coating.tunnelling_current is not None:
            share = film.get("bare_plating", jnp.zeros(()))
            film |= _places(stack, state, current, area - bare, touch, share, width, scales, grid)
    if stack.film is not None and state.film is not None:
        native = _native(stack.film, state.film, area, scales, grid)
    return Measures(
        charge=state.charge * unit,
        plated_thickness=state.plated * unit * scales.molar_volume / FARADAY,
        metal_potential=state.solution.metal_potential * scales.potential,
        hot_spot_factor=smooth_maximum(relative, inside(area / (jnp.max(area) + 1e-30))),
        roughness_peak_to_valley=jnp.max(heights) - jnp.min(heights),
        roughness_rms=jnp.sqrt(jnp.mean((heights - jnp.mean(heights)) ** 2)),
        collector_covered=None if stack.collector is None else jnp.mean(state.lithium[..., 0]),
        further_nucleation_rate=further_nucleation_rate(stack, state, scales),
        lithium_budget_error=jnp.abs(gained - plated) / passed,
        **{name: alloyed.get(name) for name in ALLOY},
        **{name: film.get(name) for name in FILM},
        **{name: touching.get(name) for name in TOUCHING},
        **{name: native.get(name) for name in NATIVE},
        **{name: empty.get(name) for name in EMPTY_SITES},
    )


FILM = (
    "coating_volume_change",
    "coating_strain",
    "coating_strain_over_limit",
    "coating_stress",
    "coating_compression",
    "elastic_energy",
    "energy_over_resilience",
    "coating_stress_over_strength",
    "crack_driving_force",
    "damage_fraction",
    "bare_plating",
    "beneath_plating",
    "inside_plating",
    "upon_plating",
)


ALLOY = ("alloy_lithium", "alloy_filling", "alloy_swelling")


NATIVE = ("sei_lithium", "sei_thickness", "sei_strain", "sei_bare_fraction", "side_current")


def _native(film: Film, filmed: FilmState, area: Cells, scales: Scales, grid: Grid) -> dict[str, Array]:
    """Of the native film, over the lithium surface."""
    surface = jnp.sum(area)
    unit = scales.current_density * scales.time
    thickness = filmed.inner + film.swelling * filmed.outer
    weight, strain = inside(area / jnp.max(area)), largest_principal(filmed.strain, grid)
    return {
        "sei_lithium": filmed.charge * unit * scales.molar_volume / FARADAY,
        "sei_thickness": jnp.sum(area * thickness) / surface * scales.length,
        "sei_strain": smooth_maximum(jnp.where(weight > 0, strain, 0.0), weight),
        "sei_bare_fraction": jnp.sum(area * Coverage.of(film, filmed.strain, grid).bare) / surface,
        "side_current": jnp.sum(filmed.rate) * grid.cell_volume / grid.area * scales.current_density,
    }


TOUCHING = ("contact_fraction", "void_area_fraction", "void_thickness", "contact_pressure", "cracks_filled")


EMPTY_SITES = ("surface_occupancy", "vacant_surface", "vacancy_supersaturation", "vacant_thickness")


def _empty_sites(
    lattice: Lattice, vacancies: Vacancies, state: State, area: Cells, width: float, scales: Scales, grid: Grid
) -> dict[str, Array]:
    """Of the surface that reacts, and of all lithium."""
    look = Look.at(state.beneath, width, grid)
    share = surface_share(vacancies.fraction, state.lithium, look, grid)
    weight = inside(area / (jnp.max(area) + 1e-30))
    equilibrium = lattice.equilibrium_at(pressure_in(state.lithium_stress))
    return {
        "surface_occupancy": 1 - smooth_maximum(share, weight),
        "vacant_surface": jnp.sum(area * share) / (jnp.sum(area) + 1e-30),
        "vacancy_supersaturation": smooth_maximum(share / equilibrium, weight),
        "vacant_thickness": volume(vacancies.fraction, grid) * scales.length,
    }


def _touching(touch: Touch, stack: Stack, state: State, scales: Scales, grid: Grid) -> dict[str, Array | None]:
    """Of the contact, over the faces of what rides on the lithium."""
    faces = jnp.sum(touch.faces)
    relief = None if stack.faces is None else stack.faces.relief
    filled = None
    if relief is not None and relief.cracks is not None:
        # A crack goes where the solid does; the foot of the lithium before its mouth does not count.
        cracks = jnp.sum(relief.cracks.inside(grid, scales.length, state.plate_travel), axis=0)
        filled = jnp.sum(cracks * bearing(state.lithium)) / jnp.sum(cracks)
    return {
        "contact_fraction": jnp.sum(touch.faces * touch.share) / faces,
        "void_area_fraction": jnp.sum(touch.faces * touch.void) / faces,
        "void_thickness": volume(1 - state.lithium - state.riding, grid) * scales.length,
        "contact_pressure": smooth_maximum(touch.pressure, inside(touch.faces / jnp.max(touch.faces))) * scales.stress,
        "cracks_filled": filled,
    }


def _film(
    coating: Coating,
    carried: CoatingState,
    lithium: Cells,
    initial_volume: Scalar,
    width: float,
    scales: Scales,
    grid: Grid,
) -> dict[str, Array]:
    stress = coating_stress(carried) * scales.stress
    tension, energy = largest_principal(stress, grid), coating_energy_density(coating, carried, width, scales, grid)
    compared = {
        "coating_strain": largest_principal(carried.strain, grid),
        "coating_stress": tension,
        "coating_compression": largest_principal(-stress, grid),
    }
    blend = layer_blend(coating, width, scales)
    if coating.has_strain_limit:
        limit = coating.property("strain_limit", carried.depth, blend, join="series")
        modulus = CoatingProperties.at(coating, carried, width, scales, grid).modulus
        compared["coating_strain_over_limit"] = compared["coating_strain"] / limit
        compared["energy_over_resilience"] = energy / (0.5 * modulus * limit**2)
    if coating.has_strength:
        strength = coating.property("strength", carried.depth, blend, join="series")
        compared["coating_stress_over_strength"] = tension / strength
    weight, held = inside(carried.fraction), from_within([*compared.values()], carried.fraction, lithium, width, grid)
    film = {name: smooth_maximum(values, weight) for name, values in zip(compared, held, strict=True)}
    swollen = 0.0 if carried.alloy is None else carried.alloy.swollen
    film |= {
        "coating_volume_change": (volume(carried.fraction, grid) - swollen) / initial_volume - 1,
        "elastic_energy": jnp.sum(bearing(carried.fraction) * energy) * grid.cell_volume / grid.area * scales.length,
    }
    if carried.damage is not None:
        film["damage_fraction"] = jnp.sum(carried.fraction * carried.damage) / jnp.sum(carried.fraction)
    if coating.has_toughness:
        film["crack_driving_force"] = _crack_driving_force(coating, carried, tension, blend, width, scales, grid)
    return film


def _places(
    stack: Stack,
    state: State,
    current: Cells,
    covered: Cells,
    touch: Touch | None,
    bare: Scalar,
    width: float,
    scales: Scales,
    grid: Grid,
) -> dict[str, Array]:
    """Where plates what does not plate on bare lithium, `bare` of the current: ways side by side share it as they are
    passed at the same potentials.

    **Arguments:** `covered`: surface under unbroken coating, per volume.
    """
    touching = covered if touch is None else covered * touch.share  # no electron jumps a void
    ways = jnp.stack([*leaked(stack, state, touching, width, scales, grid), jnp.sum(covered * current)])
    inside, upon, _ = (1 - bare) * ways / (jnp.sum(jnp.abs(ways)) + 1e-30)
    return {"beneath_plating": 1 - bare - inside - upon, "inside_plating": inside, "upon_plating": upon}


def _crack_driving_force(
    coating: Coating, carried: CoatingState, tension: Cells, blend: Array, width: float, scales: Scales, grid: Grid
) -> Scalar:
    """Z ∫⟨σ₁⟩² dz / Ē over the toughness, of the worst column: above one, a crack through the film runs along it.

    Z = 1.976 of a channelling crack where film and ground are equally stiff (Hutchinson & Suo, Adv. Appl. Mech. 29
    (1992) 63); on softer ground it is larger.
    """
    properties = CoatingProperties.at(coating, carried, width, scales, grid)
    modulus = properties.modulus / (1 - properties.poisson_ratio**2)
    fraction = bearing(carried.fraction)
    toughness = coating.property("toughness", carried.depth, blend)
    released = CHANNELLING * jnp.sum(fraction * jnp.maximum(tension, 0.0) ** 2 / modulus, axis=-1)
    resisting = jnp.sum(fraction * toughness, axis=-1) / (jnp.sum(fraction, axis=-1) + 1e-12)
    ratio = released * grid.spacing[-1] * scales.length / resisting
    return smooth_maximum(ratio, jnp.ones_like(ratio))


def coating_stress(carried: CoatingState) -> Stresses:
    """Stress of all branches of the coating, as it bears it [-]."""
    return unbroken(carried) * carried.whole_stress


def coating_energy_density(coating: Coating, carried: CoatingState, width: float, scales: Scales, grid: Grid) -> Cells:
    """Stored elastic energy per volume of coating, q²/6G + p²/2K summed over its branches [J/m³]."""
    properties = CoatingProperties.at(coating, carried, width, scales, grid)
    bulk = bulk_modulus(properties.modulus, properties.poisson_ratio)
    shear = shear_modulus(properties.modulus, properties.poisson_ratio)
    branches = [(carried.stress, 1.0)]
    if carried.equilibrium_stress is not None:
        lasting = coating.property("relaxed_fraction", carried.depth, layer_blend(coating, width, scales))
        branches = [(carried.stress, 1 - lasting), (carried.equilibrium_stress, lasting)]
    total = jnp.zeros_like(carried.fraction)
    for stress, share in branches:
        stress = stress * scales.stress
        mean = summed(stress[:3]) / 3
        total = total + (von_mises_square(stress) / (6 * shear) + mean**2 / (2 * bulk)) / (share + 1e-12)
    return unbroken(carried) * total


def inside(fraction: Cells) -> Cells:
    """A weight that grows from zero at a half: the tails of a diffuse phase hold values that mean nothing."""
    return jnp.clip(2 * fraction - 1, 0.0, 1.0) ** 2


def smooth_maximum(values: Cells, weight: Cells, sharpness: float = SHARPNESS) -> Scalar:
    """Weighted mean that leans to the largest values; equals the value where all are equal."""
    values = jnp.where(weight > 0, values, 0.0)  # what does not count may be larger than a power of it can hold
    # Cancels from the norm, but keeps its powers within what single precision can hold.
    unit = jax.lax.stop_gradient(jnp.max(jnp.abs(values))) + 1e-30
    total = jnp.sum(weight) + 1e-30
    scale = unit * (jnp.sum(weight * (values / unit) ** ORDER) / total + 1e-30) ** (1 / ORDER)
    lean = weight * jnp.exp(sharpness * (jnp.clip(values / scale, -2.0, 2.0) - 1))
    return jnp.sum(lean * values) / (jnp.sum(lean) + 1e-30)


def mixture_stress(state: State) -> Stresses:
    """Volume-weighted stress of all solids [-]."""
    total = jnp.clip(state.lithium, 0.0, 1.0) * state.lithium_stress
    if state.coating is not None:
        total = total + jnp.clip(state.coating.fraction, 0.0, 1.0) * coating_stress(state.coating)
    if state.solid_electrolyte is not None and state.solid_electrolyte_stress is not None:
        total = total + jnp.clip(state.solid_electrolyte, 0.0, 1.0) * state.solid_electrolyte_stress
    return total
