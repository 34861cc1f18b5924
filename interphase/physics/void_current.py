"""Current into lithium with a void: one potential in lithium and the electrolyte on it, whose conductivity ends with ξ.

    −∇·σ∇φ = 0,        σ = σ_Li ξ¹⁵(ξ⁴ − 3ξ² + 3) in lithium,        φ = 0 below,        σ∂φ/∂z = I above

The set's lithium conducts 2e12 times as well as its electrolyte. From ALIKE times on it counts as an equipotential, and
a void keeps a share NOTHING: the current does not see either, the solve does. Faces take the harmonic mean. What goes
through the plane between the two plates or strips; the set has no resistance of reaction there. See `void_field`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells
from interphase.grid.boundary import MIRROR, before
from interphase.grid.grid import Grid
from interphase.grid.stencils import inverse_spacing
from interphase.physics.void_field import Constants
from interphase.solvers.krylov import SolveReport, conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Diffusion, smoothing_for_diffusion
from interphase.units import FARADAY

ALIKE = 1e5  # times the electrolyte's conductivity
NOTHING = 1e-7
TOLERANCE = 1e-10


def lithium_conductivity(fraction: Cells, constants: Constants) -> Cells:
    """σ(ξ) as far as it matters."""
    metal = jnp.clip(fraction, 0.0, 1.0)
    conducts = constants.lithium_conductivity * metal**15 * (metal**4 - 3 * metal**2 + 3)
    most = ALIKE * constants.electrolyte_conductivity
    return conducts * most / (conducts + most) + NOTHING * constants.electrolyte_conductivity


class Current(eqx.Module):
    """What flows, plating positive.

    **Arguments:** `density`: i through the plane between lithium and electrolyte; `voltage`: mean φ of the upper wall;
    `potential`: φ [of lithium, then of the electrolyte].
    """

    density: Array
    voltage: Array
    potential: Array
    report: SolveReport


def whole(grid: Grid, electrolyte_cells: int) -> Grid:
    """Lithium's grid and the electrolyte's above it."""
    return Grid((*grid.shape[:-1], grid.shape[-1] + electrolyte_cells), grid.spacing)


def current_through(fraction: Cells, mean: Array, guess: Array, constants: Constants, grid: Grid) -> Current:
    """The current of a void; `guess`: a potential on the grid of both, `mean`: I."""
    both = whole(grid, guess.shape[-1] - grid.shape[-1])
    electrolyte = jnp.full((*both.shape[:-1], both.shape[-1] - grid.shape[-1]), constants.electrolyte_conductivity)
    conducts = jnp.concatenate([lithium_conductivity(fraction, constants), electrolyte], axis=-1)
    faces = [2 / (1 / conducts + 1 / before(conducts, a, MIRROR)) * inverse_spacing(both, a) ** 2 for a in both.axes]
    faces[-1] = faces[-1].at[..., 0].set(0.0)
    h = both.spacing[-1]
    held = jnp.zeros_like(conducts).at[..., 0].set(2 * conducts[..., 0] / h**2)
    operator = Diffusion(both, jnp.stack(faces), held, jnp.zeros_like(conducts[..., 0]))
    source = jnp.zeros_like(conducts).at[..., -1].set(mean / h)
    cycle = Multigrid.build(jax.lax.stop_gradient(operator), smoothing_for_diffusion(), jnp.float32)

    def iterate(matvec, right_side):
        return conjugate_gradients(matvec, right_side, cycle, tolerance=TOLERANCE)

    change, report = jax.lax.custom_linear_solve(  # pyright: ignore[reportGeneralTypeIssues]
        operator, source - operator(guess), iterate, iterate, symmetric=True, has_aux=True
    )
    potential = guess + change
    k = grid.shape[-1]
    density = h * faces[-1][..., k] * (potential[..., k] - potential[..., k - 1])
    top = potential[..., -1] + mean * 0.5 * h / constants.electrolyte_conductivity
    return Current(density, jnp.mean(top), potential, report)


def plated(current: Array, constants: Constants, grid: Grid) -> Cells:
    """(Ω/F) i δ."""
    rate = constants.molar_volume / (FARADAY * grid.spacing[-1]) * current
    return jnp.zeros(grid.shape).at[..., -1].set(rate)
