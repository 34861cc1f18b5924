"""What belongs to the material moves with it: fractions, stress, strain, material coordinates, film. Charge is counted.

Velocities and plating rate are those of the last balance; see `phases` for the equations.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from interphase.arrays import Cells, CellVectors, Scalar
from interphase.grid.grid import Grid
from interphase.materials.film import Film
from interphase.physics.film import stretched, surface_strain
from interphase.physics.interface import area_density, counted, normal, on_faces
from interphase.physics.phases import HELD, STORED, carried, cell_velocity, extended, transport
from interphase.physics.vacancies import Lattice, pressure_in
from interphase.state import AlloyState, CoatingState, FilmState, State, Vacancies


def carry(
    state: State,
    dt: Scalar,
    sharpening: float,
    width: float,
    substeps: int,
    grid: Grid,
    film: Film | None = None,
    lattice: Lattice | None = None,
) -> State:
    """The state `dt` later, material moved and lithium plated.

    **Arguments:**

    - `film`: what the state's film is made of.
    - `sharpening`: Γ over the fastest interface.
    - `lattice`: of the lithium, where vacancies are followed.
    """
    plating, solution = state.plating, state.solution
    ridden = counted(state.beneath)
    fractions = {"lithium": state.lithium}
    if state.coating is not None:
        fractions["coating"] = state.coating.fraction
    if state.solid_electrolyte is not None:
        fractions["solid_electrolyte"] = state.solid_electrolyte
    alloy = None if state.coating is None else state.coating.alloy
    strength = sharpening * plating.largest_speed
    moved = transport(
        fractions,
        solution.velocity,
        solution.plate_velocity,
        plating.lift,
        plating.rate,
        strength,
        dt,
        width,
        grid,
        substeps,
        plating.yielding,
        None if plating.opening is None else on_faces(ridden * plating.drift, grid),
        None if state.vacancies is None else state.vacancies.fraction,
        plating.vacated,
        None if alloy is None else alloy.held,
        plating.stored,
        plating.swelling,
    )
    material = cell_velocity(solution.velocity, solution.plate_velocity, grid)
    riding = cell_velocity(solution.velocity + plating.lift, solution.plate_velocity, grid)
    # Barriers: the stencils that follow would compute their inputs again for every neighbour.
    resting, lifted = jax.lax.optimization_barrier((material - (1 - ridden) * plating.drift, riding))

    cells = plating.largest_speed * dt
    plated = plating.rate if plating.vacated is None else plating.rate - plating.vacated
    mean_current = jnp.sum(plated) * grid.cell_volume / grid.area
    side_current = jnp.zeros_like(mean_current)
    if state.film is not None:
        side_current = jnp.sum(state.film.rate) * grid.cell_volume / grid.area
    passed, went_through = mean_current + side_current, jnp.abs(mean_current) + side_current
    if alloy is not None and plating.stored is not None and plating.swelling is not None:
        stored_current = jnp.sum(plating.stored) * grid.cell_volume / grid.area
        swollen = jnp.sum(plating.swelling) * grid.cell_volume / grid.area
        alloy = AlloyState(
            moved[STORED], alloy.initial, alloy.charge + stored_current * dt, alloy.swollen + swollen * dt
        )
        passed, went_through = passed + stored_current, went_through + jnp.abs(stored_current)
    fresh = jnp.maximum(plating.rate * dt, 0.0)  # plated lithium is free of stress and dilutes what is there
    there = jnp.maximum(state.lithium, 0.0)  # transport may leave a trace less than none
    diluted = jax.lax.optimization_barrier(state.lithium_stress * there / (there + fresh + 1e-12))
    scalars = [] if state.flow_resistance is None else [state.flow_resistance]
    (stress,), scalars = carried([diluted], scalars, state.lithium, resting, cells, dt, grid)
    if state.film is not None and film is not None:
        moved_film = _film_carried(film, state.film, state.lithium, lifted, cells, dt, width, grid)
        moved_film = eqx.tree_at(lambda f: f.charge, moved_film, moved_film.charge + side_current * dt)
        state = eqx.tree_at(lambda s: s.film, state, moved_film)
    state = eqx.tree_at(
        lambda s: (s.lithium, s.lithium_stress, s.charge, s.charge_time),
        state,
        (
            moved["lithium"],
            stress,
            state.charge + passed * dt,
            state.charge_time + went_through * dt,
        ),
    )
    if state.vacancies is not None and lattice is not None:
        vacant, supplied = lattice.spread(moved[HELD], moved["lithium"], pressure_in(stress), dt, grid)
        vacancies = Vacancies(vacant, state.vacancies.supplied + supplied)
        state = eqx.tree_at(lambda s: s.vacancies, state, vacancies)
    if state.flow_resistance is not None:
        state = eqx.tree_at(lambda s: s.flow_resistance, state, scalars[0])
    if state.coating is not None:
        coating = _coating_carried(state.coating, moved["coating"], alloy, lifted, cells, dt, grid)
        state = eqx.tree_at(lambda s: s.coating, state, coating)
    if state.solid_electrolyte is not None and state.solid_electrolyte_stress is not None:
        (stress,), _ = carried([state.solid_electrolyte_stress], [], state.solid_electrolyte, lifted, cells, dt, grid)
        state = eqx.tree_at(
            lambda s: (s.solid_electrolyte, s.solid_electrolyte_stress), state, (moved["solid_electrolyte"], stress)
        )
    return state


def _coating_carried(
    coating: CoatingState,
    fraction: Cells,
    alloy: AlloyState | None,
    lifted: CellVectors,
    cells: Scalar,
    dt: Scalar,
    grid: Grid,
) -> CoatingState:
    lasting = [] if coating.equilibrium_stress is None else [coating.equilibrium_stress]
    damage = [] if coating.damage is None else [coating.damage]
    tensors, (depth, *rest) = carried(
        [coating.stress, coating.strain, *lasting],
        [coating.depth, *damage, *coating.drift],
        coating.fraction,
        lifted,
        cells,
        dt,
        grid,
    )
    return CoatingState(
        fraction=fraction,
        depth=depth,
        drift=jnp.stack(rest[len(damage) :]) + dt * lifted[:-1],
        stress=tensors[0],
        strain=tensors[1],
        equilibrium_stress=tensors[2] if lasting else None,
        damage=jnp.clip(rest[0], 0.0, 1.0) if damage else None,
        alloy=alloy,
    )


def _film_carried(
    film: Film,
    carried_film: FilmState,
    lithium: Cells,
    lifted: CellVectors,
    cells: Scalar,
    dt: Scalar,
    width: float,
    grid: Grid,
) -> FilmState:
    """The native film moves and is stretched with what rides on the lithium; off its surface it is as it is there."""
    there = jnp.clip(lithium, 0.0, 1.0)
    surface = 4 * there * (1 - there)
    both = extended(jnp.stack([carried_film.inner, carried_film.outer]), surface, cells, grid)
    (strain,), (inner, outer) = carried([carried_film.strain], list(both), surface, lifted, cells, dt, grid)
    # Transport may leave a trace less than none far from the surface.
    layers = (jnp.maximum(inner, 0.0), jnp.maximum(outer, 0.0))
    carried_film = eqx.tree_at(lambda f: (f.inner, f.outer, f.strain), carried_film, (*layers, strain))
    rate = surface_strain(lifted, normal(lithium, width, grid), area_density(lithium, grid), grid)
    return stretched(film, carried_film, dt * rate, grid)
