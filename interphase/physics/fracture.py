"""Fracture of the coating: a damage d, 0 where it is whole and 1 where it is broken.

    AT2   (G_c/ℓ + 2ψ⁺) d − ∇·(G_c ℓ ∇d) = 2ψ⁺
    AT1            2ψ⁺ d − ∇·(¾ G_c ℓ ∇d) = 2ψ⁺ − 3G_c/8ℓ            both with d ≥ d of the step before

Unknown d at the end of the step; given the stress σ̃ that the coating would bear whole, and ψ⁺ of it,

    ψ⁺ = ½ σ⁺ : C⁻¹ : σ⁺ = (1+ν)/2E Σ⟨σ_k⟩² − ν/2E (Σ⟨σ_k⟩)²

the energy of its tensile principal stresses. With all of the deviator, as in the split of Amor, Marigo & Maurini (J.
Mech. Phys. Solids 57 (2009) 1209), a film that growth presses sideways would break along the face it grows on. What is
damaged bears g σ̃, g = (1−d)² + k, where tension has more than its share of σ̃; under compression cracks close and bear
it all, until they have come apart (d from 0.5 to 0.95), which neither meet again nor bear anything. Liquid that gets in
from above takes what load they no longer bear, conducts in them, and reacts with the lithium below.

A coating with a healing time τ forgets damage as e^{−t/τ} where no tension holds cracks open, like a polymer whose
chains diffuse across faces that touch; others never heal.

A bar breaks at σ_c = √(3EG_c/8ℓ) (AT1, elastic until then) or (9/16)√(EG_c/3ℓ) (AT2): ℓ is a length of the material.

Where a cell is not mainly coating, damage is continued from where it is: the stress there is that of what moves with
the lithium or the liquid, and would break the film's faces and nothing else. Damage is carried with the coating and
found after the balance, staggered. The bound d ≥ d_old is met by active sets, a penalty on them; the last solve alone
carries the derivative. Numbers non-dimensional: ψ⁺ in units of the stress scale, ℓ in cells.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar, Stresses
from interphase.grid.boundary import before
from interphase.grid.grid import Grid
from interphase.grid.stencils import average_to_faces, difference_to_faces, inverse_spacing, summed
from interphase.physics.interface import smooth_step
from interphase.physics.principal import principal_values
from interphase.solvers.krylov import conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Diffusion, smoothing_for_diffusion

LEFT = 1e-3  # k: stiffness of what is broken over what it was; keeps the balance solvable
SLIGHT = 1e-6  # of damage that a cell would have to lose for it to be held: less is what the solve leaves
PENALTY = 1e4  # on damage below that of the step before, over the resistance to more
MOST_SETS = 40  # of cells that hold their damage, tried until one stays; a crack that widens takes one a cell
FAINT = 1e-4  # share with which a cell spreads damage where it is not coating: what continues it, and costs nothing
TENSILE = 0.5  # share of tension in the squares of the principal stresses with which a crack is wide open
NO_STRESS = 1e-16  # square of a stress, in units of the scale, below which it has no direction
OPEN = (0.5, 0.95)  # damage from which on a crack has come apart in part, and in full: liquid gets through


def tensile_energy(stress: Stresses, bulk_modulus: Cells, shear_modulus: Cells) -> Cells:
    """ψ⁺ of a stress that the coating would bear whole."""
    tension = jnp.maximum(principal_values(stress), 0.0)
    square, trace = summed(tension**2), summed(tension)
    return (square - trace**2 / 3) / (4 * shear_modulus) + trace**2 / (18 * bulk_modulus)


def degradation(damage: Cells, stress: Stresses) -> Cells:
    """The share of a stress that the damaged coating bears."""
    opens = jnp.maximum(pulled_open(stress), passable(damage))
    return 1 - opens * (1 - LEFT) * (1 - (1 - damage) ** 2)


def pulled_open(stress: Stresses) -> Cells:
    """How wide open a stress holds cracks: 0 under compression or none at all, 1 under tension."""
    principal = principal_values(stress)
    tensile = summed(jnp.maximum(principal, 0.0) ** 2) / (summed(principal**2) + NO_STRESS)
    return smooth_step(tensile, 0.0, TENSILE)


def healed(damage: Cells, stress: Stresses, elapsed: Scalar) -> Cells:
    """What is left of a damage: it heals where no tension holds the faces of cracks apart.

    **Arguments:**

    - `elapsed`: time over the healing time.
    """
    return damage * jnp.exp(-elapsed * (1 - pulled_open(stress)))


def passable(damage: Cells) -> Cells:
    """How freely liquid gets through."""
    return smooth_step(damage, *OPEN)


class Resistance(eqx.Module):
    """What damage costs.

    **Arguments:**

    - `toughness`: G_c in cells; `length`: ℓ [-].
    - `is_brittle`: AT1, elastic up to the strength; otherwise AT2.
    """

    toughness: Cells
    length: Scalar
    is_brittle: bool = eqx.field(static=True)

    @property
    def against(self) -> tuple[Cells, Cells, Cells]:
        """Of its equation, what multiplies d apart from the energy, the coefficient of ∇d, and what ψ⁺ must exceed."""
        if self.is_brittle:
            return 0 * self.toughness, 0.75 * self.toughness * self.length, 3 / 8 * self.toughness / self.length
        return self.toughness / self.length, self.toughness * self.length, 0 * self.toughness

    def energy(self, damage: Cells, grid: Grid) -> Array:
        """∫ of what the cracks have cost, per electrode area: G_c times their length in 2-D, their area in 3-D."""
        local, gradient = (3 / 8, 3 / 8) if self.is_brittle else (1 / 2, 1 / 2)
        density = local * self.toughness * (damage if self.is_brittle else damage**2) / self.length
        for a in grid.axes:
            slope = difference_to_faces(damage, grid, a)
            density = density + gradient * average_to_faces(self.toughness, a) * self.length * slope**2
        return jnp.sum(density) * grid.cell_volume / grid.area


def damaged(
    damage: Cells, energy: Cells, resistance: Resistance, share: Cells, grid: Grid, tolerance: float = 1e-8
) -> Cells:
    """d after a step under ψ⁺, nowhere less than before.

    **Arguments:**

    - `energy`: ψ⁺; `share`: with which a cell counts as coating. Where it does not, damage is continued.
    """
    local, spread, threshold = resistance.against
    weight = jnp.clip(share, 0.0, 1.0)
    driving = 2 * energy
    scale = driving + resistance.toughness / resistance.length

    def faces(operator_weight: Cells) -> Array:
        conductances = []
        for a in grid.axes:
            k = operator_weight * spread
            face = 2 / (1 / k + 1 / before(k, a, 1.0)) * inverse_spacing(grid, a) ** 2
            conductances.append(face.at[..., 0].set(0.0) if a == -1 else face)
        return jnp.stack(conductances)

    conductance, none = faces(weight + FAINT), jnp.zeros_like(damage[..., -1])
    reaction = weight * (driving + local) + 1e-6 * (weight + FAINT) * scale
    source = weight * (driving - threshold)

    parts = (conductance, reaction, source, scale * (weight + FAINT), damage)
    still = jax.lax.stop_gradient(parts)

    def change(held: Array, parts: tuple[Array, Cells, Cells, Cells, Cells]) -> Cells:
        """Of the damage, where that of the cells `held` is kept; differentiable."""
        conductance, reaction, source, scale, damage = parts
        free = Diffusion(grid, conductance, reaction, none)
        operator = Diffusion(grid, conductance, reaction + held * PENALTY * scale, none)
        cycle = Multigrid.build(jax.lax.stop_gradient(operator), smoothing_for_diffusion(), jnp.float32)

        def solve(matvec, b):
            return conjugate_gradients(matvec, b, cycle, tolerance=tolerance)[0]

        return jax.lax.custom_linear_solve(operator, source - free(damage), solve, solve, symmetric=True)

    def unsettled(carry):
        held, before, count = carry
        return jnp.any(held != before) & (count < MOST_SETS)

    def tried(carry):
        held, _, count = carry
        new = change(held, still)
        return new < jnp.where(held, 0.0, -SLIGHT), held, count + 1

    conductance, reaction, source, _, damage = still
    first = source - Diffusion(grid, conductance, reaction, none)(damage) < 0
    held, *_ = jax.lax.while_loop(unsettled, tried, (first, ~first, jnp.zeros((), jnp.int32)))
    return jnp.clip(parts[-1] + jnp.maximum(change(held, parts), 0.0), 0.0, 1.0)
