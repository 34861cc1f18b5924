"""Conservation of charge in the ionic conductors.

    −∇·{κ [∇φ_e − β ∇ln c]} + i δ = 0,    β = 2(1−t₊)(1+∂ln f/∂ln c)  (units of RT/F)

Unknown φ_e, against lithium in the same place: μ̃(Li⁺)/F but for a constant, which is why β has 1−t₊, and why it is
continuous from one conductor to another. The metal is an equipotential at the scalar φ_m. Insulated below, φ_e = 0 on
the upper wall.
Current in the direction −z plates. Source: Newman & Thomas-Alyea, Electrochemical Systems, ch. 12.

**Mixing.** Lithium leaves ions the fraction 1−g(ξ) of a face, g as in `interface.counted`. With the reaction spread as
δ = |∇g| the current there is i(1−g), so an arithmetic 1−g makes ∇φ_e constant through the interface and the potential
that the reaction feels is the one at ξ = ½: no first-order error in the width. What shares the rest (coating,
electrolyte) is in series: resistivities add by volume, so that a flat coating has exactly the resistance thickness/κ.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors, Faces
from interphase.grid.boundary import after, before
from interphase.grid.grid import Grid
from interphase.grid.stencils import average_to_faces, difference_to_faces, divergence, inverse_spacing
from interphase.physics.interface import counted
from interphase.solvers.krylov import conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Diffusion, smoothing_for_diffusion

METAL_FLOOR = 1e-9  # of the electrolyte's conductivity, left in the metal so that no row of the matrix is empty


class Conductor(eqx.Module):
    """Ionic conductances of a grid.

    **Arguments:**

    - `face`: κ at lower faces, zero on the lower wall [-].
    - `top`: κ/(½h) from the highest cells to the upper wall [-].
    - `diffusion`: β ∇ln c at lower faces: the field that salt gradients add [-].
    - `top_diffusion`: β times the rise of ln c from the highest cells to the upper wall [-].
    - `conductivity`: κ of the ionic conductors in cells, and `column_resistance`: of all solid ones above and below a
      place together; both only steer the iteration [-].
    """

    grid: Grid
    face: Faces
    top: Array
    diffusion: Faces
    top_diffusion: Array
    conductivity: Cells
    column_resistance: Array

    def flux(self, potential: Cells) -> Faces:
        """Ionic current density −κ[∇φ − β∇ln c] through lower faces, positive upward [-]."""
        return jnp.stack(
            [
                -k * (difference_to_faces(potential, self.grid, a) - d)
                for a, k, d in zip(self.grid.axes, self.face, self.diffusion, strict=True)
            ]
        )

    def top_flux(self, potential: Cells) -> Array:
        """Current density through the upper wall, where φ_e = 0; positive upward (plating: negative) [-]."""
        return self.top * (potential[..., -1] + self.top_diffusion)

    def spread(self, potential: Cells) -> Cells:
        """−∇·κ∇φ: the part of the outflow that is linear in the potential."""
        flux = jnp.stack(
            [-k * difference_to_faces(potential, self.grid, a) for a, k in zip(self.grid.axes, self.face, strict=True)]
        )
        return divergence(flux, self.grid, above=(self.top * potential[..., -1])[..., None])

    def outflow(self, potential: Cells) -> Cells:
        """Ionic current that leaves a cell per volume; plating draws it from its surroundings: −iδ [-]."""
        return divergence(self.flux(potential), self.grid, above=self.top_flux(potential)[..., None])

    def operator(self, reaction: Cells) -> Diffusion:
        """The symmetric operator −∇·κ∇ + reaction, for the preconditioner."""
        scale = jnp.asarray([inverse_spacing(self.grid, a) ** 2 for a in self.grid.axes], reaction.dtype)
        scale = scale.reshape(-1, *[1] * self.grid.dim)
        return Diffusion(self.grid, self.face * scale, reaction, self.top / self.grid.spacing[-1])


def closing_correction(
    conductor: Conductor, potential: Cells, current: Cells, answer: Cells | None = None, tolerance: float = 1e-3
) -> Cells:
    """What to add to the potential so that `current` [per volume] is what flows, to `tolerance` of what is amiss.

    The coupled solve stops when all balances together are small; charge is conserved better than that. The correction
    is zero at the exact solution and carries no derivative.

    **Arguments:** `answer`: by which the current rises with the potential of its own place, `None` where it does not.
    """
    conductor, potential, current = jax.lax.stop_gradient((conductor, potential, current))
    amiss = conductor.outflow(potential) + current
    # What is amiss at rest is so small that single precision could not hold its square.
    size = jnp.max(jnp.abs(amiss)) + jnp.finfo(amiss.dtype).tiny
    amiss = (amiss / size).astype(jnp.float32)
    answer = jnp.zeros_like(potential) if answer is None else jax.lax.stop_gradient(answer)
    cycle = Multigrid.build(conductor.operator(answer), smoothing_for_diffusion(), jnp.float32)
    correction, _ = conjugate_gradients(cycle.operators[0], amiss, cycle, tolerance=tolerance, most_iterations=40)
    return -size * correction.astype(potential.dtype)


def series_conductivity(fractions: list[Cells], resistivities: list[Array]) -> Cells:
    """κ of ionic conductors in series, sharing what the metal leaves: Σf / Σ(f r)."""
    tiny = 1e-12
    shares = [jnp.clip(f, 0.0, None) + tiny for f in fractions]
    return sum(shares, jnp.zeros_like(shares[0])) / sum(s * r for s, r in zip(shares, resistivities, strict=True))


def conductor(
    lithium: Cells,
    conductivity: Cells,
    floor: Array | float,
    grid: Grid,
    diffusion_weight: Cells | None = None,
    log_salt: Cells | None = None,
    has_reservoir: bool = True,
    column_resistance: Array | float = 0.0,
) -> Conductor:
    """Face conductances from cells: arithmetic in 1−g(ξ), half cells in series in κ.

    **Arguments:**

    - `diffusion_weight`, `log_salt`: β and ln c in cells, or `None` without dissolved salt.
    - `has_reservoir`: ln c = 0 on the upper wall; otherwise as in the highest cells.
    """
    open_share = 1 - counted(lithium)
    faces, diffusion = [], []
    for a in grid.axes:
        along = 2 / (1 / conductivity + 1 / before(conductivity, a, 1.0))
        share = average_to_faces(open_share, a)
        face = share * along + (1 - share) * floor
        faces.append(face.at[..., 0].set(0.0) if a == -1 else face)
        if diffusion_weight is None or log_salt is None:
            diffusion.append(jnp.zeros_like(face))
        else:
            # Where only the floor conducts there is no salt either, and what its field says means nothing.
            dissolved = average_to_faces(diffusion_weight, a) * share * along / face
            diffusion.append(dissolved * difference_to_faces(log_salt, grid, a))
    top = (open_share * conductivity)[..., -1] * 2 / grid.spacing[-1]
    top_diffusion = jnp.zeros_like(top)
    if diffusion_weight is not None and log_salt is not None and has_reservoir:
        top_diffusion = -diffusion_weight[..., -1] * log_salt[..., -1]
    return Conductor(
        grid, jnp.stack(faces), top, jnp.stack(diffusion), top_diffusion, conductivity, jnp.asarray(column_resistance)
    )


def current_vectors(conductor: Conductor, potential: Cells) -> CellVectors:
    """Ionic current density in cells, for pictures [-]."""
    flux = conductor.flux(potential)
    above = conductor.top_flux(potential)[..., None]
    return jnp.stack(
        [0.5 * (f + after(f, a, above if a == -1 else 0.0)) for a, f in zip(conductor.grid.axes, flux, strict=True)]
    )
