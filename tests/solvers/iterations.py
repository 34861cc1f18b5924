"""Iterations of the preconditioned solves on a coated bump; run as a script it prints the whole table.

charge    −∇·κ∇φ + r δ φ = r δ          lithium under a coating, rate r δ on its surface, to 1e-8
force     −∇·σ(v) = f                    stiff film on a bump over a soft matrix, to 1e-6 from a cold start
"""

import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

sys.path.insert(0, str(Path(__file__).parents[1]))

from jaxtyping import Array

from cells import bump, bump_conductor, bump_moduli, cube, random
from interphase.grid.stencils import force
from interphase.physics.interface import area_density
from interphase.solvers.krylov import SolveReport, conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Elasticity, smoothing_for_diffusion, smoothing_for_elasticity


@eqx.filter_jit
def charge_report(cells: int, dim: int, ratio: Array, rate: Array, noise: Array) -> SolveReport:
    """Conjugate gradients on the charge operator, preconditioned as the simulator does it, in single precision.

    **Arguments:** `ratio` of the coating's conductivity to the electrolyte's, `rate` of the reaction (at one it drops
    as much as the electrolyte), share of `noise` in the load, the rest being the reaction itself.
    """
    grid = cube(cells, dim)
    metal, _, _ = bump(grid)
    operator = bump_conductor(grid, ratio).operator(rate * area_density(metal, grid))
    right_side = (1 - noise) * operator.reaction + noise * random(1, *grid.shape)
    cycle = Multigrid.build(operator, smoothing_for_diffusion(), jnp.float32)
    return conjugate_gradients(operator, right_side, cycle, tolerance=1e-8, most_iterations=100)[1]


@eqx.filter_jit
def force_report(cells: int, dim: int, contrast: Array, poisson_ratio: float, noise: Array) -> SolveReport:
    """Conjugate gradients on the force operator, from zero.

    **Arguments:** share of `noise` in the load, the rest being lithium that grows along the normal at its surface.
    """
    grid = cube(cells, dim)
    first_lame, shear_modulus = bump_moduli(grid, contrast, poisson_ratio)
    operator = Elasticity.isotropic(grid, first_lame, shear_modulus)
    metal, _, _ = bump(grid)
    growth = area_density(metal, grid) / cells
    stress = jnp.stack([first_lame * growth] * (dim - 1) + [(first_lame + 2 * shear_modulus) * growth])
    plated = force(stress, jnp.zeros((len(grid.pairs), *grid.shape)), grid)
    shaken = random(2, dim, *grid.shape).at[-1, ..., 0].set(0.0)
    shaken = shaken.at[:-1].add(-jnp.mean(shaken[:-1], axis=tuple(range(1, dim + 1)), keepdims=True))
    load = (1 - noise) * plated + noise * shaken
    cycle = Multigrid.build(operator, smoothing_for_elasticity(dim, poisson_ratio), jnp.float32)
    return conjugate_gradients(operator, load, cycle, tolerance=1e-6, most_iterations=100)[1]


CHARGE_GRIDS = ((128, 2), (256, 2), (512, 2), (64, 3))
RATIOS = (1e-7, 1e-5, 1e-3, 1.0)
RATES = (1e-6, 1e-2, 1e2)
FORCE_GRIDS = ((128, 2), (256, 2), (512, 2), (48, 3))
CONTRASTS = (2e2, 2e4, 2e6)
POISSON_RATIOS = (0.3, 0.45)


def charge_reports(cells: int, dim: int) -> dict[tuple[float, float, float], SolveReport]:
    """By conductivity ratio, rate, and share of noise in the load."""
    cases = [(ratio, rate, noise) for noise in (0.0, 1.0) for rate in RATES for ratio in RATIOS]
    return {case: charge_report(cells, dim, *map(jnp.asarray, case)) for case in cases}


def force_reports(cells: int, dim: int, poisson_ratio: float, noise: float) -> dict[float, SolveReport]:
    """By contrast."""
    share = jnp.asarray(noise)
    return {c: force_report(cells, dim, jnp.asarray(c), poisson_ratio, share) for c in CONTRASTS}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    for cells, dim in CHARGE_GRIDS:
        reports = charge_reports(cells, dim)
        for noise in (0.0, 1.0):
            for rate in RATES:
                counts = [int(reports[ratio, rate, noise].iterations) for ratio in RATIOS]
                load = "random" if noise else "reaction"
                print(f"charge {cells}^{dim}, rate {rate:.0e}, {load} load, ratios {RATIOS}: {counts}", flush=True)
    for cells, dim in FORCE_GRIDS:
        for poisson_ratio in POISSON_RATIOS:
            for noise in (0.0, 1.0):
                reports = force_reports(cells, dim, poisson_ratio, noise)
                counts = [int(report.iterations) for report in reports.values()]
                load = "random" if noise else "growth"
                case = f"force {cells}^{dim}, Poisson {poisson_ratio}, {load} load"
                print(f"{case}, contrasts {CONTRASTS}: {counts}", flush=True)


if __name__ == "__main__":
    main()
