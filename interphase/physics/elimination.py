"""Approximate inverse of the coupled balance: charge and rate first, then force, then charge and rate again.

    1  D y₁ = r_y                       charge, rate and control with the material held still
    2  S du = r_v − F(y₁)               force on the material and on the plate, to which the reaction answers at once
    3  D y₂ = −Σ(du),  y = y₁ + y₂      charge and rate once the material has moved

S stands for the Schur complement of the force block; in it the potential answers by one multigrid cycle instead of a
solve, and what that misses shrinks with every Newton step. D is solved by GMRES, S by conjugate gradients, each
preconditioned with one cycle; the cycle of S has the reaction's local answer condensed into it, or its iterations would
grow with the step. All of it runs in single precision: Newton's residual is what has to be exact.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from interphase.arrays import Cells, Faces, Scalar
from interphase.physics.balance import Balance
from interphase.physics.tangent import Tangent
from interphase.solvers.krylov import add, conjugate_gradients, dot, gmres
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.newton import AbstractRootProblem
from interphase.solvers.preconditioners import smoothing_for_diffusion, smoothing_for_elasticity
from interphase.state import Solution

# Of the material and of the plate; as a force: per volume, and on the plate per cell volume.
Motion = tuple[Faces, Scalar]


class CoupledProblem(AbstractRootProblem):
    """The balance as a root problem."""

    balance: Balance

    def residual(self, unknowns: Solution) -> Solution:
        return self.balance.residual(unknowns)

    def prepare(self, unknowns: Solution) -> "Hierarchies":
        balance, unknowns = single_precision((self.balance, unknowns))
        return Hierarchies.build(balance, Linearisation.at(balance, unknowns))

    def approximate_inverse(self, unknowns: Solution, prepared: "Hierarchies", tolerance: float) -> "Elimination":
        balance, unknowns = single_precision((self.balance, unknowns))
        return Elimination(balance, Linearisation.at(balance, unknowns), prepared, tolerance)


def single_precision(tree: PyTree) -> PyTree:
    """All real arrays in float32, cut off from derivatives."""
    return jax.tree.map(
        lambda leaf: jax.lax.stop_gradient(leaf).astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, tree
    )


class Linearisation(eqx.Module):
    """Derivatives of the local laws.

    **Arguments:**

    - `slope`: di/d𝒜.
    - `answer`: di/dφ with the material held still: own growth then raises the stress that hinders it.
    - `conductance`: δ di/dφ.
    - `blunted`: the same, no larger than the potential drop across the diffuse interface lets a cell feel.
    """

    tangent: Tangent
    slope: Cells
    answer: Cells
    conductance: Cells
    blunted: Cells

    @staticmethod
    def at(balance: Balance, unknowns: Solution) -> "Linearisation":
        kinetics, area, dt = balance.kinetics, balance.area, balance.dt
        strain, responses, growth = balance.mechanics(unknowns)
        tangent = Tangent.of(balance.body, unknowns.velocity * dt, growth, strain, responses, dt)
        _, slope = jax.jvp(kinetics.current, (unknowns.affinity,), (jnp.ones_like(unknowns.affinity),))
        own_stress = tangent.normal_stress(tangent.growth_increment) * area * dt
        resistance = 1 / slope + kinetics.film_resistance
        drop = balance.width / (balance.conductor.conductivity * resistance)
        return Linearisation(
            tangent,
            slope,
            answer=1 / (resistance + own_stress),
            conductance=area / (resistance + own_stress),
            blunted=area / (resistance * (1 + 2 * drop**2 / (1 + drop)) + own_stress),
        )


class Hierarchies(eqx.Module):
    """Multigrid cycles for both blocks, and the modes that a single number controls.

    **Arguments:**

    - `metal_response`: φ_e that follows a unit φ_m; `metal_stiffness`: the mean current that it draws.
    - `lift`, `lift_stiffness`: how a stack of layers follows a unit motion of the plate, and the force that takes.
    - `total`, `total_response`: force of, and displacement under, plating wherever it likes; where the control fixes
      the total current that motion is barred, which the cycle does not know. `total_stiffness` of that bar.
    """

    charge: Multigrid
    metal_response: Cells
    metal_stiffness: Scalar
    elasticity: Multigrid
    lift: Motion
    lift_stiffness: Scalar
    total: Motion
    total_response: Motion
    total_stiffness: Scalar

    @staticmethod
    def build(balance: Balance, linear: Linearisation) -> "Hierarchies":
        tangent, blunted, grid = linear.tangent, linear.blunted, balance.grid
        charge = Multigrid.build(balance.conductor.operator(blunted), smoothing_for_diffusion())
        metal_response = charge(blunted)

        resistance = balance.kinetics.film_resistance + balance.conductor.column_resistance
        answering = balance.area * balance.dt * linear.slope / (1 + linear.slope * resistance)
        elastic = tangent.elasticity(answering)
        compliance = grid.spacing[-1] / jnp.mean(elastic.normal_stiffness[-1, -1], axis=tuple(range(grid.dim - 1)))
        below = (jnp.cumsum(compliance) - compliance) / jnp.sum(compliance)
        lift = jnp.zeros((grid.dim, *grid.shape), compliance.dtype).at[-1].set(below)
        condensed = answering / (1 + answering * tangent.normal_stress(tangent.growth_increment))
        force = tangent.force(tangent.no_increment, condensed)
        total = (-force[0], -force[1] if balance.has_plate else jnp.zeros_like(force[1]))
        hierarchies = Hierarchies(
            charge=charge,
            metal_response=metal_response,
            metal_stiffness=balance.mean(blunted * (1 - metal_response)),
            elasticity=Multigrid.build(elastic, smoothing_for_elasticity(grid.dim, 0.49)),
            lift=(lift, jnp.ones_like(compliance[0])),
            lift_stiffness=grid.shape_in_plane / (grid.spacing[-1] * jnp.sum(compliance)),
            total=total,
            total_response=total,
            total_stiffness=jnp.ones_like(compliance[0]),
        )
        response = hierarchies.motion(total, balance.has_plate)
        return eqx.tree_at(
            lambda h: (h.total_response, h.total_stiffness),
            hierarchies,
            (response, jnp.sum(condensed) + dot(total, response)),
        )

    def motion(self, force: Motion, has_plate: bool) -> Motion:
        """One cycle of the force block with the total current left free."""
        displacement, plate = self.elasticity(force[0]), force[1]
        if not has_plate:
            return displacement, plate
        lifted = dot(self.lift, force) / self.lift_stiffness
        return displacement + lifted * self.lift[0], lifted


class Elimination(eqx.Module):
    """The approximate inverse at given unknowns."""

    balance: Balance
    linear: Linearisation
    hierarchies: Hierarchies
    tolerance: float = eqx.field(static=True)

    def __call__(self, residual: Solution) -> tuple[Solution, Array]:
        """J⁻¹ residual, nearly, and the inner iterations used."""
        asked = jax.tree.map(lambda r: r.astype(jnp.float32), residual)
        step, iterations = self._solve(asked)
        return jax.tree.map(lambda s, r: s.astype(r.dtype), step, residual), iterations

    def _solve(self, residual: Solution) -> tuple[Solution, Array]:
        balance, linear, dt = self.balance, self.linear, self.balance.dt
        rate = residual.affinity * balance.area_scale / balance.rate_weight
        wanted = linear.conductance * rate
        potential, metal, first = self._solve_charge(
            residual.potential * balance.area_scale - wanted,
            residual.metal_potential - self._mean_if_galvanostatic(wanted),
        )
        current = linear.answer * (rate + balance.potential_at_surface(potential) - metal)

        plated = linear.tangent.force(linear.tangent.no_increment, balance.area * dt * current)
        (displacement, plate), second = self._solve_force(add(self._force_residual(residual), -1.0, plated))
        displacement = displacement.at[-1, ..., 0].set(residual.velocity[-1, ..., 0] * dt)  # that row stands for itself

        stress = linear.tangent.normal_stress(linear.tangent.increment(displacement, plate))
        relief = linear.conductance * stress
        more_potential, more_metal, third = self._solve_charge(-relief, -self._mean_if_galvanostatic(relief))
        current = current + linear.answer * (stress + balance.potential_at_surface(more_potential) - more_metal)
        step = Solution(
            velocity=displacement / dt,
            plate_velocity=plate / dt if balance.has_plate else residual.plate_velocity,
            affinity=current / linear.slope,
            potential=potential + more_potential,
            metal_potential=metal + more_metal,
        )
        return step, first + second + third

    def _mean_if_galvanostatic(self, per_volume: Cells) -> Array:
        return jnp.where(self.balance.control.is_potentiostatic, 0.0, self.balance.mean(per_volume))

    # --- charge with the material held still ------------------------------------------------------------------------

    def _charge_operator(self, unknowns: tuple[Cells, Scalar]) -> tuple[Cells, Array]:
        potential, metal = unknowns
        balance = self.balance
        current = self.linear.conductance * (balance.potential_at_surface(potential) - metal)
        control = jnp.where(balance.control.is_potentiostatic, metal, balance.mean(current))
        return (balance.conductor.spread(potential) + current) / balance.area_scale, control

    def _charge_cycle(self, residual: tuple[Cells, Array]) -> tuple[Cells, Array]:
        flow, control = residual
        potential = self.hierarchies.charge(flow * self.balance.area_scale)
        metal = jnp.where(
            self.balance.control.is_potentiostatic,
            control,
            (self.balance.mean(self.linear.blunted * potential) - control) / self.hierarchies.metal_stiffness,
        )
        return potential + self.hierarchies.metal_response * metal, metal

    def _solve_charge(self, flow: Cells, control: Array) -> tuple[Cells, Array, Array]:
        def solve(matvec, b):
            return gmres(matvec, b, self._charge_cycle, self.tolerance)

        def transpose_solve(vecmat, b):
            transposed = jax.linear_transpose(self._charge_cycle, b)
            return gmres(vecmat, b, lambda r: transposed(r)[0], self.tolerance)

        right_side = (flow / self.balance.area_scale, control)
        (potential, metal), report = jax.lax.custom_linear_solve(  # pyright: ignore[reportGeneralTypeIssues]
            self._charge_operator, right_side, solve, transpose_solve, has_aux=True
        )
        return potential, metal, report.iterations

    # --- force with the reaction's answer condensed -----------------------------------------------------------------

    def _force_residual(self, residual: Solution) -> Motion:
        """The rows of the force balance, unscaled; without a plate its row asks for no motion."""
        balance, grid = self.balance, self.balance.grid
        on_plate = residual.plate_velocity * balance.plate_scale * grid.shape_in_plane / grid.spacing[-1]
        return residual.velocity * balance.stress_scale, on_plate if balance.has_plate else 0.0 * on_plate

    def _force_operator(self, motion: Motion) -> Motion:
        """S: the force of a motion to which current and potential answer, the potential by one cycle."""
        displacement, plate = motion
        increment = self.linear.tangent.increment(displacement, plate)
        stress = self.linear.tangent.normal_stress(increment)
        relief = self.linear.blunted * stress
        potential, metal = self._charge_cycle((-relief / self.balance.area_scale, -self._mean_if_galvanostatic(relief)))
        growth = self.balance.dt * self.linear.blunted * (stress + potential - metal)
        force, on_plate = self.linear.tangent.force(increment, growth)
        return force, on_plate if self.balance.has_plate else plate

    def _force_cycle(self, force: Motion) -> Motion:
        """One cycle, corrected for the total current that a galvanostat fixes: Sherman and Morrison's formula."""
        hierarchies = self.hierarchies
        motion = hierarchies.motion(force, self.balance.has_plate)
        barred = dot(hierarchies.total, motion) / hierarchies.total_stiffness
        barred = jnp.where(self.balance.control.is_potentiostatic, 0.0, barred)
        return add(motion, -barred, hierarchies.total_response)

    def _solve_force(self, push: Motion) -> tuple[Motion, Array]:
        def solve(matvec, b):
            return conjugate_gradients(matvec, b, self._force_cycle, tolerance=self.tolerance)

        (displacement, plate), report = jax.lax.custom_linear_solve(  # pyright: ignore[reportGeneralTypeIssues]
            self._force_operator, (off_the_wall(push[0]), push[1]), solve, symmetric=True, has_aux=True
        )
        return (off_the_wall(displacement), plate), report.iterations


def off_the_wall(faces: Faces) -> Faces:
    """Without the normal component on the lower wall, which is no unknown of the force balance."""
    return faces.at[-1, ..., 0].set(0.0)
