"""Sites of lithium's lattice that are empty: left where lithium is stripped, filled by diffusion, closed by pressure.

    ∂(ξθ)/∂t + ∇·(ξθ v) = ∇·(ξ D ∇θ) + j δ − k ξ (θ − θ_eq)          lithium = ∫ξ(1−θ) dV/Ω
    ∂ξ/∂t    + ∇·(ξ v)  = (i + j) δ  − k ξ (θ − θ_eq)                lattice

θ is the share of sites that are empty, c = 1−θ the occupancy, ξ the volume fraction of lattice, i > 0 plates. Under a
solid, stripping (i < 0) takes atoms and leaves their sites: j = −i. Plating fills empty sites as long as there are any,
and lays down new lattice on a full one. D is lithium's self-diffusivity: with i uniform and nothing that closes sites
the surface has lost its last atom after τ = πD(F/2Ωi)², and never does below i = FD/ΩL with a full lattice at depth L.

What closes sites takes the lattice with them, k = k_flow(p) + D/Λ²:

- Pressure. Empty sites far above equilibrium gather in pores, and these close as round holes in creeping lithium do,
  at a rate of k_flow = (3/2) B (3p/2n)ⁿ + (3/4) p/η (Wilkinson & Ashby, Acta Metall. 23 (1975) 1277; pores far apart,
  and lithium flowing steadily, are assumed).
- Dislocations and grain boundaries Λ apart.

θ_eq = θ₀ e^{−pΩ_v/RT}: at a few MPa what pressure does to equilibrium is a part in a hundred, what it does to flow is
everything. Lattice planes vanish across the electrode's normal, as stress has them do.

**The surface within a step.** Only occupied sites give up lithium, so stripping follows their share (see `reaction`).
That share at the end of the step is what it would be without a current, ĉ, and what a current changes, R i:

    c = ĉ + R i,        M θ̂ = ξθ/Δt − …,        M R = δ,        M = ξ/Δt − ∇·ξD∇

R is that of a uniform current, and so exact on a flat surface: there no step, however long, takes what is not there. Of
what is plated, ĉ leaving θ̂ = 1−ĉ, the share θ̂/(θ̂ + R i) goes to empty sites: all of it in the limit of short steps.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import average_to_faces, inverse_spacing
from interphase.physics.interface import Look, along_normals, between_cells, counted, in_cells, smooth_step
from interphase.solvers.krylov import SolveReport, conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Diffusion, smoothing_for_diffusion

FLOOR = 1e-6  # of a cell that can hold sites, so that no row of the matrix is empty
TAIL = 1e-3  # of D, left in the tail of the profile that counts for no surface, so that it follows what is beside it
WHOLE = (0.93, 0.98)  # fraction beneath what rides from which on, and in full, a cell's lattice closes where it is
BEHIND = 5.0  # cells behind the surface that tell the pressure of lithium which shares its cell with what rides
TOLERANCE = 1e-8  # of the change in a step
SCARCE = 1e-6  # surface across an interface below which there is none


class Lattice(eqx.Module):
    """Lithium's lattice, non-dimensional.

    **Arguments:**

    - `diffusivity`: D. `equilibrium`: θ₀; `volume`: Ω_v/Ω.
    - `closing_rate`: (3/2)B Sⁿ; `closing_exponent`: n; `closing_stress`: 2nS/3; `fluidity`: 3/(4η); `sinks`: D/Λ².
    - `goes_on`: below the lower wall, full of lithium; otherwise nothing goes through that wall.
    """

    diffusivity: Scalar
    equilibrium: Scalar
    volume: Scalar
    closing_rate: Scalar
    closing_exponent: Scalar
    closing_stress: Scalar
    fluidity: Scalar
    sinks: Scalar
    goes_on: bool = eqx.field(static=True)

    def equilibrium_at(self, pressure: Array) -> Array:
        """θ_eq."""
        return self.equilibrium * jnp.exp(-pressure * self.volume)

    def closing_at(self, pressure: Array) -> Array:
        """k."""
        pressing = jnp.maximum(pressure, 0.0)
        flow = self.closing_rate * (pressing / self.closing_stress) ** self.closing_exponent
        return flow + self.fluidity * pressing + self.sinks

    def operator(self, lithium: Cells, dt: Array, grid: Grid, closing: Array | float = 0.0) -> Diffusion:
        """M; with `closing`, a rate, what the same law is when sites also close."""
        share, faces = counted(lithium), []
        for a in grid.axes:
            conducts = self.diffusivity * (average_to_faces(share, a) + TAIL) * inverse_spacing(grid, a) ** 2
            faces.append(conducts.at[..., 0].set(0.0) if a == -1 else conducts)
        storing = held_in(lithium) * (1 / dt + closing)
        if self.goes_on:
            storing = storing.at[..., 0].add(self.below(grid))
        return Diffusion(grid, jnp.stack(faces), storing, jnp.zeros_like(lithium[..., -1]))

    def below(self, grid: Grid) -> Array:
        """Conductance from the lowest cells to the lower wall."""
        return self.diffusivity * 2 * inverse_spacing(grid, -1) ** 2

    def from_below(self, pressure: Cells, grid: Grid) -> Cells:
        """What a lattice in equilibrium at the lower wall adds to the right side."""
        source = jnp.zeros_like(pressure)
        if not self.goes_on:
            return source
        return source.at[..., 0].set(self.below(grid) * self.equilibrium_at(pressure[..., 0]))

    def spread(self, vacant: Cells, lithium: Cells, pressure: Cells, dt: Array, grid: Grid) -> tuple[Cells, Array]:
        """Empty sites per volume after they have diffused for `dt`, and the lithium that came from below per area.

        What is returned is moved by fluxes between cells: it is conserved however well the equations are solved.
        """
        operator, source = self.operator(lithium, dt, grid), self.from_below(pressure, grid)
        share, _ = solve(operator, vacant / dt + source, vacant / held_in(lithium))
        moved = vacant + dt * (source - operator(share) + held_in(lithium) / dt * share)
        if not self.goes_on:
            return moved, jnp.zeros(())
        gone = self.below(grid) * share[..., 0] - source[..., 0]
        return moved, dt * jnp.sum(gone) * grid.cell_volume / grid.area


def held_in(lithium: Cells) -> Cells:
    """Sites per volume."""
    return jnp.maximum(lithium, 0.0) + FLOOR


def surface_share(vacant: Cells, lithium: Cells, look: Look, grid: Grid) -> Cells:
    """θ of the surface, as seen from every cell."""
    return between_cells((vacant / held_in(lithium))[None], look.nearest, grid)[0]


def pressure_in(stress: Array) -> Cells:
    """p = −tr σ/3."""
    return -(stress[0] + stress[1] + stress[2]) / 3


def solve(operator: Diffusion, right_side: Cells, guess: Cells) -> tuple[Cells, SolveReport]:
    """x of M x = right side, from a guess; differentiated through the answer."""
    cycle = Multigrid.build(jax.lax.stop_gradient(operator), smoothing_for_diffusion(), jnp.float32)

    def iterate(matvec, b):
        return conjugate_gradients(matvec, b, cycle, tolerance=TOLERANCE)

    change, report = jax.lax.custom_linear_solve(  # pyright: ignore[reportGeneralTypeIssues]
        operator, right_side - operator(guess), iterate, iterate, symmetric=True, has_aux=True
    )
    return guess + change, report


class Sites(eqx.Module):
    """The lattice of a step, as force, charge and reaction see it.

    **Arguments:**

    - `occupancy`: ĉ at the surface, as seen from every cell; `depletion`: R.
    - `closing`: share of a cell's lattice that vanishes in the step where it is.
    - `sinking`: volume fraction of lattice that vanishes in the step at the surface.
    - `report`: how the worst of the solves for them went.
    """

    occupancy: Cells
    depletion: Cells
    closing: Cells
    sinking: Cells
    report: SolveReport

    @staticmethod
    def at(
        lattice: Lattice,
        vacant: Cells,
        lithium: Cells,
        beneath: Cells,
        stress: Array,
        look: Look,
        area: Cells,
        usual: Cells,
        dt: Array,
        width: float,
        grid: Grid,
    ) -> "Sites":
        """The sites of a step that begins with `vacant` of them per volume.

        **Arguments:** `usual`: rate at which sites were emptied of late, per volume; what closes is reckoned with it.
        """
        pressure, whole = pressure_in(stress), smooth_step(beneath, *WHOLE)
        behind = look.nearest - BEHIND * in_cells(look.normal, grid)
        pressure = whole * pressure + (1 - whole) * between_cells(pressure[None], behind, grid)[0]
        share = vacant / held_in(lithium)
        rate, equilibrium = lattice.closing_at(pressure), lattice.equilibrium_at(pressure)
        below = lattice.from_below(pressure, grid)
        source = vacant / dt + usual + below + held_in(lithium) * rate * equilibrium
        foreseen, first = solve(lattice.operator(lithium, dt, grid, rate), source, share)
        closing = (foreseen - equilibrium) * rate * dt
        # Where what rides shares the cell, the two would be strained together: there planes vanish from the surface.
        both = jnp.stack([area, jnp.maximum(lithium, 0.0) * closing * (1 - whole)])
        across, sunk = along_normals(both, look.nearest, look.normal, width, grid)
        closing, sinking = whole * closing, area * sunk / (across + SCARCE)
        left = vacant - jnp.maximum(lithium, 0.0) * closing - sinking
        operator = lattice.operator(lithium, dt, grid)
        quiet, report = solve(operator, left / dt + below, share)
        depletion, other = solve(operator, area, jnp.zeros_like(area))
        quiet, depletion = between_cells(jnp.stack([quiet, depletion]), look.nearest, grid)
        worst = jax.tree.map(lambda *reports: jnp.max(jnp.stack(reports)), first, report, other)
        return Sites(1 - quiet, depletion, closing, sinking, worst)

    def renewed(self, current: Cells) -> Cells:
        """i + j: what of a plating current lays down new lattice; of a stripping one nothing takes it away."""
        plated = jnp.maximum(current, 0.0)
        filling = self.depletion * plated
        empty = jnp.maximum(1 - self.occupancy, 0.0)
        return plated * filling / (empty + filling + 1e-12)
