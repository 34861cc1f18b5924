"""Force balance, charge balance and reaction rate as one nonlinear system, solved together.

    force      −∇·σ(v, i) = 0                                unknown v, and the plate's speed W
    rate       𝒜 − (φ_Γ − φ_m) − σ_n(v, i) − … = 0           unknown 𝒜;  i = i(𝒜) by Butler–Volmer
    charge     −∇·κ∇φ_e + (i + i_s) δ + ḣ = 0                unknown φ_e
    control    ⟨(i + i_s) δ + ḣ⟩ = I   or   φ_m = V          unknown φ_m
    contact    σ_n − traction of the faces = 0               unknown ξ, where lithium may part from what rides on it

A side current i_s makes a film of lithium (see `film`); it is known before. A coating that is an alloy takes up ḣ and
swells by it (see `alloy`). Stress slows plating and plating makes
stress; lagging one behind the other is first order in the step and, with elastic lithium, unstable. `elimination` holds
the linear solve of Newton's method.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.physics.alloy import Alloy
from interphase.physics.charge import Conductor
from interphase.physics.contact import Contact
from interphase.physics.interface import Look, between_cells
from interphase.physics.momentum import Body, Response, Strains, normal_stress
from interphase.physics.parting import Parted
from interphase.physics.reaction import Kinetics
from interphase.physics.vacancies import Sites
from interphase.state import Solution

ROUNDED_UP = 2.0  # last digits of velocities that forces are off by, from 1.1 to 1.6 measured; of the potential 0.7
REST = 1e-3  # of a unit area: what the rate law counts for where no surface is; also how the contact is held there


class Control(eqx.Module):
    """What the outside imposes.

    **Arguments:**

    - `current`: mean plating current density I [-].
    - `metal_potential`: V, used instead of the current where `is_potentiostatic`.
    - `pressure`: P on the plate at the start of the step [-].
    - `spring`: by how much P rises as the plate does [-]; zero under a dead weight.
    """

    current: Scalar
    metal_potential: Scalar
    is_potentiostatic: Array
    pressure: Scalar
    spring: Scalar


class Balance(eqx.Module):
    """The system of one step: everything it needs apart from the unknowns.

    **Arguments:**

    - `look`: where the lithium surface is.
    - `area`: reacting lithium surface per volume δ: where an ionic conductor touches it [-].
    - `contact`: or `None` where lithium never parts from what rides on it.
    - `side`: current per volume that makes a film of lithium, known beforehand, or `None` without one [-].
    - `sites`: of the lithium's lattice, or `None` where every one has its atom.
    - `alloy`: or `None` where the coating takes up no lithium.
    - `stress_scale`: typical |σ|/h·√cells, by which the force residual is divided.
    - `has_plate`: a rigid plate closes the box; otherwise the upper wall stands still, the filler below it gives way.
    """

    body: Body
    kinetics: Kinetics
    conductor: Conductor
    look: Look
    area: Cells
    control: Control
    contact: Contact | None
    side: Cells | None
    sites: Sites | None
    dt: Scalar
    stress_scale: Scalar
    width: float = eqx.field(static=True)
    has_plate: bool = eqx.field(static=True)
    alloy: Alloy | None = None

    @property
    def grid(self) -> Grid:
        return self.body.grid

    def with_phases(self, parted: Parted) -> "Balance":
        """The balance with phases parted so."""
        return eqx.tree_at(lambda b: b.body.rides, self, (parted.resting, parted.riding))

    def growth(self, unknowns: Solution) -> Cells:
        """Plated volume fraction of the step."""
        return self.current(unknowns) * self.area * self.dt

    def current(self, unknowns: Solution) -> Cells:
        """Plating current density, over all of the faces."""
        current = self.kinetics.current(unknowns.affinity)
        if self.contact is not None and unknowns.closeness is not None:
            current = current * self.contact.share(unknowns.closeness)
        return current

    def advance(self, unknowns: Solution) -> Cells:
        """Volume fraction of lattice that the lithium's surface gains in the step: all that is plated if it is full."""
        if self.sites is None:
            return self.growth(unknowns)
        return self.sites.renewed(self.current(unknowns)) * self.area * self.dt - self.sites.sinking

    def stored(self, unknowns: Solution) -> Cells | None:
        """Current per volume into the alloy."""
        return None if self.alloy is None else self.alloy.stored(unknowns.potential, unknowns.metal_potential)

    def drawn(self, plating: Cells, unknowns: Solution) -> Cells:
        """Current per volume that the electrolyte supplies: what plates, makes a film, or goes into the alloy."""
        drawn = plating if self.side is None else plating + self.side
        stored = self.stored(unknowns)
        return drawn if stored is None else drawn + stored

    def opening(self, unknowns: Solution) -> Cells:
        """Volume fraction of gap that opens in the step."""
        if self.contact is None or unknowns.closeness is None:
            return jnp.zeros_like(self.area)
        return self.contact.opened(unknowns.closeness) * self.area

    def mechanics(self, unknowns: Solution) -> tuple[Strains, list[Response], Cells]:
        """Strain increments, answers of the phases, and plated volume fraction of the step."""
        growth = self.growth(unknowns)
        advance = growth if self.sites is None else self.advance(unknowns)
        parting = advance + self.opening(unknowns)
        stored = self.stored(unknowns)
        swollen = None if self.alloy is None or stored is None else self.alloy.strain(stored)
        strains = self.body.strain(unknowns.velocity * self.dt, unknowns.plate_velocity * self.dt, parting, swollen)
        return strains, self.body.responses(strains, self.dt), growth

    def potential_at_surface(self, potential: Cells) -> Cells:
        """φ_Γ: φ_e where the normal through a cell meets the surface, ξ = ½.

        Under a resistive coating φ_e falls by many RT/F within the diffuse interface; the reaction must not see that,
        nor how the slope of φ_e at the foot of the interface differs from that at the surface.
        """
        # A barrier: what reads this would gather it again for every neighbour.
        return jax.lax.optimization_barrier(between_cells(potential[None], self.look.nearest, self.grid)[0])

    def residual(self, unknowns: Solution) -> Solution:
        """All balances, each scaled to order one; zero at the solution."""
        strains, responses, growth = self.mechanics(unknowns)
        stress = self.body.stress(strains, responses)
        current = self.drawn(growth / self.dt, unknowns)
        driving = self.potential_at_surface(unknowns.potential) - unknowns.metal_potential
        normal = normal_stress(stress, self.body.direction)
        mismatch = self.kinetics.mismatch(unknowns.affinity, driving, normal)
        control = self.control
        force = self.body.force(strains, responses) / self.stress_scale
        return Solution(
            velocity=force.at[-1, ..., 0].set(unknowns.velocity[-1, ..., 0]),  # the lower wall stands still
            plate_velocity=(self.pressure(unknowns) - self.body.plate_pressure(stress)) / self.plate_scale
            if self.has_plate
            else unknowns.plate_velocity,
            affinity=self.rate_weight * mismatch / self.area_scale,
            potential=(self.conductor.outflow(unknowns.potential) + current) / self.area_scale,
            metal_potential=jnp.where(
                control.is_potentiostatic,
                unknowns.metal_potential - control.metal_potential,
                self.mean(current) - control.current,
            ),
            closeness=None if unknowns.closeness is None else self._contact_residual(unknowns.closeness, normal),
        )

    def counted_from_start(self, solution: Solution) -> Solution:
        """Of a contact's closeness, what it gains in the step: the unknown."""
        return self._with_closeness(solution, lambda x, before: x - before)

    def counted_from_zero(self, unknowns: Solution) -> Solution:
        """The closeness itself, as it goes on in time."""
        return self._with_closeness(unknowns, lambda gained, before: before + gained)

    def _with_closeness(self, solution: Solution, change: Callable[[Cells, Cells], Cells]) -> Solution:
        if self.contact is None or solution.closeness is None:
            return solution
        return eqx.tree_at(lambda s: s.closeness, solution, change(solution.closeness, self.contact.closeness))

    def with_contact_solved(self, unknowns: Solution) -> Solution:
        """The contact a Newton step nearer to what motion and potentials, as they are, ask of it place by place.

        A linear solve moves it along its tangent. What its curve makes of that is soon more than all else that is wrong
        and would take most of the iteration (nonlinear elimination: Lanzkron, Rose, Wilkes, SIAM J. Sci. Comput. 17
        (1996) 538).
        """
        contact, gained = self.contact, unknowns.closeness
        if contact is None or gained is None:
            return unknowns
        strains, responses, _ = self.mechanics(unknowns)
        normal = normal_stress(self.body.stress(strains, responses), self.body.direction)
        missing = self._contact_residual(gained, normal) * self.area_scale

        def laws(gained):
            return contact.opened(gained), contact.traction(gained)

        _, (opening, traction) = jax.jvp(laws, (gained,), (jnp.ones_like(gained),))
        stiffness = self.area * self.body.longitudinal(responses)
        slope = REST + self.area / contact.pressure * (jnp.maximum(-traction, 0.0) - stiffness * opening)
        return eqx.tree_at(lambda u: u.closeness, unknowns, gained - missing / slope)

    def round_off(self, unknowns: Solution) -> Array:
        """Norm of the residual that the last digits of unknowns and filling leave in forces, charge and contact."""
        h, digit = min(self.grid.spacing), jnp.finfo(unknowns.velocity.dtype).eps
        stiffness = sum(p.fraction * (p.bulk_modulus + 4 / 3 * p.shear_modulus) for p in self.body.phases)
        moved = jnp.sqrt(summed(unknowns.velocity**2)) * self.dt
        stress = ROUNDED_UP * stiffness * moved / h
        force = jnp.linalg.norm(stress) / h / self.stress_scale
        flow, control = jnp.abs(summed(self.conductor.face) * unknowns.potential) / h**2, 0.0
        if self.alloy is not None:
            stored = self.alloy.digits(unknowns.potential, unknowns.metal_potential)
            flow, control = flow + stored, self.mean(stored)
        charge = jnp.hypot(jnp.linalg.norm(flow) / self.area_scale, control)
        contact = 0.0
        if self.contact is not None:
            contact = jnp.linalg.norm(self.area * stress) / self.contact.pressure / self.area_scale
        return digit * jnp.hypot(jnp.hypot(force, charge), contact)

    def pressure(self, unknowns: Solution) -> Array:
        """What weight and spring press on the plate with at the end of the step [-]."""
        return self.control.pressure + self.control.spring * unknowns.plate_velocity * self.dt

    def _contact_residual(self, gained: Cells, normal_stress: Cells) -> Cells:
        """What the faces do not bear; away from them the contact stays as it was."""
        contact = self.contact
        assert contact is not None
        missing = self.area * (normal_stress - contact.traction(gained)) / contact.pressure
        return (missing + REST * gained) / self.area_scale

    def mean(self, per_volume: Cells) -> Array:
        """Integral over the box per electrode area."""
        return jnp.sum(per_volume) * self.grid.cell_volume / self.grid.area

    @property
    def rate_weight(self) -> Cells:
        """Rows of the rate law count by their area; a little everywhere keeps 𝒜 defined where nothing reacts."""
        return self.area + REST

    @property
    def area_scale(self) -> Array:
        """Makes the norm of a unit current on the whole surface equal to one."""
        return jnp.linalg.norm(self.area)

    @property
    def plate_scale(self) -> Array:
        return self.stress_scale / self.grid.shape[-1]
