"""Quasi-static momentum balance as the minimum of one incremental potential in the material velocity.

    Π(v) = Σ_cells h^d Σ_p f_p [ ½K_p(tr ε)² + p_p tr ε + Φ_p(q_tr) ],    ε = Δt[D(v) − (Ω/F) i δ n⊗n]
    0 = ∂Π/∂v = −∇·σ

Unknown v at faces (zero on the lower wall, sliding along both walls) and, under a rigid plate, the plate's speed W
with ∂Π/∂W = −P·A. Tension is positive. Each phase p sees the same strain increment, keeps its own stress, and
contributes by its volume fraction. Plated lithium enters as the strain (Ω/F) i δ n⊗n, which the elastic part does not
see.

In a cell the deviatoric trial energy takes the mean over the cell's edges of the squared shear, so that the law of a
cell is a function of that cell's strains alone and the discrete force is exactly the gradient of the discrete
potential.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Edges, Faces, Stresses
from interphase.grid.grid import Grid
from interphase.grid.stencils import cells_to_edges, edges_to_cells, force, normal_strain, shear_strain, summed
from interphase.physics.creep import AbstractFlow
from interphase.physics.parting import Ride


class Strain(eqx.Module):
    """Strain increments of a cell.

    **Arguments:**

    - `normal`: three normal components; the third of a 2-D problem is zero (plane strain).
    - `shear`: engineering shears, the mean over the cell's edges.
    - `shear_square`: the mean of their squares.
    - `edges`: the shears on the edges, growth included.
    - `excess`: the growth that was subtracted from all but them.
    - `swollen`: the engineering shears of what swells that were, or `None`.
    """

    normal: Array
    shear: Array
    shear_square: Array
    edges: Edges
    excess: Cells
    swollen: Array | None = None

    @staticmethod
    def of(displacement: Faces, plate: Array, grid: Grid) -> "Strain":
        normal = normal_strain(displacement, grid, plate)
        if grid.dim == 2:
            normal = jnp.concatenate([normal, jnp.zeros_like(normal[:1])])
        edges = shear_strain(displacement, grid)
        shear = jnp.stack([edges_to_cells(e, pair) for e, pair in zip(edges, grid.pairs, strict=True)])
        square = jnp.stack([edges_to_cells(e**2, pair) for e, pair in zip(edges, grid.pairs, strict=True)])
        return Strain(normal, shear, square, edges, jnp.zeros_like(normal[0]))

    def without_growth(self, growth: Cells, direction: Array) -> "Strain":
        """Subtracts growth·N, where `direction` holds the components of N = n⊗n as a stress does."""
        engineering = 2 * growth * direction[3:]
        return Strain(
            self.normal - growth * direction[:3],
            self.shear - engineering,
            self.shear_square - 2 * engineering * self.shear + engineering**2,
            self.edges,
            self.excess + growth,
        )

    def without(self, strain: Array) -> "Strain":
        """Subtracts a strain that is a cell's own, the same on all its edges, held as a stress holds its components."""
        engineering = 2 * strain[3:]
        return Strain(
            self.normal - strain[:3],
            self.shear - engineering,
            self.shear_square - 2 * engineering * self.shear + engineering**2,
            self.edges,
            self.excess,
            engineering if self.swollen is None else self.swollen + engineering,
        )

    def without_collapse(self, collapse: Cells, grid: Grid) -> "Strain":
        """Subtracts the strain −collapse of lattice planes across the electrode's normal that vanish."""
        return eqx.tree_at(lambda s: s.normal, self, self.normal.at[grid.dim - 1].add(collapse))


class Strains(eqx.Module):
    """Where lithium and what rides on it share a cell, neither moves with the mixture.

    **Arguments:** `resting`: of the lithium; `riding`: of all else; `swelling`: of what swells, `None` if nothing does.
    """

    resting: Strain
    riding: Strain
    swelling: Strain | None = None

    def of(self, phase: "Phase") -> Strain:
        if phase.swells and self.swelling is not None:
            return self.swelling
        return self.riding if phase.rides else self.resting


class Swelling(eqx.Module):
    """What swells, and how it shares a cell with what does not.

    The volume a cell gains, f e of a phase that gains e, is strain along N, across the face where the phase ends, for
    all that is there; the phase itself would be as wide every way, and is strained by the rest, e(I/3 − N). So a film
    held in plane grows thicker without a stress in what it shares cells with, and in its midst it swells every way.

    **Arguments:** `fraction`: f; `direction`: N, held as a stress holds its components, of trace one.
    """

    fraction: Cells
    direction: Array

    @property
    def of_cell(self) -> Array:
        """What all in a cell are strained by as e is one."""
        return self.fraction * self.direction

    @property
    def of_phase(self) -> Array:
        """What the phase is strained by in addition."""
        return (-self.direction).at[:3].add(1 / 3)


class Phase(eqx.Module):
    """One constituent: fraction, moduli, flow law, stress at the start of the step, whether it rides on the lithium.

    **Arguments:** `swells`: whether it is what swells.
    """

    fraction: Cells
    bulk_modulus: Array
    shear_modulus: Array
    flow: AbstractFlow
    stress: Stresses
    rides: bool = eqx.field(static=True, default=False)
    swells: bool = eqx.field(static=True, default=False)

    def respond(self, strain: Strain, dt: Array) -> "Response":
        shear_modulus = self.shear_modulus
        trace = summed(strain.normal)
        mean = summed(self.stress[:3]) / 3
        deviator = self.stress[:3] - mean + 2 * shear_modulus * (strain.normal - trace / 3)
        old_shear = self.stress[3:]
        shear = old_shear + shear_modulus * strain.shear
        shear_square = (
            old_shear**2 + 2 * old_shear * shear_modulus * strain.shear + shear_modulus**2 * strain.shear_square
        )
        trial = jnp.sqrt(1.5 * summed(deviator**2) + 3 * summed(shear_square) + 1e-30)
        factor = self.flow.factor(trial, shear_modulus, dt)
        mean = mean + self.bulk_modulus * trace
        return Response(jnp.concatenate([mean + factor * deviator, factor * shear]), factor, trial)

    def energy(self, strain: Strain, dt: Array) -> Cells:
        """Incremental potential per volume of this phase; its gradient in the strain is the new stress."""
        trace = summed(strain.normal)
        mean = summed(self.stress[:3]) / 3
        trial = self.respond(strain, dt).trial
        return 0.5 * self.bulk_modulus * trace**2 + mean * trace + self.flow.potential(trial, self.shear_modulus, dt)


class Response(eqx.Module):
    """What a phase answers to a strain increment: new stress, shrink factor of its deviator, trial von Mises stress."""

    stress: Stresses
    factor: Cells
    trial: Cells


class Body(eqx.Module):
    """All that resists motion in a step: the phases, and a weak filler without memory in what they leave.

    **Arguments:**

    - `filler`: volume fraction of liquid or void.
    - `filler_bulk`, `filler_shear`: its moduli against the motion of one step, orders below any solid's.
    - `filler_pressure`: P, compression positive.
    - `direction`: components of n⊗n as a stress holds them (three normal, then the shear pairs).
    - `rides`: how lithium, and what rides on it, part from the mixture; `None` where they do not.
    - `collapse`: share of the lithium's lattice that vanishes in the step; `None` where none does.
    - `swelling`: what swells, or `None`.
    """

    grid: Grid
    phases: tuple[Phase, ...]
    filler: Cells
    filler_bulk: Array
    filler_shear: Array
    filler_pressure: Array
    direction: Array
    rides: tuple[Ride, Ride] | None = None
    collapse: Cells | None = None
    swelling: Swelling | None = None

    def strain(self, displacement: Faces, plate: Array, growth: Cells, swollen: Cells | None = None) -> Strains:
        """Strain increments.

        **Arguments:** `growth`: plated volume fraction; `swollen`: e of what swells.
        """
        strains = self._unswollen(displacement, plate, growth)
        if self.swelling is None or swollen is None:
            return strains
        of_cell, of_phase = swollen * self.swelling.of_cell, swollen * self.swelling.of_phase
        resting, riding = strains.resting.without(of_cell), strains.riding.without(of_cell)
        return Strains(resting, riding, riding.without(of_phase))

    def _unswollen(self, displacement: Faces, plate: Array, growth: Cells) -> Strains:
        def of(ahead: Faces | float, excess: Cells) -> Strain:
            return Strain.of(displacement + ahead, plate, self.grid).without_growth(excess, self.direction)

        if self.rides is None:
            strain = of(0.0, growth)
            return Strains(strain, strain)
        strains = Strains(*(of(ride.ahead, growth - ride.growth) for ride in self.rides))
        if self.collapse is None:
            return strains
        return Strains(strains.resting.without_collapse(self.collapse, self.grid), strains.riding)

    def responses(self, strains: Strains, dt: Array) -> list[Response]:
        return [phase.respond(strains.of(phase), dt) for phase in self.phases]

    def stress(self, strains: Strains, responses: list[Response]) -> Stresses:
        """Volume-weighted stress in cells."""
        return sum(
            phase.fraction * r.stress for phase, r in zip(self.phases, responses, strict=True)
        ) + self._filler_stress(strains.riding)

    def longitudinal(self, responses: list[Response]) -> Cells:
        """K + 4/3 rG: how a cell resists being stretched one way, as far as flow has not made it softer still."""
        stiffness = self.filler * self.filler_bulk
        for phase, response in zip(self.phases, responses, strict=True):
            stiffness = stiffness + phase.fraction * (
                phase.bulk_modulus + 4 / 3 * response.factor * phase.shear_modulus
            )
        return stiffness

    def _filler_stress(self, strain: Strain) -> Stresses:
        trace = summed(strain.normal)
        pressure = (self.filler_bulk - 2 / 3 * self.filler_shear) * trace - self.filler_pressure
        normal = pressure + 2 * self.filler_shear * strain.normal
        return self.filler * jnp.concatenate([normal, self.filler_shear * strain.shear])

    def force(self, strains: Strains, responses: list[Response]) -> Faces:
        """−∇·σ at faces: ∂Π/∂(displacement) per volume.

        The shear of an edge is the mean over its four cells of what each makes of it: of the share that is the same on
        all edges of a cell (old stress, growth), and of the modulus with which the cell resists the shear of this edge.
        """
        dim, pairs = self.grid.dim, self.grid.pairs
        stress = self.stress(strains, responses)
        riding, resting = self.filler * self.filler_shear, jnp.zeros_like(self.filler)
        carried = -riding * 2 * strains.riding.excess * self.direction[3:]
        if strains.riding.swollen is not None:
            carried = carried - riding * strains.riding.swollen
        for phase, response in zip(self.phases, responses, strict=True):
            stiffness = phase.fraction * response.factor * phase.shear_modulus
            grown = 2 * strains.of(phase).excess * self.direction[3:]
            if (swollen := strains.of(phase).swollen) is not None:
                grown = grown + swollen
            carried = carried + phase.fraction * response.factor * phase.stress[3:] - stiffness * grown
            riding, resting = (riding + stiffness, resting) if phase.rides else (riding, resting + stiffness)
        edges = jnp.stack(
            [
                cells_to_edges(carried[k], pair)
                + cells_to_edges(riding, pair) * strains.riding.edges[k]
                + cells_to_edges(resting, pair) * strains.resting.edges[k]
                for k, pair in enumerate(pairs)
            ]
        )
        return force(stress[:dim], edges, self.grid)

    def plate_pressure(self, stress: Stresses) -> Array:
        """Mean pressure the body exerts on the plate."""
        return -jnp.mean(stress[self.grid.dim - 1, ..., -1])

    def potential(
        self, displacement: Faces, plate: Array, growth: Cells, dt: Array, swollen: Cells | None = None
    ) -> Array:
        """Π: the scalar whose gradient is `force`. For tests; the solver never evaluates it."""
        strains = self.strain(displacement, plate, growth, swollen)
        strain = strains.riding
        trace = summed(strain.normal)
        density = self.filler * (
            0.5 * (self.filler_bulk - 2 / 3 * self.filler_shear) * trace**2
            - self.filler_pressure * trace
            + self.filler_shear * summed(strain.normal**2)
            + 0.5 * self.filler_shear * summed(strain.shear_square)
        )
        for phase in self.phases:
            density = density + phase.fraction * phase.energy(strains.of(phase), dt)
        return jnp.sum(density) * self.grid.cell_volume


def normal_stress(stress: Stresses, direction: Array) -> Cells:
    """σ_n = n·σ·n."""
    return summed(stress[:3] * direction[:3]) + 2 * summed(stress[3:] * direction[3:])


def von_mises(stress: Stresses) -> Cells:
    return jnp.sqrt(von_mises_square(stress))


def von_mises_square(stress: Stresses) -> Cells:
    """q²; unlike q it has a slope where nothing is stressed."""
    mean = summed(stress[:3]) / 3
    return 1.5 * summed((stress[:3] - mean) ** 2) + 3 * summed(stress[3:] ** 2)
