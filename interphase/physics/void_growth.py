"""One step of a void that grows out of lithium: fraction and empty sites together, implicit.

    (ξ − ξ⁰)/LwΔt + δF/wδξ + h' (m + Ω_v/Ω ψ/w) = 0                 m = RT/Ωw ln(θ/θ₀)
    h(1−θ) − N⁰ + Δt ∇·[D h ∇(μ + s)] − Δt (Ω/F) i δ = 0            N⁰ = h(1−θ) at the start of the step

Empty sites store next to nothing and move as fast as D/θ₀, 4e-4 m²/s: where ξ changes, their flux has to follow within
the step. Newton's method solves for ξ and m; by the choice of m its matrix is, but for what ∂ξ makes of the flux,

    [ A   h' ]        A = 1/LwΔt + g'' + h''m − κ/w ∇²
    [ −h' C  ]        C = wΩ/RT (hθ − Δt ∇·Dh∇)

with a positive symmetric part as long as Δt does not exceed 1/Lw (286 s) by much. GMRES inverts it; one sweep takes a
multigrid cycle of A for ξ, one of C + h'²/a for m, a the diagonal of A without κ, and again one of A. N moves by fluxes
between cells alone, so lithium is conserved however well that is solved. See `void_field` for the letters.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import average_to_faces, difference_to_faces, divergence, inverse_spacing
from interphase.physics.void_field import Constants, double_well, filled, pull, slope_of
from interphase.solvers.krylov import gmres
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.newton import AbstractLinearisation, AbstractRootProblem, Newton, NewtonReport
from interphase.solvers.preconditioners import Diffusion, smoothing_for_diffusion

EMPTY = 1e-6  # of lithium's diffusivity, left where there is none, so that no row of the matrix is empty
NEWTON = Newton(tolerance=1e-7, most_steps=25, prepares_anew=True)

Unknowns = tuple[Cells, Cells]  # ξ and m; as rows: the two equations


class Void(eqx.Module):
    """What moves.

    **Arguments:** `fraction`: ξ; `excess`: μ = ln(θ/θ₀); `lithium`: N.
    """

    fraction: Cells
    excess: Cells
    lithium: Cells

    @staticmethod
    def at_rest(fraction: Cells, constants: Constants) -> "Void":
        """A void whose lithium has the empty sites of equilibrium."""
        excess = jnp.zeros_like(fraction)
        return Void(fraction, excess, held(fraction, excess, constants))


class Load(eqx.Module):
    """What acts on lithium in a step.

    **Arguments:** `plated`: (Ω/F) i δ, volume per volume and time; `energy`: ψ; `drift`: s.
    """

    plated: Cells
    energy: Cells
    drift: Cells

    @staticmethod
    def none(grid: Grid) -> "Load":
        return Load(*[jnp.zeros(grid.shape)] * 3)


def held(fraction: Cells, excess: Cells, constants: Constants) -> Cells:
    """h(1−θ)."""
    return filled(fraction) * (1 - constants.equilibrium * jnp.exp(excess))


def inflow(fraction: Cells, potential: Cells, constants: Constants, grid: Grid) -> Cells:
    """−∇·[D h ∇(μ + s)]: lithium goes where its empty sites come from. Nothing goes through the walls."""
    share = filled(fraction) + EMPTY
    fluxes = [average_to_faces(share, a) * difference_to_faces(potential, grid, a) for a in grid.axes]
    return -constants.diffusivity * divergence(jnp.stack(fluxes), grid)


class Growth(AbstractRootProblem):
    """The equations of a step."""

    grid: Grid
    constants: Constants
    start: Void
    load: Load
    dt: Scalar

    @property
    def excess_scale(self) -> Array | float:
        """μ/m."""
        return self.constants.well / self.constants.stress

    def residual(self, unknowns: Unknowns) -> Unknowns:
        (fraction, drive), constants = unknowns, self.constants
        well, excess = constants.well, self.excess_scale * drive
        pressing = well * drive + constants.vacancy_volume / constants.molar_volume * self.load.energy
        slow = (fraction - self.start.fraction) / (constants.mobility * self.dt)
        opposed = (slow + pull(fraction, pressing, constants, self.grid)) / well
        return opposed, held(fraction, excess, constants) - self.lithium(fraction, excess)

    def lithium(self, fraction: Cells, excess: Cells) -> Cells:
        """N at the end of the step."""
        moved = inflow(fraction, excess + self.load.drift, self.constants, self.grid)
        return self.start.lithium + self.dt * (moved + self.load.plated)

    def prepare(self, unknowns: Unknowns) -> "Cycles":
        return Cycles.build(*jax.lax.stop_gradient((self, unknowns)))

    def linearised(self, unknowns: Unknowns, prepared: "Cycles") -> "Linearisation":
        return Linearisation(*jax.lax.stop_gradient((self, unknowns, prepared)))


class Cycles(eqx.Module):
    """Multigrid cycles for ξ and for m once ξ has answered, and h' between them."""

    fraction: Multigrid
    drive: Multigrid
    slope: Cells

    @staticmethod
    def build(problem: Growth, unknowns: Unknowns) -> "Cycles":
        (fraction, drive), constants, grid = unknowns, problem.constants, problem.grid
        slope = slope_of(filled, fraction)
        bend = slope_of(lambda x: slope_of(double_well, x) + drive * slope_of(filled, x), fraction)
        stiff = 1 / (constants.mobility * constants.well * problem.dt) + jnp.maximum(bend, 0.0)
        ones = jnp.ones_like(fraction)
        smoothing = _diffusion(grid, constants.gradient_coefficient / constants.well, ones, stiff)
        spread = problem.excess_scale * problem.dt * constants.diffusivity
        stored = problem.excess_scale * filled(fraction) * constants.equilibrium * jnp.exp(problem.excess_scale * drive)
        answering = _diffusion(grid, spread, filled(fraction) + EMPTY, stored + slope**2 / stiff)
        first, second = (Multigrid.build(o, smoothing_for_diffusion(), jnp.float32) for o in (smoothing, answering))
        return Cycles(first, second, slope)

    def __call__(self, rows: Unknowns) -> Unknowns:
        """One sweep: ξ as if m stood still, m as ξ answers to it, ξ again."""
        fraction = self.fraction(rows[0])
        drive = self.drive(rows[1] + self.slope * fraction)
        return fraction - self.fraction(self.slope * drive), drive


class Linearisation(AbstractLinearisation):
    """The Jacobian, its second row with the sign of the first."""

    problem: Growth
    unknowns: Unknowns
    cycles: Cycles

    def solve(self, residual: Unknowns, tolerance: Array) -> tuple[Unknowns, Array]:
        change, report = gmres(self._operator(), (residual[0], -residual[1]), self.cycles, tolerance)
        return change, report.iterations

    def inverse(self, residual: Unknowns, tolerance: float) -> Unknowns:
        def solve(operator, rows):
            return gmres(operator, rows, self.cycles, tolerance)[0]

        def transpose_solve(operator, rows):
            transposed = jax.linear_transpose(self.cycles, rows)
            return gmres(operator, rows, lambda r: transposed(r)[0], tolerance)[0]

        rows = (residual[0], -residual[1])
        return jax.lax.custom_linear_solve(self._operator(), rows, solve, transpose_solve)

    def _operator(self):
        _, linear = jax.linearize(self.problem.residual, self.unknowns)

        def signed(change):
            first, second = linear(change)
            return first, -second

        return signed


def _diffusion(grid: Grid, factor: Array | float, share: Cells, reaction: Cells) -> Diffusion:
    """−factor ∇·share∇ + reaction between insulated walls."""
    faces = []
    for a in grid.axes:
        conducts = factor * average_to_faces(share, a) * inverse_spacing(grid, a) ** 2
        faces.append(conducts.at[..., 0].set(0.0) if a == -1 else conducts)
    return Diffusion(grid, jnp.stack(faces), reaction, jnp.zeros_like(share[..., -1]))


def step(
    void: Void, load: Load, dt: Array, constants: Constants, grid: Grid, newton: Newton = NEWTON
) -> tuple[Void, NewtonReport]:
    """The void after `dt`."""
    problem = Growth(grid, constants, void, load, dt)
    (fraction, drive), report = newton.solve(problem, (void.fraction, void.excess / problem.excess_scale))
    excess = problem.excess_scale * drive
    return Void(fraction, excess, problem.lithium(fraction, excess)), report
