"""Lithium with a void under stack pressure: lithium creeps, the electrolyte on it is elastic, strains are small.

    ∇·σ = 0,      σ = h(ξ) C (ε − ε_c)   in lithium,      ⟨σ_zz⟩ = −P above,      ε̇_c = ε̇₀ (q/S)ⁿ

Unknowns are the displacements of a step at faces, and the plate's; walls slide, the lower one stands still, and the
electrolyte is bonded. A void keeps a share NOTHING of lithium's moduli against the motion of one step.

What the void's equations see of it: ψ = p²/2K + q²/6G of lithium, and s of the mean stress −h p. Where lithium goes is
not among it: ξ lives on the lattice as it was, and what creep closes is displacement only, −∫(1−h) tr ε dV. The set
also strains lithium by ⅓(1−Ω_v/Ω) Δθ, 1e-12 where ln(θ/θ₀) is 0.003; that is left out.
Source of the flow: Anand & Narayan, J. Electrochem. Soc. 166 (2019) A1092, as in `creep`.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Faces, Scalar, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.physics.creep import Elastic, Hardening, PowerLawCreep
from interphase.physics.momentum import Body, Phase, Response, Strains, von_mises_square
from interphase.physics.tangent import Tangent
from interphase.physics.void_current import whole
from interphase.physics.void_field import Constants, filled
from interphase.physics.void_growth import Load
from interphase.solvers.krylov import dot, gmres
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.newton import AbstractLinearisation, AbstractRootProblem, Newton, NewtonReport
from interphase.solvers.preconditioners import smoothing_for_elasticity
from interphase.units import GAS_CONSTANT

NOTHING = 1e-4
NEWTON = Newton(tolerance=1e-6, most_steps=40, prepares_anew=True)

Motion = tuple[Faces, Scalar]


class Solids(eqx.Module):
    """What the set says of both solids, SI.

    **Arguments:** moduli; `rate`: ε̇₀ [1/s]; `exponent`: n; `resistance`: S at first [Pa]; `hardening`: how it grows.
    """

    bulk_modulus: Scalar
    shear_modulus: Scalar
    rate: Scalar
    exponent: Scalar
    resistance: Scalar
    hardening: Hardening
    electrolyte_bulk_modulus: Scalar
    electrolyte_shear_modulus: Scalar

    @staticmethod
    def of_zhao_2022(electrolyte_modulus: float = 150e9) -> "Solids":
        """Lithium of 4.9 GPa with Anand's flow at 298 K; ν = 0.257 of the electrolyte, whose modulus is a garnet's."""
        number = jnp.asarray
        bulk, shear = map(number, _moduli(4.9e9, 0.38))
        stiff_bulk, stiff_shear = map(number, _moduli(electrolyte_modulus, 0.257))
        return Solids(
            bulk_modulus=bulk,
            shear_modulus=shear,
            rate=number(4.25e4 * math.exp(-37e3 / (GAS_CONSTANT * 298.0))),
            exponent=number(1 / 0.15),
            resistance=number(1.1e6),
            hardening=Hardening(number(10e6), number(2.0), number(2.0e6), number(0.05)),
            electrolyte_bulk_modulus=stiff_bulk,
            electrolyte_shear_modulus=stiff_shear,
        )


def _moduli(modulus: float, poisson_ratio: float) -> tuple[float, float]:
    """K and G."""
    return modulus / (3 * (1 - 2 * poisson_ratio)), modulus / (2 * (1 + poisson_ratio))


class Pressed(eqx.Module):
    """Both solids in equilibrium, on the grid of both.

    **Arguments:**

    - `lithium`, `electrolyte`: their stresses; `resistance`: S; `motion`: of the last step.
    - `closed`: −∫(1−h) tr ε dV so far; in 2-D an area.
    """

    lithium: Stresses
    electrolyte: Stresses
    resistance: Cells
    motion: Motion
    closed: Scalar

    @staticmethod
    def at_rest(solids: Solids, grid: Grid) -> "Pressed":
        """Without stress."""
        stress = jnp.zeros((4 if grid.dim == 2 else 6, *grid.shape))
        motion = (jnp.zeros((grid.dim, *grid.shape)), jnp.zeros(()))
        return Pressed(stress, stress, jnp.full(grid.shape, solids.resistance), motion, jnp.zeros(()))

    def load(self, plated: Cells, solids: Solids, constants: Constants, fraction: Cells) -> Load:
        """What acts on the void."""
        k = fraction.shape[-1]
        stress = self.lithium[..., :k]
        mean = summed(stress[:3]) / 3
        energy = mean**2 / (2 * solids.bulk_modulus) + von_mises_square(stress) / (6 * solids.shear_modulus)
        apart = constants.molar_volume - constants.vacancy_volume
        drift = apart / (constants.stress * constants.molar_volume) * filled(fraction) * mean
        return Load(plated, energy, drift)


class Equilibrium(AbstractRootProblem):
    """The balance of forces of a step.

    **Arguments:** `pressure`: P.
    """

    body: Body
    pressure: Scalar
    dt: Scalar

    def mechanics(self, unknowns: Motion) -> tuple[Strains, list[Response]]:
        strains = self.body.strain(*unknowns, jnp.zeros_like(self.body.filler))
        return strains, self.body.responses(strains, self.dt)

    def residual(self, unknowns: Motion) -> Motion:
        strains, responses = self.mechanics(unknowns)
        force = self.body.force(strains, responses) / self.force_scale
        missing = self.pressure - self.body.plate_pressure(self.body.stress(strains, responses))
        still = unknowns[0][-1, ..., 0] / self.body.grid.spacing[-1]  # of the lower wall
        return force.at[-1, ..., 0].set(still), missing / self.stress_scale

    @property
    def stress_scale(self) -> Array:
        return self.pressure + 1e-6 * self.body.phases[0].bulk_modulus

    @property
    def force_scale(self) -> Array:
        grid = self.body.grid
        return self.stress_scale / grid.spacing[-1] * math.sqrt(math.prod(grid.shape))

    def prepare(self, unknowns: Motion) -> "Cycle":
        return Cycle.build(*jax.lax.stop_gradient((self, unknowns)))

    def linearised(self, unknowns: Motion, prepared: "Cycle") -> "Linearisation":
        return Linearisation(*jax.lax.stop_gradient((self, prepared)))


class Cycle(eqx.Module):
    """A multigrid cycle of the force; the plate takes the layers beneath it along as their stiffness has it.

    **Arguments:** `lift`: how they follow a unit motion of the plate; `stiffness`: the force per area that takes.
    """

    tangent: Tangent
    elasticity: Multigrid
    lift: Motion
    stiffness: Scalar

    @staticmethod
    def build(problem: Equilibrium, unknowns: Motion) -> "Cycle":
        body, grid = problem.body, problem.body.grid
        tangent = Tangent.of(body, *problem.mechanics(unknowns), problem.dt)
        elastic = tangent.elasticity(jnp.zeros(grid.shape), tangent.of_growth())
        layers = grid.spacing[-1] / jnp.mean(elastic.normal_stiffness[-1, -1], axis=tuple(range(grid.dim - 1)))
        below = (jnp.cumsum(layers) - layers) / jnp.sum(layers)
        lift = (jnp.zeros((grid.dim, *grid.shape)).at[-1].set(below), jnp.ones(()))
        cycle = Multigrid.build(elastic, smoothing_for_elasticity(grid.dim, 0.4), jnp.float32)
        return Cycle(tangent, cycle, lift, grid.shape_in_plane / (grid.spacing[-1] * jnp.sum(layers)))

    def force(self, motion: Motion) -> Motion:
        """Of a small motion, at faces and on the plate."""
        increment = self.tangent.increment(*motion)
        return self.tangent.force(self.tangent.change(increment), increment.edges)

    def __call__(self, force: Motion) -> Motion:
        lifted = dot(self.lift, force) / self.stiffness
        return self.elasticity(force[0]) + lifted * self.lift[0], lifted


class Linearisation(AbstractLinearisation):
    """The Jacobian: the tangent, its rows scaled as the residual is."""

    problem: Equilibrium
    cycle: Cycle

    def solve(self, residual: Motion, tolerance: Array) -> tuple[Motion, Array]:
        change, report = gmres(self._operator, residual, self._sweep, tolerance, basis_size=30)
        return change, report.iterations

    def inverse(self, residual: Motion, tolerance: float) -> Motion:
        def solve(operator, rows):
            return gmres(operator, rows, self._sweep, tolerance, basis_size=30)[0]

        def transpose_solve(operator, rows):
            transposed = jax.linear_transpose(self._sweep, rows)
            return gmres(operator, rows, lambda r: transposed(r)[0], tolerance, basis_size=30)[0]

        return jax.lax.custom_linear_solve(self._operator, residual, solve, transpose_solve)

    @property
    def _plate_scale(self) -> Array:
        grid = self.problem.body.grid
        return self.problem.stress_scale * grid.shape_in_plane / grid.spacing[-1]

    def _operator(self, motion: Motion) -> Motion:
        on_faces, on_plate = self.cycle.force(motion)
        on_faces = on_faces / self.problem.force_scale
        still = motion[0][-1, ..., 0] / self.problem.body.grid.spacing[-1]
        return on_faces.at[-1, ..., 0].set(still), on_plate / self._plate_scale

    def _sweep(self, rows: Motion) -> Motion:
        on_faces, on_plate = rows
        force = (on_faces * self.problem.force_scale).at[-1, ..., 0].set(0.0)
        displacement, plate = self.cycle((force, on_plate * self._plate_scale))
        still = on_faces[-1, ..., 0] * self.problem.body.grid.spacing[-1]
        return displacement.at[-1, ..., 0].set(still), plate


def press(
    pressed: Pressed, fraction: Cells, pressure: Array, dt: Array, solids: Solids, grid: Grid
) -> tuple[Pressed, NewtonReport]:
    """Both solids after `dt` under `pressure`; `grid`: of lithium alone, `pressed` knows the electrolyte's height."""
    both = whole(grid, pressed.resistance.shape[-1] - grid.shape[-1])
    above = both.shape[-1] - grid.shape[-1]
    ends = [(0, 0)] * (grid.dim - 1)
    metal = jnp.pad(jnp.clip(filled(fraction), 0.0, 1.0), [*ends, (0, above)])
    stiff = jnp.pad(jnp.ones((*grid.shape[:-1], above)), [*ends, (grid.shape[-1], 0)])
    endless = jnp.asarray(1e30)
    flow = PowerLawCreep(pressed.resistance, solids.rate, solids.exponent, endless)
    phases = (
        Phase(metal, solids.bulk_modulus, solids.shear_modulus, flow, pressed.lithium),
        Phase(stiff, solids.electrolyte_bulk_modulus, solids.electrolyte_shear_modulus, Elastic(), pressed.electrolyte),
    )
    weak = (NOTHING * solids.bulk_modulus, NOTHING * solids.shear_modulus, jnp.zeros(both.shape))
    body = Body(both, phases, 1 - metal - stiff, *weak, jnp.zeros_like(pressed.lithium))
    problem = Equilibrium(body, pressure, dt)
    motion, report = NEWTON.solve(problem, pressed.motion)
    strains, (lithium, electrolyte) = problem.mechanics(motion)
    crept = lithium.trial * (1 - lithium.factor) / (3 * solids.shear_modulus)
    resistance = solids.hardening.updated(pressed.resistance, crept, dt, solids.rate)
    opened = jnp.sum(body.filler * summed(strains.riding.normal)) * both.cell_volume
    return Pressed(lithium.stress, electrolyte.stress, resistance, motion, pressed.closed - opened), report
