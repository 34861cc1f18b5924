"""The box at time zero: lithium, a coating of given thickness on it, stress-free but for the pressure.

    ξ = ½[1 − tanh(d/2w)],    ξ + f_c = ½[1 − tanh((d − t)/2w)],    depth = d/t

d is the true distance to the lithium surface z = s(y), so the coating has its thickness along the normal everywhere.
Voids are balls cut out of the lithium; above a void that is open to the surface d is the distance to its rim. Where
the solid's face has a relief of its own, it is what d is measured from, and what it leaves of lithium is void.
On a bare collector the lithium is that of `Caps`, and the coating's thickness is measured from lithium or collector,
whichever is nearer: it lies on both.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Cells
from interphase.grid.grid import Grid
from interphase.materials.coating import Coating
from interphase.materials.stack import Stack
from interphase.physics import mixture
from interphase.physics.alloy import potential_at
from interphase.physics.caps import Caps
from interphase.physics.contact import closeness_at, gap_to
from interphase.physics.interface import Look
from interphase.physics.reaction import affinity_for
from interphase.protocol import Drive
from interphase.state import AlloyState, CoatingState, FilmState, Plating, Recent, Solution, State, Vacancies
from interphase.units import FARADAY, Number, Scales

CLOSEST_POINT_STEPS = 40
TINY = 1e-30  # [m²] keeps roots differentiable
LONG_AGO = 1e30  # a last step so long that the first guess is not continued from it


class Surface(eqx.Module):
    """A periodic lithium surface z = s(y): a level, Gaussian bumps, cosine waves; and voids in the lithium. SI.

    **Arguments:**

    - `level`: [m].
    - `bump_height` [m], `bump_radius` [m] (standard deviation), `bump_centre`: per bump and in-plane axis [m].
    - `wave_height` [m], `wave_vector`: per wave and in-plane axis [1/m], `wave_phase` [-].
    - `void_radius` [m], `void_centre`: per void and axis, the last the height above the lower wall [m].
    - `period`: of the box per in-plane axis [m].
    """

    level: Array
    bump_height: Float[Array, " bumps"]
    bump_radius: Float[Array, " bumps"]
    bump_centre: Float[Array, "bumps axes"]
    wave_height: Float[Array, " waves"]
    wave_vector: Float[Array, "waves axes"]
    wave_phase: Float[Array, " waves"]
    void_radius: Float[Array, " voids"]
    void_centre: Float[Array, "voids dim"]
    period: tuple[float, ...] = eqx.field(static=True)

    def height(self, position: Float[Array, " axes"]) -> Array:
        """s(y) at one in-plane position [m]."""
        total = self.level + jnp.sum(self.wave_height * jnp.cos(self.wave_vector @ position + self.wave_phase))
        # exp(cos) is the periodic twin of the Gaussian: same curvature at the crest, smooth across the seam.
        wavenumber = 2 * jnp.pi / jnp.asarray(self.period)
        phase = wavenumber * (position - self.bump_centre)
        exponent = jnp.sum((jnp.cos(phase) - 1) / wavenumber**2, axis=-1) / self.bump_radius**2
        return total + jnp.sum(self.bump_height * jnp.exp(exponent))

    def beside_voids(self, distance: Array, point: Float[Array, " dim"]) -> Array:
        """Signed distance to lithium with voids, from that to lithium without [m]."""
        apart, period = point - self.void_centre, jnp.asarray(self.period)
        in_plane = jnp.sum((apart[:, :-1] - period * jnp.round(apart[:, :-1] / period)) ** 2, axis=-1)
        inside = self.void_radius - jnp.sqrt(in_plane + apart[:, -1] ** 2 + TINY)
        mouth = jnp.sqrt(jnp.maximum(self.void_radius**2 - (self.level - self.void_centre[:, -1]) ** 2, TINY))
        from_rim = jnp.maximum(mouth - jnp.sqrt(in_plane + TINY), 0.0)
        above = jnp.sqrt(distance**2 + jnp.max(from_rim) ** 2 + TINY)
        return jnp.where(distance > 0, above, jnp.maximum(distance, jnp.max(inside)))

    def closest(self, point: Float[Array, " dim"]) -> tuple[Array, Array]:
        """Signed distance of a point, positive above the surface, and the in-plane position it is closest to [m]."""
        slope = jax.grad(self.height)
        target, level = point[:-1], point[-1]

        def improve(_, foot):
            # Damped fixed point of (y − x) + (s(y) − z) s'(y) = 0.
            moved = target - (self.height(foot) - level) * slope(foot)
            return 0.5 * foot + 0.5 * moved

        foot = jax.lax.stop_gradient(jax.lax.fori_loop(0, CLOSEST_POINT_STEPS, improve, target))
        gradient = slope(foot)
        upward = jnp.append(-gradient, 1.0) / jnp.sqrt(1 + jnp.sum(gradient**2))
        return upward @ (point - jnp.append(foot, self.height(foot))), foot


def distance_to_surface(surface: Surface, grid: Grid, length: Number) -> tuple[Array, Array]:
    """Signed distances of all cell centres [-] and the in-plane positions of their closest points [-]."""
    points = jnp.moveaxis(grid.cell_centres(), 0, -1).reshape(-1, grid.dim) * length
    distance, foot = jax.lax.map(surface.closest, points, batch_size=4096)
    return (
        distance.reshape(grid.shape) / length,
        jnp.moveaxis(foot.reshape(*grid.shape, grid.dim - 1), -1, 0) / length,
    )


def with_voids(surface: Surface, distance: Array, grid: Grid, length: Number) -> Array:
    """Signed distances of all cell centres to lithium with its voids [-]."""
    points = jnp.moveaxis(grid.cell_centres(), 0, -1).reshape(-1, grid.dim) * length
    return jax.vmap(surface.beside_voids)(distance.ravel() * length, points).reshape(grid.shape) / length


def step_down(distance: Array, width: float) -> Array:
    """½[1 − tanh(d/2w)]: one below a surface, zero above it."""
    return 0.5 * (1 - jnp.tanh(distance / (2 * width)))


def initial_state(
    stack: Stack, surface: Surface | Caps, drive: Drive, width: float, scales: Scales, grid: Grid
) -> State:
    """The state before the first step; traceable in every number of the stack and the surface.

    **Arguments:**

    - `drive`: of the first step; its pressure is what the solids are under.
    """
    if isinstance(surface, Caps):
        distance, foot = surface.distance(grid, scales.length), grid.cell_centres()[:-1]
        to_solid = jnp.minimum(distance, grid.cell_centres()[-1].astype(distance.dtype))
    else:
        distance, foot = distance_to_surface(surface, grid, scales.length)
        to_solid = distance
    dtype = distance.dtype
    lithium = beneath = step_down(distance, width)
    if stack.faces is not None and stack.faces.relief is not None:
        to_solid = stack.faces.relief.distance_to_solid(distance, grid, scales.length)
        beneath = step_down(to_solid, width)
    num_stress = 3 + len(grid.pairs)
    pressed = jnp.zeros((num_stress, *grid.shape), dtype).at[:3].set(-drive.pressure / scales.stress)
    coating = None
    covered = beneath
    if stack.coating is not None:
        coating = _coating(stack.coating, to_solid, foot, beneath, pressed, width, scales, grid)
        covered = beneath + coating.fraction
    if isinstance(surface, Surface) and surface.void_radius.size:
        lithium = step_down(with_voids(surface, distance, grid, scales.length), width)
    solution = _first_guess(stack, drive, scales, grid, dtype)
    if stack.coating is not None and coating is not None and coating.alloy is not None:
        solution = _in_equilibrium(stack.coating, coating, beneath, solution, width, scales)
    if stack.faces is not None:
        gap = gap_to(lithium, Look.at(beneath, width, grid), width, grid)
        solution = eqx.tree_at(
            lambda s: s.closeness,
            solution,
            closeness_at(gap, stack.faces.roughness / scales.length),
            is_leaf=lambda x: x is None,
        )
    vacancies = None
    if (lattice := mixture.lattice(stack, scales)) is not None:
        empty = lithium * lattice.equilibrium_at(drive.pressure / scales.stress)
        vacancies = Vacancies(empty.astype(dtype), jnp.zeros((), dtype))
    number = lambda x: jnp.asarray(x, dtype) + jnp.zeros((), dtype)  # noqa: E731
    liquid = stack.electrolyte is not None
    solid = stack.solid_electrolyte is not None
    long_ago = number(LONG_AGO)
    resistance = jnp.full(grid.shape, 1.0, dtype) * stack.lithium.initial_resistance / scales.stress
    return State(
        time=number(0.0),
        step=jnp.array(0, jnp.int32),
        lithium=lithium,
        lithium_stress=pressed,
        flow_resistance=resistance if stack.lithium.creeps else None,
        coating=coating,
        solid_electrolyte=1 - covered if solid else None,
        solid_electrolyte_stress=pressed if solid else None,
        salt=jnp.ones(grid.shape, dtype) if liquid else None,
        recent=Recent((solution, solution, solution), (long_ago, long_ago, long_ago)),
        plating=Plating(
            jnp.zeros(grid.shape, dtype),
            jnp.zeros((grid.dim, *grid.shape), dtype),
            jnp.zeros((grid.dim, *grid.shape), dtype),
            jnp.zeros((grid.dim, *grid.shape), dtype),
            number(0.0),
            jnp.zeros((grid.dim, *grid.shape), dtype) if stack.faces is not None else None,
            None if vacancies is None else jnp.zeros(grid.shape, dtype),
            *(() if coating is None or coating.alloy is None else [jnp.zeros(grid.shape, dtype)] * 2),
        ),
        plate_travel=number(0.0),
        lag=number(0.0),
        charge=number(0.0),
        charge_time=number(0.0),
        initial_lithium=volume(lithium if vacancies is None else lithium - vacancies.fraction, grid),
        initial_coating=number(0.0) if coating is None else volume(coating.fraction, grid),
        film=_film(stack, pressed, scales, grid),
        vacancies=vacancies,
    )


def volume(fraction: Cells, grid: Grid) -> Array:
    """Volume of a phase per electrode area [-]."""
    return jnp.sum(fraction) * grid.cell_volume / grid.area


def _film(stack: Stack, pressed: Array, scales: Scales, grid: Grid) -> FilmState | None:
    """On all lithium as thick, and not strained."""
    if stack.film is None:
        return None
    everywhere = jnp.ones(grid.shape, pressed.dtype)
    return FilmState(
        inner=everywhere * stack.film.inner_thickness / scales.length,
        outer=everywhere * stack.film.outer_thickness / scales.length,
        strain=jnp.zeros_like(pressed),
        rate=jnp.zeros_like(everywhere),
        charge=jnp.zeros((), pressed.dtype),
    )


def _coating(
    coating: Coating,
    distance: Cells,
    foot: Array,
    beneath: Cells,
    pressed: Array,
    width: float,
    scales: Scales,
    grid: Grid,
) -> CoatingState:
    thickness = coating.thickness / scales.length
    if coating.mosaic is not None:
        thickness = thickness * jnp.exp(coating.mosaic.thickness * coating.mosaic.at(foot, grid))
    fraction, depth = step_down(distance - thickness, width) - beneath, distance / thickness
    return CoatingState(
        fraction=fraction,
        depth=depth,
        drift=jnp.zeros((grid.dim - 1, *grid.shape), distance.dtype),
        stress=pressed,
        equilibrium_stress=jnp.zeros_like(pressed) if coating.has_equilibrium else None,
        strain=jnp.zeros_like(pressed),
        damage=None if coating.fracture is None else jnp.zeros_like(distance),
        alloy=_alloy(coating, fraction, depth, width, scales, grid) if coating.is_alloy else None,
    )


def _alloy(coating: Coating, fraction: Cells, depth: Cells, width: float, scales: Scales, grid: Grid) -> AlloyState:
    """What an alloy holds, of which the coating has its thickness with all that is in it."""
    blend = mixture.layer_blend(coating, width, scales)
    capacity = coating.alloy_property("capacity", depth, blend) * scales.molar_volume / FARADAY
    taken = coating.alloy_property("occupancy", depth, blend, per_capacity=True)
    unfilled = jnp.clip(fraction, 0.0, None) / (1 + coating.alloy_property("swelling", depth, blend) * taken)
    held = (capacity * taken * unfilled).astype(fraction.dtype)
    return AlloyState(held, volume(held, grid), jnp.zeros((), fraction.dtype), jnp.zeros((), fraction.dtype))


def _in_equilibrium(
    coating: Coating, coated: CoatingState, beneath: Cells, solution: Solution, width: float, scales: Scales
) -> Solution:
    """A guess of the potential at which the alloy holds what it does.

    To the last trace of it within the lithium: no conductor leads there, and Newton's method would have far to go.
    """
    blend = mixture.layer_blend(coating, width, scales)
    taken = coating.alloy_property("occupancy", coated.depth, blend, per_capacity=True)
    half = coating.alloy_property("potential", coated.depth, blend, per_capacity=True) / scales.potential
    spread = mixture.alloy_width(coating, coated.depth, blend, scales)
    over = potential_at(jnp.clip(taken, 1e-6, 1 - 1e-6), half, spread)
    there = jnp.clip(coated.fraction + beneath, 0.0, 1.0)
    potential = there / (there + 1e-6) * (solution.metal_potential - over)
    return eqx.tree_at(lambda s: s.potential, solution, potential.astype(solution.potential.dtype))


def _first_guess(stack: Stack, drive: Drive, scales: Scales, grid: Grid, dtype) -> Solution:
    """Nothing moves, and the metal sits at the potential of a bare flat electrode."""
    exchange = scales.current_density
    for material in (stack.electrolyte, stack.solid_electrolyte):
        exchange = exchange if material is None else material.exchange_current
    current = jnp.where(drive.is_potentiostatic, 0.0, drive.current)
    affinity = affinity_for(
        current / scales.current_density, exchange / scales.current_density, stack.transfer_coefficient
    )
    affinity = jnp.where(drive.is_potentiostatic, -drive.metal_potential / scales.potential, affinity).astype(dtype)
    return Solution(
        velocity=jnp.zeros((grid.dim, *grid.shape), dtype),
        plate_velocity=jnp.zeros((), dtype),
        affinity=jnp.full(grid.shape, 1.0, dtype) * affinity,
        potential=jnp.zeros(grid.shape, dtype),
        metal_potential=-affinity,
    )
