"""Conservation of salt in what dissolves it.

    ε ∂c/∂t = ∇·[D ∇c] + ∇·[(1−t₊) i_e]/F

Unknown c (over the reservoir's c₀) at the end of the step; i_e is the ionic current density, so with a uniform t₊ the
last term is the familiar −(1−t₊) i δ/F at the lithium, and with a single-ion coating (t₊ = 1) it sits where the current
enters the coating. Insulated below; above either a reservoir (c = c₀) or a counter electrode, which blocks anions.
Convection is left out: the Péclet number v L/D is 1e-3 for a millimetre at 1 mA/cm².
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells
from interphase.grid.boundary import before
from interphase.grid.grid import Grid
from interphase.grid.stencils import average_to_faces, divergence, inverse_spacing
from interphase.physics.charge import Conductor
from interphase.solvers.krylov import SolveReport, conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Diffusion, smoothing_for_diffusion
from interphase.units import Number

FLOOR = 1e-6  # of the diffusivity and capacity, left where no salt is, so that no row of the matrix is empty


def salt_step(
    salt: Cells,
    capacity: Cells,
    diffusivity: Cells,
    anion_share: Cells,
    conductor: Conductor,
    potential: Cells,
    dt: Array,
    salt_source: Number,
    has_reservoir: bool,
    grid: Grid,
    tolerance: float = 1e-6,
) -> tuple[Cells, SolveReport]:
    """c after one step, and how the solve went.

    **Arguments:**

    - `capacity`: ε, volume fraction that dissolves salt.
    - `diffusivity`: D of that share (series mixture), in cells [-].
    - `anion_share`: 1−t₊ in cells.
    - `salt_source`: `Scales.salt_source`.
    - `tolerance`: of the change in the step.
    """
    capacity = jnp.clip(capacity, 0.0, 1.0) + FLOOR
    faces = []
    for a in grid.axes:
        along = 2 / (1 / diffusivity + 1 / before(diffusivity, a, 1.0))
        face = average_to_faces(capacity, a) * along * inverse_spacing(grid, a) ** 2
        faces.append(face.at[..., 0].set(0.0) if a == -1 else face)
    top = (
        (capacity * diffusivity)[..., -1] * 2 * inverse_spacing(grid, -1) ** 2
        if has_reservoir
        else jnp.zeros_like(salt[..., -1])
    )
    operator = Diffusion(grid, jnp.stack(faces), capacity / dt, top)

    flux = jnp.stack(
        [average_to_faces(anion_share, a) * f for a, f in zip(grid.axes, conductor.flux(potential), strict=True)]
    )
    # A counter electrode, like the lithium, lets no anion through: diffusion and migration cancel on the wall.
    above = (anion_share[..., -1] * conductor.top_flux(potential))[..., None] if has_reservoir else 0.0
    source = divergence(flux, grid, above=above) * salt_source

    right_side = capacity / dt * salt + source
    right_side = right_side.at[..., -1].add(top)
    cycle = Multigrid.build(jax.lax.stop_gradient(operator), smoothing_for_diffusion(), jnp.float32)
    right_side = right_side - operator(salt)  # solve for the change: the step before is the best first guess

    def solve(matvec, b):
        return conjugate_gradients(matvec, b, cycle, tolerance=tolerance)

    def transpose_solve(matvec, b):  # of derivatives, which no later step corrects
        return conjugate_gradients(matvec, b, cycle, tolerance=1e-2 * tolerance)

    change, report = jax.lax.custom_linear_solve(  # pyright: ignore[reportGeneralTypeIssues]
        operator, right_side, solve, transpose_solve, symmetric=True, has_aux=True
    )
    return salt + change, report
