"""The linearised balance: the rate law eliminated place by place, the rest solved by preconditioned GMRES.

The rate law is local, so the change of the current follows from those of motion and potentials,

    di = a (r + dφ_Γ − dφ_m + dσ_n(du)),        a = 1/(1/i' + R_film + own stress),

r its residual. So is the contact, where lithium may part from what rides on it: its opening answers to dσ_n. What
remains are force, charge and control together:

    force      K du + G δ di      charge     −∇·κ∇dφ + δ di      control    ⟨δ di⟩  or  dφ_m

What an alloy takes up answers to dφ − dφ_m of its place: it adds to charge and control, and swells in the force.
The preconditioner goes through them once: charge with the material held still, then force under what that current
plates. Each takes one multigrid cycle; the cycle of the force has the reaction's local answer condensed into it, or its
iterations would grow with the step. All of it runs in single precision: Newton's residual is what has to be exact.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from interphase.arrays import Cells, Faces, Scalar
from interphase.physics.balance import REST, Balance
from interphase.physics.contact import Contact
from interphase.physics.tangent import Change, Tangent
from interphase.solvers.krylov import dot, gmres
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.newton import AbstractLinearisation, AbstractRootProblem
from interphase.solvers.preconditioners import smoothing_for_diffusion, smoothing_for_elasticity
from interphase.state import Solution

Motion = tuple[Faces, Scalar]  # displacements of material and plate; as rows: their balances, scaled as the residual is
Potentials = tuple[Cells, Scalar]  # of electrolyte and metal; as rows: charge and control


class CoupledProblem(AbstractRootProblem):
    """The balance as a root problem."""

    balance: Balance

    def residual(self, unknowns: Solution) -> Solution:
        return self.balance.residual(unknowns)

    def round_off(self, unknowns: Solution) -> Array | float:
        """Matters in single precision: a stiff film strains by differences of a motion far larger than they are."""
        is_double = unknowns.velocity.dtype == jnp.float64
        return 0.0 if is_double else self.balance.round_off(unknowns)

    def locally_solved(self, unknowns: Solution) -> Solution:
        return self.balance.with_contact_solved(unknowns)

    def prepare(self, unknowns: Solution) -> "Cycles":
        balance, unknowns = single_precision((self.balance, unknowns))
        return Cycles.build(balance, Linearisation.at(balance, unknowns))

    def linearised(self, unknowns: Solution, prepared: "Cycles") -> "Elimination":
        balance, unknowns = single_precision((self.balance, unknowns))
        return Elimination(balance, Linearisation.at(balance, unknowns), prepared)


def single_precision(tree: PyTree) -> PyTree:
    """All real arrays in float32, cut off from derivatives."""
    return jax.tree.map(
        lambda leaf: jax.lax.stop_gradient(leaf).astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf, tree
    )


class Linearisation(eqx.Module):
    """Derivatives of the local laws.

    **Arguments:**

    - `grown`: what the strain of a unit of plated volume makes of the stress.
    - `slope`: i' = di/d𝒜.
    - `answers`: of current and contact to what drives them.
    - `conductance`: δ a.
    - `uptake`: of an alloy, dḣ/d(φ_e − φ_m), or `None`; `swollen`: what swelling per dφ_e − dφ_m makes of the stress,
      were it a strain.
    """

    tangent: Tangent
    grown: Change
    slope: Cells
    answers: "Answers"
    conductance: Cells
    uptake: Cells | None = None
    swollen: Change | None = None

    @staticmethod
    def at(balance: Balance, unknowns: Solution) -> "Linearisation":
        kinetics, area, dt = balance.kinetics, balance.area, balance.dt
        strains, responses, _ = balance.mechanics(unknowns)
        tangent = Tangent.of(balance.body, strains, responses, dt)
        current, slope = jax.jvp(kinetics.current, (unknowns.affinity,), (jnp.ones_like(unknowns.affinity),))
        grown = tangent.of_growth()
        own_stress = tangent.normal_stress(grown) * area * dt
        answer = 1 / (1 / slope + kinetics.film_resistance)
        contact = None
        if balance.contact is not None and unknowns.closeness is not None:
            contact = ContactTangent.at(balance.contact, unknowns.closeness, current, area, dt)
        renewed = None
        if balance.sites is not None:
            whole = balance.current(unknowns)
            _, renewed = jax.jvp(balance.sites.renewed, (whole,), (jnp.ones_like(whole),))
        answers = Answers(answer if contact is None else contact.share * answer, own_stress, contact, renewed)
        uptake = swollen = None
        if (alloy := balance.alloy) is not None:
            uptake = alloy.answer(unknowns.potential, unknowns.metal_potential)
            swollen = tangent.of_swelling(balance.body, responses).times(alloy.strain(uptake))
        conductance = area * answers(jnp.ones_like(area)).current
        return Linearisation(tangent, grown, slope, answers, conductance, uptake, swollen)

    @property
    def drawing(self) -> Cells:
        """Current per volume that a place draws as its potential rises: what reacts, and what an alloy takes up."""
        return self.conductance if self.uptake is None else self.conductance + self.uptake


class ContactTangent(eqx.Module):
    """Derivatives of the contact by what its closeness gains, ξ, whose row is D dξ + ω dσ_n.

    **Arguments:**

    - `share`: c, and `lost`: −i dc/dξ/D, the current that a residual of the row takes.
    - `opening`: −d(gap)/dξ/(D Δt), the speed that it opens with. `diagonal`: D; `weight`: ω.
    """

    share: Cells
    lost: Cells
    opening: Cells
    diagonal: Cells
    weight: Cells

    @staticmethod
    def at(contact: Contact, gained: Cells, current: Cells, area: Cells, dt: Array) -> "ContactTangent":
        def laws(x):
            return contact.share(x), contact.opened(x), contact.traction(x)

        (share, *_), slopes = jax.jvp(laws, (gained,), (jnp.ones_like(gained),))
        share_slope, opening_slope, traction_slope = slopes
        weight = area / contact.pressure
        # Negative where faces about to snap bear less the wider they part; what holds them is the stiffness around.
        diagonal = REST - weight * traction_slope
        diagonal = jnp.where(jnp.abs(diagonal) < REST, REST, diagonal)
        return ContactTangent(
            share, -current * share_slope / diagonal, -opening_slope / (diagonal * dt), diagonal, weight
        )


class Answer(eqx.Module):
    """What a place answers: plating current, speed at which faces part by that and by opening, change of σ_n."""

    current: Cells
    parting: Cells
    stress: Cells


class Answers(eqx.Module):
    """How current and contact of a place answer; the stress that own growth and opening raise hinders both.

    **Arguments:**

    - `rate`: c/(1/i' + R_film). `own_stress`: −dσ_n per speed at which faces part.
    - `renewed`: what of a current parts the faces, or `None` where all of it does.
    """

    rate: Cells
    own_stress: Cells
    contact: ContactTangent | None
    renewed: Cells | None = None

    def __call__(self, driving: Cells, stress: Array | float = 0.0, missing: Array | float = 0.0) -> Answer:
        """To dφ_Γ − dφ_m and the residual of the rate, dσ_n of what moves, and the residual of the contact."""
        by_current, by_contact, contact = self.rate, 0.0, self.contact
        current, opening = self.rate * driving, 0.0
        if contact is not None:
            by_current = self.rate + contact.lost * contact.weight
            by_contact = contact.opening * contact.weight
            current, opening = current - contact.lost * missing, -contact.opening * missing
        parting = self._parts(current) + opening
        hindrance = 1 + self.own_stress * (self._parts(by_current) + by_contact)
        stress = (stress - self.own_stress * parting) / hindrance
        current = current + by_current * stress
        return Answer(current, self._parts(current) + opening + by_contact * stress, stress)

    def _parts(self, current: Cells) -> Cells:
        """What of a current parts the faces."""
        return current if self.renewed is None else self.renewed * current

    @property
    def compliance(self) -> Cells:
        """Speed at which the contact opens per σ_n, or would if faces about to snap did not."""
        contact = self.contact
        return jnp.zeros_like(self.rate) if contact is None else jnp.abs(contact.opening) * contact.weight


class Cycles(eqx.Module):
    """Multigrid cycles for charge and force.

    **Arguments:**

    - `lift`, `lift_stiffness`: how a stack of layers follows a unit motion of the plate, and the force that takes.
    """

    charge: Multigrid
    elasticity: Multigrid
    lift: Motion
    lift_stiffness: Scalar

    @staticmethod
    def build(balance: Balance, linear: Linearisation) -> "Cycles":
        grid = balance.grid
        resistance = balance.kinetics.film_resistance + balance.conductor.column_resistance
        current = linear.slope / (1 + linear.slope * resistance)
        answering = balance.area * balance.dt * (current + linear.answers.compliance)
        elastic = linear.tangent.elasticity(answering, linear.grown)
        compliance = grid.spacing[-1] / jnp.mean(elastic.normal_stiffness[-1, -1], axis=tuple(range(grid.dim - 1)))
        below = (jnp.cumsum(compliance) - compliance) / jnp.sum(compliance)
        lift = jnp.zeros((grid.dim, *grid.shape), compliance.dtype).at[-1].set(below)
        return Cycles(
            charge=Multigrid.build(balance.conductor.operator(linear.drawing), smoothing_for_diffusion()),
            elasticity=Multigrid.build(elastic, smoothing_for_elasticity(grid.dim, 0.4)),
            lift=(lift, jnp.ones_like(compliance[0])),
            lift_stiffness=grid.shape_in_plane / grid.spacing[-1] * (1 / jnp.sum(compliance) + balance.control.spring),
        )

    def motion(self, force: Motion, has_plate: bool) -> Motion:
        """One cycle of the force; the plate follows as the stack of layers under it would."""
        displacement = self.elasticity(off_the_wall(force[0]))
        if not has_plate:
            return displacement, force[1]
        lifted = dot(self.lift, force) / self.lift_stiffness
        return displacement + lifted * self.lift[0], lifted


class Elimination(AbstractLinearisation):
    """The linearised balance at given unknowns, in single precision."""

    balance: Balance
    linear: Linearisation
    cycles: Cycles

    def solve(self, residual: Solution, tolerance: Array) -> tuple[Solution, Array]:
        """J⁻¹ residual to `tolerance` of its norm, and the iterations used."""
        asked = _as(jnp.float32, residual)
        rows = self._eliminated(asked)
        unknowns, report = gmres(self._operator, rows, self._sweep, tolerance)
        return _like(residual, self._completed(asked, unknowns)), report.iterations

    def inverse(self, residual: Solution, tolerance: float) -> Solution:
        """The same as a map that can be transposed."""
        asked = _as(jnp.float32, residual)
        rows = self._eliminated(asked)

        def solve(operator, rows):
            return gmres(operator, rows, self._sweep, tolerance)[0]

        def transpose_solve(operator, rows):
            transposed = jax.linear_transpose(self._sweep, rows)
            return gmres(operator, rows, lambda r: transposed(r)[0], tolerance)[0]

        unknowns = jax.lax.custom_linear_solve(self._operator, rows, solve, transpose_solve)
        return _like(residual, self._completed(asked, unknowns))

    # --- the rate law, place by place -------------------------------------------------------------------------------

    def _rate(self, residual: Solution) -> Cells:
        return residual.affinity * self.balance.area_scale / self.balance.rate_weight

    def _eliminated(self, residual: Solution) -> tuple[Motion, Potentials]:
        """The rows left when every place has answered to the residual of its rate law."""
        balance = self.balance
        answer = self.linear.answers(self._rate(residual), 0.0, self._missing(residual))
        answered = balance.area * answer.current
        force, on_plate = self._plated(answer)
        return (
            (residual.velocity - off_the_wall(force), residual.plate_velocity - on_plate),
            (
                residual.potential - answered / balance.area_scale,
                residual.metal_potential - self._mean_if_galvanostatic(answered),
            ),
        )

    def _completed(self, residual: Solution, unknowns: tuple[Motion, Potentials]) -> Solution:
        """All changes, the affinity's from its own row."""
        balance, linear = self.balance, self.linear
        (displacement, plate), (potential, metal) = unknowns
        rate, missing = self._rate(residual), self._missing(residual)
        driving = rate + self._driving(unknowns[1])
        change = linear.tangent.change(linear.tangent.increment(displacement, plate))
        stress = linear.tangent.normal_stress(self._less_swollen(change, unknowns[1]))
        answer = linear.answers(driving, stress, missing)
        affinity = (driving + answer.stress) / (1 + balance.kinetics.film_resistance * linear.slope)
        contact = linear.answers.contact
        closeness = None if contact is None else (missing - contact.weight * answer.stress) / contact.diagonal
        return Solution(displacement / balance.dt, plate / balance.dt, affinity, potential, metal, closeness)

    def _missing(self, residual: Solution) -> Array | float:
        return 0.0 if residual.closeness is None else residual.closeness * self.balance.area_scale

    def _driving(self, potentials: Potentials) -> Cells:
        """dφ_Γ − dφ_m."""
        potential, metal = potentials
        return self.balance.potential_at_surface(potential) - metal

    def _plated(self, answer: Answer, potentials: Potentials | None = None) -> Motion:
        """The rows of what an answer plates and opens, and of what swells as the potentials change."""
        shrinkage = self.linear.grown.times(-self.balance.dt * self.balance.area * answer.parting)
        if potentials is not None:
            shrinkage = self._less_swollen(shrinkage, potentials)
        return self._motion_rows(*self.linear.tangent.force(shrinkage))

    # --- the alloy, place by place ----------------------------------------------------------------------------------

    def _less_swollen(self, change: Change, potentials: Potentials) -> Change:
        """A change of stress less what swelling takes up."""
        if self.linear.swollen is None:
            return change
        potential, metal = potentials
        return change.less(self.linear.swollen.times(potential - metal))

    def _taken_up(self, potentials: Potentials) -> Cells | None:
        """Change of the current into the alloy."""
        potential, metal = potentials
        return None if self.linear.uptake is None else self.linear.uptake * (potential - metal)

    # --- force, charge and control ----------------------------------------------------------------------------------

    def _operator(self, unknowns: tuple[Motion, Potentials]) -> tuple[Motion, Potentials]:
        balance, tangent = self.balance, self.linear.tangent
        (displacement, plate), (potential, metal) = unknowns
        increment = tangent.increment(displacement, plate)
        change = self._less_swollen(tangent.change(increment), unknowns[1])
        answer = self.linear.answers(self._driving(unknowns[1]), tangent.normal_stress(change))
        # A barrier: the stencils of the force would compute the current again for every neighbour.
        current, parting = jax.lax.optimization_barrier((balance.area * answer.current, balance.area * answer.parting))
        change = change.less(self.linear.grown.times(balance.dt * parting))
        if (taken_up := self._taken_up(unknowns[1])) is not None:
            current = current + taken_up
        on_faces, on_plate = self._motion_rows(*tangent.force(change, increment.edges))
        on_faces = on_faces.at[-1, ..., 0].set(displacement[-1, ..., 0] / balance.dt)  # the lower wall stands still
        on_plate = on_plate + balance.control.spring * plate / balance.plate_scale
        control = jnp.where(balance.control.is_potentiostatic, metal, balance.mean(current))
        return (
            (on_faces, on_plate if balance.has_plate else plate / balance.dt),
            ((balance.conductor.spread(potential) + current) / balance.area_scale, control),
        )

    def _sweep(self, rows: tuple[Motion, Potentials]) -> tuple[Motion, Potentials]:
        """Charge with the material held still, then force under what that current plates."""
        balance = self.balance
        (force, on_plate), potentials = rows
        potential, metal, driving = self._charge_cycle(potentials)
        plated = self._plated(self.linear.answers(driving), potentials=(potential, metal))
        displacement, plate = self.cycles.motion(
            self._forces(force - plated[0], on_plate - plated[1]), balance.has_plate
        )
        displacement = displacement.at[-1, ..., 0].set(force[-1, ..., 0] * balance.dt)
        return (displacement, plate if balance.has_plate else on_plate * balance.dt), (potential, metal)

    def _charge_cycle(self, rows: Potentials) -> tuple[Cells, Scalar, Cells]:
        """The metal moves as the control asks of the whole surface, the electrolyte answers, the metal makes up.

        **Returns:** changes of both potentials, and dφ_Γ − dφ_m.
        """
        balance, conductance, drawing = self.balance, self.linear.conductance, self.linear.drawing
        flow, control = rows
        is_potentiostatic, total = balance.control.is_potentiostatic, balance.mean(drawing)
        metal = jnp.where(is_potentiostatic, control, -control / total)
        potential = self.cycles.charge(flow * balance.area_scale + drawing * metal)
        at_surface = balance.potential_at_surface(potential)
        drawn = balance.mean(conductance * (at_surface - metal))
        if (taken_up := self._taken_up((potential, metal))) is not None:
            drawn = drawn + balance.mean(taken_up)
        metal = metal + jnp.where(is_potentiostatic, 0.0, (drawn - control) / total)
        return potential, metal, at_surface - metal

    def _mean_if_galvanostatic(self, per_volume: Cells) -> Array:
        return jnp.where(self.balance.control.is_potentiostatic, 0.0, self.balance.mean(per_volume))

    # --- scales of the force rows -----------------------------------------------------------------------------------

    @property
    def _plate_scale(self) -> Array:
        grid = self.balance.grid
        return self.balance.plate_scale * grid.shape_in_plane / grid.spacing[-1]

    def _motion_rows(self, force: Faces, on_plate: Scalar) -> Motion:
        """Forces scaled as the residual is; without a plate nothing pulls at it."""
        scaled = on_plate / self._plate_scale if self.balance.has_plate else jnp.zeros_like(on_plate)
        return force / self.balance.stress_scale, scaled

    def _forces(self, force: Faces, on_plate: Scalar) -> Motion:
        return force * self.balance.stress_scale, on_plate * self._plate_scale


def _as(dtype, tree: PyTree) -> PyTree:
    return jax.tree.map(lambda x: x.astype(dtype), tree)


def _like(model: PyTree, tree: PyTree) -> PyTree:
    return jax.tree.map(lambda x, like: x.astype(like.dtype), tree, model)


def off_the_wall(faces: Faces) -> Faces:
    """Without the normal component on the lower wall, which is no unknown of the force balance."""
    return faces.at[-1, ..., 0].set(0.0)
