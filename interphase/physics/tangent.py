"""The consistent tangent of the momentum balance.

    dσ = Σ_p f_p [K tr dε I + 2rG dε_dev] + Σ_flows c s_tr (s_tr : dε),     c = f r'(q) 3G/q,     dε = Δt dD − N dg

The first sum is isotropic; each flowing phase adds one rank-one term along its own trial deviator s_tr. N = n⊗n is the
strain of plated volume g. It equals the derivative of `Body.force`; a test says so.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Edges, Faces
from interphase.grid.grid import Grid
from interphase.grid.stencils import cells_to_edges, edges_to_cells, force, normal_strain, shear_strain, summed
from interphase.physics.creep import Elastic
from interphase.physics.momentum import Body, Phase, Response, Strain, Strains
from interphase.solvers.preconditioners import Elasticity


class Increment(eqx.Module):
    """A strain increment: normals in cells, and shears, on edges and their mean over those of a cell.

    **Arguments:** `own_shear`: of a strain that is a cell's own, the same on all its edges; `edges` is `None` then.
    """

    normal: Array
    shear: Array
    edges: Edges | None = None
    own_shear: Array | None = None


class Change(eqx.Module):
    """What an increment makes of the stress in cells; linear in it.

    **Arguments:**

    - `normal`, `shear`: the stress; `flowed`: c (s_tr : dε) of every flow.
    - `carried`: shear that a cell adds to that of all its edges alike.
    """

    normal: Array
    shear: Array
    flowed: tuple[Cells, ...]
    carried: Array

    def times(self, amount: Cells) -> "Change":
        """Of a strain that is a cell's own, `amount` of it in every cell."""
        return jax.tree.map(lambda stress: amount * stress, self)

    def less(self, other: "Change") -> "Change":
        return jax.tree.map(jnp.subtract, self, other)


class FlowTangent(eqx.Module):
    """The rank-one part of a flowing phase.

    **Arguments:**

    - `coefficient`: c ≤ 0.
    - `deviator`: normal components of s_tr; `shear`: its shears, the mean over the cell's edges.
    - `carried`, `modulus`: the trial shear of a cell on an edge is carried + modulus·γ_edge.
    - `edges`, `mean_edges`: γ_edge, and its mean in cells.
    """

    grid: Grid

    coefficient: Cells
    deviator: Array
    shear: Array
    carried: Array
    modulus: Array
    edges: Edges
    mean_edges: Array
    swells: bool = eqx.field(static=True, default=False)

    @staticmethod
    def of(phase: Phase, response: Response, strain: Strain, body: Body, dt: Array):
        _, slope = jax.jvp(
            lambda q: phase.flow.factor(q, phase.shear_modulus, dt),
            (response.trial,),
            (jnp.ones_like(response.trial),),
        )
        mean = summed(response.stress[:3]) / 3
        grid = body.grid
        carried = phase.stress[3:] - 2 * phase.shear_modulus * strain.excess * body.direction[3:]
        if strain.swollen is not None:
            carried = carried - phase.shear_modulus * strain.swollen
        return FlowTangent(
            grid=grid,
            coefficient=phase.fraction * slope * 3 * phase.shear_modulus / response.trial,
            deviator=(response.stress[:3] - mean) / response.factor,
            shear=response.stress[3:] / response.factor,
            carried=carried,
            modulus=phase.shear_modulus + jnp.zeros_like(response.trial),
            edges=strain.edges,
            mean_edges=jnp.stack([edges_to_cells(e, p) for e, p in zip(strain.edges, grid.pairs, strict=True)]),
            swells=phase.swells,
        )

    def work(self, increment: Increment) -> Cells:
        """s_tr : dε, the mean over edges for the shears."""
        normal = summed(self.deviator[: increment.normal.shape[0]] * increment.normal)
        if increment.own_shear is not None:
            product = increment.own_shear * self.mean_edges
        else:
            assert increment.edges is not None
            products = zip(increment.edges * self.edges, self.grid.pairs, strict=True)
            product = jnp.stack([edges_to_cells(of_edges, pair) for of_edges, pair in products])
        return normal + summed(self.carried * increment.shear + self.modulus * product)


class Tangent(eqx.Module):
    """Linearised force as a function of displacement.

    **Arguments:**

    - `bulk`, `shear`: Σ fK and Σ f r G in cells; `edge_shear`: the latter on edges.
    - `direction`: N = n⊗n.
    """

    grid: Grid
    bulk: Cells
    shear: Cells
    edge_shear: Edges
    flows: tuple[FlowTangent, ...]
    direction: Array

    @staticmethod
    def of(body: Body, strains: Strains, responses: list[Response], dt: Array) -> "Tangent":
        """The tangent at given strains."""
        bulk, shear, flows = body.filler * body.filler_bulk, body.filler * body.filler_shear, []
        for phase, response in zip(body.phases, responses, strict=True):
            bulk = bulk + phase.fraction * phase.bulk_modulus
            shear = shear + phase.fraction * phase.shear_modulus * response.factor
            if not isinstance(phase.flow, Elastic):
                flows.append(FlowTangent.of(phase, response, strains.of(phase), body, dt))
        return Tangent(
            grid=body.grid,
            bulk=bulk,
            shear=shear,
            edge_shear=jnp.stack([cells_to_edges(shear, pair) for pair in body.grid.pairs]),
            flows=tuple(flows),
            direction=body.direction,
        )

    def of_growth(self) -> Change:
        """What the strain of a unit of plated volume in every cell, N, makes of the stress."""
        shear = 2 * self.direction[3:]
        return self.change(Increment(self.direction[: self.grid.dim], shear, own_shear=shear))

    def of_swelling(self, body: Body, responses: list[Response]) -> Change:
        """What a unit of e, by which the phase that swells does, makes of the stress if it is taken as a strain."""
        dim, swelling = self.grid.dim, body.swelling
        assert swelling is not None
        cell, phase = swelling.of_cell, swelling.of_phase
        of_all = self.change(Increment(cell[:dim], 2 * cell[3:], own_shear=2 * cell[3:]))
        own = Increment(phase[:3], 2 * phase[3:], own_shear=2 * phase[3:])
        modulus = sum(
            (p.fraction * p.shear_modulus * r.factor for p, r in zip(body.phases, responses, strict=True) if p.swells),
            jnp.zeros_like(self.shear),
        )
        normal, shear = 2 * modulus * phase[:dim], 2 * modulus * phase[3:]
        carried = shear
        flowed = tuple(f.coefficient * f.work(own) if f.swells else jnp.zeros_like(modulus) for f in self.flows)
        for flow, amount in zip(self.flows, flowed, strict=True):
            normal = normal + amount * flow.deviator[:dim]
            shear = shear + amount * flow.shear
            carried = carried + amount * flow.carried
        return jax.tree.map(jnp.add, of_all, Change(normal, shear, flowed, carried))

    def increment(self, displacement: Faces, plate: Array | float = 0.0) -> Increment:
        grid = self.grid
        # A barrier: all that reads these would compute them again for every neighbour.
        normal, edges = jax.lax.optimization_barrier(
            (normal_strain(displacement, grid, plate), shear_strain(displacement, grid))
        )
        shear = jnp.stack([edges_to_cells(e, pair) for e, pair in zip(edges, grid.pairs, strict=True)])
        return Increment(normal, shear, edges)

    def change(self, increment: Increment) -> Change:
        """What an increment makes of the stress with plating held fixed."""
        trace = summed(increment.normal)
        normal = (self.bulk - 2 / 3 * self.shear) * trace + 2 * self.shear * increment.normal
        shear = self.shear * increment.shear
        carried = jnp.zeros_like(shear) if increment.own_shear is None else self.shear * increment.own_shear
        flowed = tuple(flow.coefficient * flow.work(increment) for flow in self.flows)
        for flow, amount in zip(self.flows, flowed, strict=True):
            normal = normal + amount * flow.deviator[: self.grid.dim]
            shear = shear + amount * flow.shear
            carried = carried + amount * flow.carried
        return Change(normal, shear, flowed, carried)

    def normal_stress(self, change: Change) -> Cells:
        """dσ_n = N : dσ."""
        direction = self.direction
        return summed(change.normal * direction[: self.grid.dim]) + 2 * summed(change.shear * direction[3:])

    def force(self, change: Change, edges: Edges | None = None) -> tuple[Faces, Array]:
        """−∇·dσ, and what pulls at the plate.

        The second is the derivative of the potential by the plate's displacement per cell volume, Σ dσ_zz/h over the
        top.

        **Arguments:** `edges`: shear strains of the increment on edges, `None` for none.
        """
        shears = []
        for k, pair in enumerate(self.grid.pairs):
            stress = cells_to_edges(change.carried[k], pair)
            if edges is not None:
                stress = stress + self.edge_shear[k] * edges[k]
            for flow, amount in zip(self.flows, change.flowed, strict=True):
                stress = stress + cells_to_edges(amount * flow.modulus, pair) * flow.edges[k]
            shears.append(stress)
        on_plate = jnp.sum(change.normal[-1, ..., -1]) / self.grid.spacing[-1]
        return force(change.normal, jnp.stack(shears), self.grid), on_plate

    def elasticity(self, slope: Cells, grown: Change) -> Elasticity:
        """The orthotropic operator multigrid works with: all but the mixing of normal and shear strains.

        **Arguments:**

        - `grown`: `of_growth`.
        - `slope`: plated volume fraction per normal stress, dg = slope·dσ_n with all that dg relieves counted in dσ_n;
          condensed into the stiffness by w = slope/(1 + slope N:C:N).
        """
        dim = self.grid.dim
        same = jnp.eye(dim, dtype=self.bulk.dtype).reshape(dim, dim, *[1] * dim)
        stiffness = self.bulk - 2 / 3 * self.shear + 2 * self.shear * same
        shear = jnp.stack([self.shear] * len(self.grid.pairs))
        for flow in self.flows:
            deviator = flow.deviator[:dim]
            stiffness = stiffness + flow.coefficient * deviator[:, None] * deviator[None, :]
            shear = shear + flow.coefficient * flow.shear**2
        condensed = slope / (1 + slope * self.normal_stress(grown))
        stiffness = stiffness - condensed * grown.normal[:, None] * grown.normal[None, :]
        return Elasticity(self.grid, stiffness, shear - condensed * grown.shear**2)
