"""The two operators of the simulator as multigrid sees them: diffusion in cells, isotropic elasticity on faces.

Both are rediscretised on coarse grids with averaged coefficients. What was measured when they were chosen
(iterations against grid, contrast and Poisson's ratio) is in docs/pages/theory/solvers.md.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from interphase.arrays import Cells, CellVectors, Edges, Faces
from interphase.grid.boundary import after, before, pad, window
from interphase.grid.grid import Grid
from interphase.grid.stencils import cells_to_edges, inverse_spacing
from interphase.solvers.multigrid import (
    AbstractGridOperator,
    Smoothing,
    coarsen_cells,
    halves,
    interleave,
    prolong_cells_linear,
    prolong_nodes_linear,
    restrict_cells_linear,
    restrict_nodes_linear,
    split,
)

CoarseCells = Float[Array, "*coarse"]
CoarseFaces = Float[Array, "dim *coarse"]


def coarse_grid(grid: Grid) -> Grid:
    halved = halves(grid.shape)
    return Grid(
        tuple(n // 2 if half else n for n, half in zip(grid.shape, halved, strict=True)),
        tuple(2 * h if half else h for h, half in zip(grid.spacing, halved, strict=True)),
    )


class Diffusion(AbstractGridOperator):
    """−∇·(k∇x) + r x in cells: insulated below, x = 0 behind a conductance above.

    **Arguments:**

    - `conductance`: k/h² at lower faces, zero on the lower wall.
    - `reaction`: r ≥ 0.
    - `top`: k/(h·½h) of the highest cells towards the upper wall; zero insulates.

    Transfers are piecewise constant: with linear ones the iterations grow with the grid at contrast 1e7.
    """

    grid: Grid
    conductance: CellVectors
    reaction: Cells
    top: Array
    upper_conductance: CellVectors

    def __init__(self, grid: Grid, conductance: CellVectors, reaction: Cells, top: Array):
        self.grid = grid
        self.conductance = conductance
        self.reaction = reaction
        self.top = top
        self.upper_conductance = jnp.stack([after(k, a, 0.0) for a, k in zip(grid.axes, conductance, strict=True)])

    def __call__(self, x: Cells) -> Cells:
        padded = pad(x, self.grid.dim)
        out = self._sink() * x
        for a, lower, upper in zip(self.grid.axes, self.conductance, self.upper_conductance, strict=True):
            out = out + lower * (x - window(padded, self.grid.dim, {a: -1}))
            out = out + upper * (x - window(padded, self.grid.dim, {a: 1}))
        return out

    def _sink(self) -> Cells:
        """What x loses in its own cell."""
        return self.reaction.at[..., -1].add(self.top)

    def diagonal(self) -> Cells:
        total = self._sink()
        for a, lower, upper in zip(self.grid.axes, self.conductance, self.upper_conductance, strict=True):
            if self.grid.shape[a] > 1:
                total = total + lower + upper
        return total

    def coarsened(self) -> "Diffusion":
        halved = dict(zip(self.grid.axes, halves(self.grid.shape), strict=True))
        conductance, reaction, top = list(self.conductance), self.reaction, self.top
        for a in self.grid.axes:
            if not halved[a]:
                continue
            reaction = coarsen_cells(reaction, a)
            top = top / 4 if a == -1 else coarsen_cells(top, a + 1)
            for i, b in enumerate(self.grid.axes):
                # Across its own axis a coarse face is every second fine one, twice as far apart: k/h² falls by four.
                conductance[i] = split(conductance[i], a)[0] / 4 if a == b else coarsen_cells(conductance[i], a)
        return Diffusion(coarse_grid(self.grid), jnp.stack(conductance), reaction, top)

    def restrict(self, fine: Cells) -> CoarseCells:
        for a, half in zip(self.grid.axes, halves(self.grid.shape), strict=True):
            fine = coarsen_cells(fine, a) if half else fine
        return fine

    def prolong(self, coarse: CoarseCells) -> Cells:
        for a, half in zip(self.grid.axes, halves(self.grid.shape), strict=True):
            coarse = interleave(coarse, coarse, a) if half else coarse
        return coarse

    def null_modes(self) -> list[Array]:
        return []

    @property
    def shape(self) -> tuple[int, ...]:
        return self.grid.shape


class Elasticity(AbstractGridOperator):
    """−∇·σ on faces with σ_aa = Σ_b C_ab ε_bb, σ_ab = μ γ_ab: rollers below and above, periodic in plane.

    **Arguments:**

    - `normal_stiffness`: C_ab in cells, symmetric in a and b.
    - `shear_modulus`: μ in cells, per pair of axes; a shear edge takes the mean of the four cells around it.

    Coarse cells take the mean of their children.
    """

    grid: Grid
    normal_stiffness: Array
    shear_modulus: Array
    padded_stiffness: Array
    padded_edge_modulus: Array

    def __init__(self, grid: Grid, normal_stiffness: Array, shear_modulus: Array):
        self.grid = grid
        self.normal_stiffness = normal_stiffness
        self.shear_modulus = shear_modulus
        self.padded_stiffness = pad(normal_stiffness, grid.dim)
        edges: Edges = jnp.stack([cells_to_edges(m, pair) for m, pair in zip(shear_modulus, grid.pairs, strict=True)])
        self.padded_edge_modulus = pad(edges, grid.dim)

    @staticmethod
    def isotropic(grid: Grid, first_lame: Cells, shear_modulus: Cells) -> "Elasticity":
        same = jnp.eye(grid.dim, dtype=shear_modulus.dtype).reshape(grid.dim, grid.dim, *[1] * grid.dim)
        return Elasticity(grid, first_lame + 2 * shear_modulus * same, jnp.stack([shear_modulus] * len(grid.pairs)))

    def __call__(self, displacement: Faces) -> Faces:
        grid, dim = self.grid, self.grid.dim
        inverse = {a: inverse_spacing(grid, a) for a in grid.axes}
        u = dict(zip(grid.axes, pad(displacement, dim), strict=True))
        # Strains of the cells -1 … n-1 and shears of the edges 0 … n, so that every face finds both its neighbours.
        strain = [(window(u[a], dim, {a: 1}, -1, 1) - window(u[a], dim, {}, -1, 1)) * inverse[a] for a in grid.axes]
        stiffness = window(self.padded_stiffness, dim, {}, -1, 1)
        none = jnp.zeros_like(strain[0])
        normal = {
            a: sum((c * e for c, e in zip(row, strain, strict=True)), none)
            for a, row in zip(grid.axes, stiffness, strict=True)
        }
        shear = {}
        for (a, b), modulus in zip(grid.pairs, self.padded_edge_modulus, strict=True):
            here = {c: window(u[c], dim, {}, 0, 1) for c in (a, b)}
            shear[a, b] = window(modulus, dim, {}, 0, 1) * (
                (here[a] - window(u[a], dim, {b: -1}, 0, 1)) * inverse[b]
                + (here[b] - window(u[b], dim, {a: -1}, 0, 1)) * inverse[a]
            )
        forces = []
        for a in grid.axes:
            total = (_inner(normal[a], grid, {a: 0}) - _inner(normal[a], grid)) * inverse[a]
            for (b, c), stress in shear.items():
                if a in (b, c):
                    other = c if a == b else b
                    total = total + (_outer(stress, grid) - _outer(stress, grid, {other: 1})) * inverse[other]
            forces.append(total.at[..., 0].set(0.0) if a == -1 else total)
        return jnp.stack(forces)

    def diagonal(self) -> Faces:
        grid = self.grid
        diagonals = []
        for a in grid.axes:
            longitudinal = self.normal_stiffness[a, a]
            total = (longitudinal + before(longitudinal, a, 0.0)) * inverse_spacing(grid, a) ** 2
            for pair, shear_modulus in zip(grid.pairs, self.shear_modulus, strict=True):
                if a in pair:
                    other = pair[1] if a == pair[0] else pair[0]
                    modulus = cells_to_edges(shear_modulus, pair)
                    total = total + (modulus + after(modulus, other, 0.0)) * inverse_spacing(grid, other) ** 2
            diagonals.append(total)
        return jnp.stack(diagonals)

    def coarsened(self) -> "Elasticity":
        stiffness, shear_modulus = self.normal_stiffness, self.shear_modulus
        for a, half in zip(self.grid.axes, halves(self.grid.shape), strict=True):
            if half:
                stiffness, shear_modulus = coarsen_cells(stiffness, a), coarsen_cells(shear_modulus, a)
        return Elasticity(coarse_grid(self.grid), stiffness, shear_modulus)

    def restrict(self, fine: Faces) -> CoarseFaces:
        halved = list(zip(self.grid.axes, halves(self.grid.shape), strict=True))
        components = []
        for a, component in zip(self.grid.axes, fine, strict=True):
            for b, half in halved:
                if half:
                    component = restrict_nodes_linear(component, b) if a == b else restrict_cells_linear(component, b)
            components.append(component.at[..., 0].set(0.0) if a == -1 else component)
        return jnp.stack(components)

    def prolong(self, coarse: CoarseFaces) -> Faces:
        halved = list(zip(self.grid.axes, halves(self.grid.shape), strict=True))
        components = []
        for a, component in zip(self.grid.axes, coarse, strict=True):
            for b, half in halved:
                if half:
                    component = prolong_nodes_linear(component, b) if a == b else prolong_cells_linear(component, b)
            components.append(component.at[..., 0].set(0.0) if a == -1 else component)
        return jnp.stack(components)

    def null_modes(self) -> list[Array]:
        """Translations in plane."""
        zero = jnp.zeros((self.grid.dim, *self.grid.shape), self.shear_modulus.dtype)
        return [zero.at[i].set(1.0) for i in range(self.grid.dim - 1)]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.grid.shape


def _inner(cells: Array, grid: Grid, shift: dict[int, int] | None = None) -> Array:
    """Of an array over the cells -1 … n-1: the cells themselves, or their lower neighbours along shifted axes."""
    index = [slice(0, -1) if shift and a in shift else slice(1, None) for a in grid.axes]
    return cells[tuple(index)]


def _outer(edges: Array, grid: Grid, shift: dict[int, int] | None = None) -> Array:
    """Of an array over the edges 0 … n: the lower edges of every cell, or the upper ones along shifted axes."""
    index = [slice(1, None) if shift and a in shift else slice(0, -1) for a in grid.axes]
    return edges[tuple(index)]


def smoothing_for_diffusion() -> Smoothing:
    return Smoothing(sweeps=3, divisor=8.0, largest=2.0)


def smoothing_for_elasticity(dim: int, poisson_ratio: float) -> Smoothing:
    """Three sweeps up to ν = 0.4, four as the material becomes incompressible; one more on every coarser level.

    The spectrum of D⁻¹A ends at 2(3r + 2)/(r + 2) in 3-D, r = λ/μ, and at 4 in 2-D. Where lithium flows μ falls and λ
    stays, so the bound taken is the one for r → ∞, whatever the elastic Poisson's ratio.
    """
    largest = 4.0 if dim == 2 else 6.0
    if poisson_ratio <= 0.4:
        return Smoothing(sweeps=3, divisor=12.0, largest=largest, more_on_coarse=1)
    return Smoothing(sweeps=4, divisor=16.0, largest=largest, more_on_coarse=1)
