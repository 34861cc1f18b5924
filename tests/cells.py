"""Small cells built by hand: grids, fields, materials, and a model with its state at time zero."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.grid.grid import Grid
from interphase.materials.coating import Coating, Layer, Mosaic
from interphase.materials.material import Electrolyte, Lithium, SolidElectrolyte
from interphase.materials.stack import Faces, Stack
from interphase.model import Model, Numerics
from interphase.physics.charge import METAL_FLOOR, Conductor, conductor, series_conductivity
from interphase.physics.start import Surface, initial_state, step_down
from interphase.protocol import Drive
from interphase.state import State
from interphase.units import Scales

TEMPERATURE = 298.15  # [K]
MOLAR_VOLUME = 13e-6  # of lithium [m³/mol]
CONCENTRATION = 1000.0  # [mol/m³]


def scalar(value: float) -> Array:
    return jnp.asarray(float(value))


def profile(value: float) -> Array:
    return jnp.asarray([float(value)])


def lithium(
    creeps: bool = True, modulus: float = 7.82e9, poisson_ratio: float = 0.381, surface_energy: float = 0.5
) -> Lithium:
    """Lithium with the Anand–Narayan constants at 298 K, SI."""
    return Lithium(
        modulus=scalar(modulus),
        poisson_ratio=scalar(poisson_ratio),
        surface_energy=scalar(surface_energy),
        creep_rate=scalar(4.25e4 * math.exp(-37e3 / (8.314462618 * 298.0))),
        creep_exponent=scalar(1 / 0.15),
        initial_resistance=scalar(1.1e6),
        saturation_resistance=scalar(2e6),
        hardening_modulus=scalar(10e6),
        hardening_exponent=scalar(2.0),
        rate_hardening=scalar(0.05),
        diffusional_viscosity=scalar(1e30),
        creeps=creeps,
    )


def layer(
    thickness: float = 100e-9,
    modulus: float = 77e9,
    poisson_ratio: float = 0.25,
    ionic_conductivity: float = 2e-4,
    exchange_current: float = 70.0,
    yield_strength: float = 1e15,
    relaxation_time: float = 1e15,
    relaxed_fraction: float = 0.0,
    tunnelling_thickness: float = 2e-9,
    electronic_conductivity: float = 1e-30,
) -> Layer:
    """One uniform single-ion layer, SI."""
    return Layer(
        thickness=scalar(thickness),
        modulus=profile(modulus),
        poisson_ratio=profile(poisson_ratio),
        ionic_conductivity=profile(ionic_conductivity),
        transference_number=profile(1.0),
        salt_diffusivity=profile(1e-12),
        exchange_current=profile(exchange_current),
        yield_strength=profile(yield_strength),
        relaxation_time=profile(relaxation_time),
        relaxed_fraction=profile(relaxed_fraction),
        strain_limit=profile(1.0),
        strength=profile(1e15),
        toughness=profile(1e15),
        tunnelling_thickness=profile(tunnelling_thickness),
        electronic_conductivity=profile(electronic_conductivity),
    )


def coating(
    *layers: Layer,
    mosaic: Mosaic | None = None,
    yields: bool = False,
    relaxes: bool = False,
    has_equilibrium: bool = False,
) -> Coating:
    return Coating(layers, mosaic, yields, relaxes, has_equilibrium)


def electrolyte(
    conductivity: float = 1.0,
    diffusivity: float = 3e-10,
    transference_number: float = 0.38,
    exchange_current: float = 70.0,
) -> Electrolyte:
    """A liquid with constant properties, SI."""
    return Electrolyte(
        concentration=scalar(CONCENTRATION),
        conductivity=profile(conductivity),
        log_diffusivity=profile(math.log10(diffusivity)),
        thermodynamic_factor=profile(1.0),
        transference_number=scalar(transference_number),
        exchange_current=scalar(exchange_current),
    )


def scales(length: float = 8e-9, current_density: float = 10.0) -> Scales:
    return Scales(length, current_density, TEMPERATURE, MOLAR_VOLUME, CONCENTRATION)


def drive(current: float = 10.0, pressure: float = 1e5, metal_potential: float | None = None) -> Drive:
    """Galvanostatic, or potentiostatic where a metal potential is given; SI."""
    return Drive(
        scalar(current),
        scalar(metal_potential or 0.0),
        jnp.asarray(metal_potential is not None),
        scalar(pressure),
    )


def make(
    shape: tuple[int, ...] = (32, 32),
    spacing: float | tuple[float, ...] = 32e-9,
    coat: Coating | None = None,
    metal: Lithium | None = None,
    liquid: Electrolyte | None = None,
    solid: SolidElectrolyte | None = None,
    current_density: float = 10.0,
    level: float = 150e-9,
    bump_height: float = 60e-9,
    bump_radius: float = 150e-9,
    waves: tuple[tuple[float, int], ...] = (),
    film_resistance: float = 0.0,
    width: float = 1.0,
    numerics: Numerics | None = None,
    transfer_coefficient: float = 0.5,
    pressure: float = 1e5,
    has_plate: bool = False,
    has_reservoir: bool = True,
    faces: Faces | None = None,
    voids: tuple[tuple[float, ...], ...] = (),
) -> tuple[Model, State]:
    """A model and its state at time zero: lithium with a bump and waves, a coating, then liquid or solid electrolyte.

    **Arguments:**

    - `waves`: height [m] and number of periods of cosines along the first axis.
    - `voids`: radius and centre [m].
    - `liquid`: the default liquid where neither a liquid nor a solid is given.
    """
    dim = len(shape)
    spacing = spacing if isinstance(spacing, tuple) else (spacing,) * dim
    units = scales(spacing[-1], current_density)
    grid = Grid(shape, tuple(h / spacing[-1] for h in spacing))
    liquid = electrolyte() if liquid is None and solid is None else liquid
    stack = Stack(
        metal or lithium(),
        coat,
        liquid,
        solid,
        faces,
        scalar(film_resistance),
        scalar(transfer_coefficient),
        scalar(TEMPERATURE),
    )
    numerics = numerics or Numerics(interface_width=width)
    model = Model(grid, stack, numerics, units, has_plate=has_plate, has_reservoir=has_reservoir)

    period = tuple(n * h for n, h in zip(shape[:-1], spacing[:-1], strict=True))
    bumps = 1 if bump_height else 0
    surface = Surface(
        level=scalar(level),
        bump_height=jnp.full(bumps, bump_height),
        bump_radius=jnp.full(bumps, bump_radius),
        bump_centre=jnp.asarray([[p / 2 for p in period]] * bumps).reshape(bumps, dim - 1),
        wave_height=jnp.asarray([float(height) for height, _ in waves]),
        wave_vector=jnp.asarray(
            [[2 * math.pi * number / period[0]] + [0.0] * (dim - 2) for _, number in waves]
        ).reshape(len(waves), dim - 1),
        wave_phase=jnp.zeros(len(waves)),
        void_radius=jnp.asarray([void[0] for void in voids], float),
        void_centre=jnp.asarray([void[1:] for void in voids], float).reshape(len(voids), dim),
        period=period,
    )
    begin = drive(current_density, pressure)
    return model, initial_state(stack, surface, begin, model.width, units, grid)


# --- fields without a model -----------------------------------------------------------------------------------------


def cube(cells: int, dim: int) -> Grid:
    """A box of unit edge."""
    return Grid((cells,) * dim, (1 / cells,) * dim)


def random(seed: int, *shape: int) -> Array:
    return jax.random.normal(jax.random.key(seed), shape)


def bump(grid: Grid, thickness: float = 0.12, width: float = 1.0) -> tuple[Array, Array, Array]:
    """Fractions of lithium with a Gaussian bump, of a coating on it, and of what is left, in a box of unit edge.

    **Arguments:**

    - `width`: of the interfaces, in cells.
    """
    *plane, height = grid.cell_centres()
    crest = 0.3 + 0.1 * jnp.exp(-sum(((x - 0.5) / 0.15) ** 2 for x in plane))
    metal = step_down(height - crest, width * grid.spacing[-1])
    both = step_down(height - crest - thickness, width * grid.spacing[-1])
    return metal, both - metal, 1 - both


def bump_conductor(grid: Grid, ratio: float, conductivity: float = 1.0, **shape: float) -> Conductor:
    """Conductances of `bump` with a coating of `ratio` times the electrolyte's conductivity."""
    metal, film, liquid = bump(grid, **shape)
    kappa = series_conductivity(
        [film, liquid], [jnp.asarray(1 / (ratio * conductivity)), jnp.asarray(1 / conductivity)]
    )
    return conductor(metal, kappa, METAL_FLOOR * conductivity, grid)


def bump_moduli(grid: Grid, contrast: float, poisson_ratio: float) -> tuple[Array, Array]:
    """Lamé's λ and μ of `bump`: lithium 1, a film ten times as stiff, a matrix `contrast` times softer than that."""
    metal, film, liquid = bump(grid)
    modulus = metal + 10 * film + 10 / contrast * liquid
    mu = modulus / (2 * (1 + poisson_ratio))
    return 2 * mu * poisson_ratio / (1 - 2 * poisson_ratio), mu
