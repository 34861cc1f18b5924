"""The coupled time step.

    1  carry     fractions, stress and material coordinates move to the middle of the step
    2  look      where the surfaces are, what every cell is made of; a native film grows
    3  balance   force, charge and reaction together: velocity, stress, current
    4  salt      the concentration that the current leaves behind
    5  remember  the stress and strain of every material, the damage of a coating

The balance sits in the middle of its step: with all motion after it, film strain would be first order in the step size.
So material lags half a step behind the clock and leaps from middle to middle, as a leapfrog does.
`Model.synchronised` moves it the rest of the way, to be looked at.
`Model.step` is a pure function of state, drive and step size. `run` calls it from the host, `rollout` inside a scan.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from interphase.arrays import Cells, Scalar
from interphase.grid.grid import Grid
from interphase.grid.stencils import summed
from interphase.materials.stack import Stack
from interphase.physics import adhesion, mixture
from interphase.physics.balance import Balance, Control
from interphase.physics.carry import carry
from interphase.physics.charge import closing_correction, current_vectors
from interphase.physics.contact import Contact, Touch
from interphase.physics.creep import Hardening, PowerLawCreep
from interphase.physics.elimination import CoupledProblem
from interphase.physics.film import Coverage, grown
from interphase.physics.interface import Look, continued_off
from interphase.physics.measures import (
    Measures,
    coating_energy_density,
    coating_stress,
    inside,
    largest_principal,
    measure,
    mixture_stress,
)
from interphase.physics.momentum import Response, Strains, von_mises
from interphase.physics.parting import Parting
from interphase.physics.phases import STABLE_SHARPENING, cell_velocity
from interphase.physics.reaction import Kinetics
from interphase.physics.salt import salt_step
from interphase.physics.vacancies import Sites, held_in
from interphase.physics.within import from_within
from interphase.protocol import Drive
from interphase.solvers.krylov import SolveReport
from interphase.solvers.newton import Newton, NewtonReport, nearest
from interphase.state import Plating, Recent, Solution, State
from interphase.units import Scales

FADING_AREA = 1e-3  # surface per volume [1/cell] below which a current no longer counts in full for the speed


class Numerics(eqx.Module):
    """How the equations are solved; none of it is physics.

    **Arguments:**

    - `interface_width`: w of the tanh profile, in cells along the normal.
    - `substeps`: into which the phase transport divides a step.
    - `sharpening`: Γ over the fastest interface; the profile holds for values above one.
    - `newton`: of the coupled balance.
    """

    interface_width: float = eqx.field(static=True, default=1.0)
    substeps: int = eqx.field(static=True, default=4)
    sharpening: float = eqx.field(static=True, default=2.0)
    newton: Newton = Newton()


def settled(tree: PyTree) -> PyTree:
    """The same values, computed once: XLA would otherwise compute much of an act again inside the next."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.lax.optimization_barrier(arrays), rest)


def act[**P, R](function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """What an act of the step leaves. For a derivative it is done again: what it passed through takes much memory."""
    return settled(eqx.filter_checkpoint(function)(*arguments, **options))


class StepReport(eqx.Module):
    """What a step measured on its way, in units of the model's scales.

    **Arguments:**

    - `balance`, `salt`: how the solves went.
    - `current`: plating current density continued off the surface, in cells.
    - `area`: reacting surface per volume.
    - `mean_current`: over the projected area, with what makes a film; `boundary_current`: through the upper wall.
    - `largest_speed`: of anything that carries an interface; `largest_stress_change` of any solid's components.
    - `plate_pressure`: on the upper wall.
    - `touch`: what became of the contact, or `None` where lithium never parts from what rides on it.
    - `sites`: how the solves for the lattice's empty sites went, or `None` where there are none.
    """

    balance: NewtonReport
    salt: SolveReport | None
    current: Cells
    area: Cells
    mean_current: Scalar
    boundary_current: Scalar
    largest_speed: Scalar
    largest_stress_change: Scalar
    plate_pressure: Scalar
    touch: Touch | None
    sites: SolveReport | None = None


class Model(eqx.Module):
    """The physics of a cell on a grid.

    **Arguments:**

    - `stack`: materials, SI; their numbers may be differentiated with respect to.
    - `has_plate`: a rigid plate under the drive's pressure closes the box; otherwise liquid at that pressure, or in a
      solid cell a plate that stands still.
    - `spring`: by how much the pressure on the plate rises as the plate does [Pa/m]; zero under a dead weight.
    - `has_reservoir`: salt at c₀ on the upper wall; otherwise a counter electrode that blocks anions.
    """

    grid: Grid
    stack: Stack
    numerics: Numerics
    scales: Scales
    spring: Scalar = eqx.field(default_factory=lambda: jnp.zeros(()))
    has_plate: bool = eqx.field(static=True, default=False)
    has_reservoir: bool = eqx.field(static=True, default=True)

    @property
    def width(self) -> float:
        return self.numerics.interface_width

    def step(self, state: State, drive: Drive, dt: Array) -> tuple[State, StepReport]:
        """Advances the state by `dt` [s] under `drive`.

        A failed solve is not raised: `report.balance.residual` is then above the tolerance, and the caller decides.
        """
        dt = jnp.asarray(dt, state.time.dtype) / self.scales.time  # a Python number would have the step compiled anew
        state = act(self._carried, state, state.lag + 0.5 * dt, self.numerics.substeps)
        look = act(Look.at, state.beneath, self.width, self.grid)
        if self.stack.film is not None:
            state = act(self._filmed, state, look, dt)
        balance, parting = act(self._balance, state, look, drive, dt)
        solution, newton_report = settled(self._solve(balance, state.recent, dt))
        growth, opening = act(balance.growth, solution), act(balance.opening, solution)
        advance = growth if balance.sites is None else act(balance.advance, solution)
        parted = act(parting.parted, advance + opening)
        if balance.contact is None:
            # What a film remembers must be its own motion, not the guess of it: the difference would add up.
            # Where it may part, the difference is an opening, and what was balanced is remembered.
            balance = balance.with_phases(parted)
        strains, responses, growth = act(balance.mechanics, solution)
        advance = growth if balance.sites is None else advance
        report = act(self._reported, balance, solution, strains, growth, responses, newton_report)
        lift = act(parting.lift_as_one, solution.velocity * dt, parted.riding)
        yielding = act(parting.yielding, lift, parted.riding)
        opened = None if balance.contact is None else act(parting.advance, opening) / dt
        vacated = None
        stored = None if balance.alloy is None else act(balance.stored, solution)
        swelling = None if balance.alloy is None or stored is None else balance.alloy.swelling(stored)
        if balance.sites is not None:
            advance = advance - jnp.maximum(state.lithium, 0.0) * balance.sites.closing
            vacated = (advance - growth) / dt
        speeds = (advance / dt, parted.advance / dt, lift / dt, yielding / dt)
        plating = Plating(*speeds, report.largest_speed, opened, vacated, stored, swelling)
        recent = state.recent.joined_by(balance.counted_from_zero(solution), dt)
        state = eqx.tree_at(lambda s: (s.recent, s.plating), state, (recent, plating))
        state, salt_report = self._salted(state, balance, dt)
        state = act(self._stressed, state, balance, strains, responses, dt)
        now = (state.time + dt, state.step + 1, state.plate_travel + solution.plate_velocity * dt, 0.5 * dt)
        state = eqx.tree_at(lambda s: (s.time, s.step, s.plate_travel, s.lag), state, now)
        return state, eqx.tree_at(lambda r: r.salt, report, salt_report, is_leaf=lambda x: x is None)

    def synchronised(self, state: State) -> State:
        """The state with all its material where it is at `state.time`; for looking at, not for stepping on.

        Half a step is left to go, and half the substeps. No barrier: what nobody looks at is not carried.
        """
        state = eqx.filter_checkpoint(self._carried)(state, state.lag, -(-self.numerics.substeps // 2))
        return eqx.tree_at(lambda s: s.lag, state, jnp.zeros_like(state.lag))

    # --- 1 carry -----------------------------------------------------------------------------------------------------

    def _carried(self, state: State, dt: Scalar, substeps: int) -> State:
        film, lattice = self.stack.film, mixture.lattice(self.stack, self.scales)
        return carry(state, dt, self.numerics.sharpening, self.width, substeps, self.grid, film, lattice)

    def _filmed(self, state: State, look: Look, dt: Scalar) -> State:
        """The native film has grown by the end of the step, and this is what it takes."""
        film, filmed = self.stack.film, state.film
        assert film is not None and filmed is not None
        exposed = mixture.exposed(self.stack, state, look.area, self.width, self.scales, self.grid)
        filmed, side = grown(film, filmed, exposed, dt, self.scales, self.grid)
        filmed = eqx.tree_at(lambda f: f.rate, filmed, side * look.area)
        return eqx.tree_at(lambda s: s.film, state, filmed)

    # --- 3 balance --------------------------------------------------------------------------------------------------

    def _balance(self, state: State, look: Look, drive: Drive, dt: Scalar) -> tuple[Balance, Parting]:
        """The system of the step, its phases parting by what was plated of late."""
        stack, scales, grid = self.stack, self.scales, self.grid
        spring = self.spring * scales.length / scales.stress
        pressure = drive.pressure / scales.stress + spring * state.plate_travel
        contact = mixture.contact(stack, state, look, dt, self.width, scales, grid)
        reacting = mixture.conducting_share(stack, state) if contact is None else contact.opposite
        area = look.area * reacting
        sites, lattice = None, mixture.lattice(stack, scales)
        if lattice is not None and state.vacancies is not None:
            vacant, stress = state.vacancies.fraction, state.lithium_stress
            plating, none = state.plating, jnp.zeros_like(vacant)
            usual = none if plating.vacated is None else jnp.maximum(plating.vacated - plating.rate, 0.0)
            beneath = state.beneath
            sites = Sites.at(lattice, vacant, state.lithium, beneath, stress, look, area, usual, dt, self.width, grid)
        touching = 1.0 if contact is None or sites is None else contact.share(contact.nothing)
        kinetics = mixture.kinetics(stack, state, look, self.width, scales, grid, sites, touching)
        parting = Parting.at(state.beneath, look, contact is not None, self.width, grid, stack.collector is not None)
        usual = area * _usual_parting(state, kinetics, contact, sites, dt)
        parted = parting.parted(usual if sites is None else usual - sites.sinking)
        rides = (parted.resting, parted.riding)
        body = mixture.body(stack, state, look, rides, pressure, self.width, scales, grid, sites)
        longitudinal = sum(p.fraction * (p.bulk_modulus + 4 / 3 * p.shear_modulus) for p in body.phases)
        present = sum(p.fraction * jnp.sqrt(summed(p.stress**2)) for p in body.phases)
        blocked_growth = 1e-3 * jnp.linalg.norm(longitudinal * look.area) * dt
        balance = Balance(
            body=body,
            kinetics=kinetics,
            conductor=mixture.conduction(stack, state, self.has_reservoir, self.width, scales, grid),
            look=look,
            area=area,
            control=Control(
                drive.current / scales.current_density,
                drive.metal_potential / scales.potential,
                drive.is_potentiostatic,
                pressure,
                spring,
            ),
            contact=contact,
            side=None if state.film is None else state.film.rate,
            sites=sites,
            dt=dt,
            stress_scale=jax.lax.stop_gradient(jnp.linalg.norm(present) + blocked_growth),
            width=self.width,
            has_plate=self.has_plate,
            alloy=mixture.alloy(stack, state.coating, dt, self.width, scales),
        )
        return balance, parting

    def _solve(self, balance: Balance, recent: Recent, dt: Scalar) -> tuple[Solution, NewtonReport]:
        problem, start = CoupledProblem(balance), recent.continued(dt)
        if balance.contact is not None:  # as a load comes on, or faces snap, what was of late says little of what comes
            start = nearest(problem, tuple(balance.counted_from_start(guess) for guess in recent.guesses(dt)))
        solution, report = self.numerics.newton.solve(problem, start)
        current = balance.drawn(balance.growth(solution) / balance.dt, solution)
        answer = None
        if (alloy := balance.alloy) is not None:
            answer = alloy.answer(solution.potential, solution.metal_potential)
        correction = closing_correction(balance.conductor, solution.potential, current, answer)
        # Sliding in plane as a whole costs no force: the material on the collector is taken to stand still.
        in_plane = tuple(range(1, self.grid.dim))
        sliding = jnp.mean(solution.velocity[:-1, ..., 0], axis=in_plane, keepdims=True)[..., None]
        return eqx.tree_at(
            lambda s: (s.velocity, s.potential),
            solution,
            (solution.velocity.at[:-1].add(-sliding), solution.potential + correction),
        ), report

    def _reported(self, balance, solution, strains, growth, responses, newton_report) -> StepReport:
        """What the solution says."""
        stress_change = jnp.zeros(())
        for phase, response in zip(balance.body.phases, responses, strict=True):
            # A barrier: on a CPU a reduction takes much longer when what it reduces is computed inside it.
            change = jax.lax.optimization_barrier(inside(phase.fraction) * jnp.abs(response.stress - phase.stress))
            stress_change = jnp.maximum(stress_change, jnp.max(change))
        current, contact = growth / balance.dt, balance.contact
        continued = continued_off(current, balance.area, self.grid)
        surface = continued
        if balance.sites is not None:
            surface = continued_off(balance.advance(solution) / balance.dt, balance.area, self.grid)
        # Where there is next to no surface the current fades out: a threshold would make the speed jump.
        fading = jnp.clip(balance.area / FADING_AREA, 0.0, 1.0)
        return StepReport(
            balance=newton_report,
            salt=None,
            current=continued,
            area=balance.area,
            mean_current=balance.mean(balance.drawn(current, solution)),
            boundary_current=-jnp.mean(balance.conductor.top_flux(solution.potential)),
            largest_speed=jnp.maximum(jnp.max(jnp.abs(solution.velocity)), jnp.max(jnp.abs(surface) * fading)),
            largest_stress_change=stress_change,
            plate_pressure=balance.body.plate_pressure(balance.body.stress(strains, responses)),
            touch=None if contact is None else contact.touch(solution.closeness, balance.look.area),
            sites=None if balance.sites is None else balance.sites.report,
        )

    # --- 4 salt -----------------------------------------------------------------------------------------------------

    def _salted(self, state: State, balance: Balance, dt: Scalar) -> tuple[State, SolveReport | None]:
        electrolyte, salt = self.stack.electrolyte, state.salt
        if electrolyte is None or salt is None:
            return state, None
        capacity, diffusivity, share = mixture.salt_transport(
            electrolyte, salt, self.stack, state, self.width, self.scales
        )
        salt, report = salt_step(
            salt,
            capacity,
            diffusivity,
            share,
            balance.conductor,
            state.solution.potential,
            dt,
            self.scales.salt_source,
            self.has_reservoir,
            self.grid,
        )
        return eqx.tree_at(lambda s: s.salt, state, salt), report

    # --- 5 remember -------------------------------------------------------------------------------------------------

    def _stressed(
        self, state: State, balance: Balance, strains: Strains, responses: list[Response], dt: Scalar
    ) -> State:
        """New stresses and strains where the material still is."""
        remaining = list(responses)
        lithium = remaining.pop(0)
        state = eqx.tree_at(lambda s: s.lithium_stress, state, lithium.stress)
        metal = balance.body.phases[0]
        if isinstance(metal.flow, PowerLawCreep) and state.flow_resistance is not None:
            strain = metal.flow.power_law_strain(lithium.trial, lithium.factor, metal.shear_modulus, dt)
            rate = self.stack.lithium.creep_rate * self.scales.time
            resistance = self._hardening().updated(state.flow_resistance, strain, dt, rate)
            state = eqx.tree_at(lambda s: s.flow_resistance, state, resistance)
        coating = state.coating
        if coating is not None:
            strain = strains.of(balance.body.phases[1])
            total = jnp.concatenate([strain.normal, 0.5 * strain.shear])
            main = remaining.pop(0)
            if (bond := self.stack.bond) is not None:
                total = total - adhesion.slip(balance.body.phases[1], main, bond, self.scales, self.grid)
            state = eqx.tree_at(
                lambda s: (s.coating.stress, s.coating.strain), state, (main.stress, coating.strain + total)
            )
            if coating.equilibrium_stress is not None:
                state = eqx.tree_at(lambda s: s.coating.equilibrium_stress, state, remaining.pop(0).stress)
            if coating.damage is not None and self.stack.coating is not None and state.coating is not None:
                damage = mixture.fractured(self.stack.coating, state.coating, dt, self.width, self.scales, self.grid)
                state = eqx.tree_at(lambda s: s.coating.damage, state, damage)
        if state.solid_electrolyte is not None:
            state = eqx.tree_at(lambda s: s.solid_electrolyte_stress, state, remaining.pop(0).stress)
        return state

    def _hardening(self) -> Hardening:
        lithium = self.stack.lithium
        return Hardening(
            lithium.hardening_modulus / self.scales.stress,
            lithium.hardening_exponent,
            lithium.saturation_resistance / self.scales.stress,
            lithium.rate_hardening,
        )

    # --- outputs ----------------------------------------------------------------------------------------------------

    def measure(self, state: State, report: StepReport) -> Measures:
        """What a designer compares of a synchronised state, after a step that reported `report`."""
        return measure(self.stack, state, report.current, report.area, report.touch, self.width, self.scales, self.grid)

    def fields(self, state: State, report: StepReport) -> dict[str, Array]:
        """What a reader looks at of a synchronised state [SI], by name; fields whose physics is off are absent."""
        scales, grid = self.scales, self.grid
        axes = "xz" if grid.dim == 2 else "xyz"
        conductor = mixture.conduction(self.stack, state, self.has_reservoir, self.width, scales, grid)
        stress = mixture_stress(state) * scales.stress
        velocity = cell_velocity(state.solution.velocity, state.solution.plate_velocity, grid) * scales.velocity
        ionic = current_vectors(conductor, state.solution.potential) * scales.current_density
        fields = {
            "lithium_fraction": state.lithium,
            "potential": state.solution.potential * scales.potential,
            "plating_current": report.current * scales.current_density,
            "surface_area_density": report.area / scales.length,
            "hydrostatic_stress": summed(stress[:3]) / 3,
            "von_mises_stress": von_mises(stress),
            **{f"velocity_{a}": component for a, component in zip(axes, velocity, strict=True)},
            **{f"ionic_current_{a}": component for a, component in zip(axes, ionic, strict=True)},
        }
        coating, coated = self.stack.coating, state.coating
        if coating is not None and coated is not None:
            coating_stresses = coating_stress(coated) * scales.stress
            looked_at = {
                "coating_stress": largest_principal(coating_stresses, grid),
                "coating_lateral_stress": coating_stresses[0],
                "coating_strain": largest_principal(coated.strain, grid),
                "coating_energy_density": coating_energy_density(coating, coated, self.width, scales, grid),
            }
            held = from_within([*looked_at.values()], coated.fraction, state.lithium, self.width, grid)
            fields |= {"coating_fraction": coated.fraction, "coating_depth": coated.depth}
            fields |= dict(zip(looked_at, held, strict=True))
            if coated.damage is not None:
                fields["coating_damage"] = coated.damage
            if (alloy := mixture.alloy(self.stack, coated, jnp.ones(()), self.width, scales)) is not None:
                fields["alloy_occupancy"] = alloy.occupied
        if state.solid_electrolyte is not None:
            fields["solid_electrolyte_fraction"] = state.solid_electrolyte
        if report.touch is not None:
            fields["void_fraction"] = 1 - state.lithium - state.riding
            fields["contact_pressure"] = report.touch.pressure * scales.stress
        if self.stack.film is not None and state.film is not None:
            film, filmed = self.stack.film, state.film
            side = continued_off(filmed.rate, report.area, grid)
            fields |= {
                "sei_thickness": (filmed.inner + film.swelling * filmed.outer) * scales.length,
                "sei_strain": largest_principal(filmed.strain, grid),
                "sei_bare_share": Coverage.of(film, filmed.strain, grid).bare,
                "side_current": side * scales.current_density,
            }
        if state.vacancies is not None:
            fields["vacancy_fraction"] = state.vacancies.fraction / held_in(state.lithium)
        if state.salt is not None:
            fields["salt_concentration"] = state.salt * scales.concentration
        return fields

    def longest_step(
        self, report: StepReport, courant: Array | float, stress_change: Array | float, dt: Array
    ) -> tuple[Array, Array]:
        """The next step sizes [s] that keep interface motion and sharpening, and the stress increment, within bounds.

        **Arguments:**

        - `courant`: cells the fastest interface may move.
        - `stress_change`: allowed increment of any stress component [Pa].
        - `dt`: the step just taken [s].
        """
        spacing = min(self.grid.spacing)
        speed = report.largest_speed + 1e-12
        motion = courant * spacing / speed
        sharpening = (
            STABLE_SHARPENING * self.numerics.substeps * spacing**2 / (self.numerics.sharpening * speed * self.width)
        )
        stress = dt * (stress_change / self.scales.stress) / (report.largest_stress_change + 1e-12)
        return jnp.minimum(motion, sharpening) * self.scales.time, stress


def _usual_parting(state: State, kinetics: Kinetics, contact: Contact | None, sites: Sites | None, dt: Scalar) -> Cells:
    """How far lithium and what rides on it would part in the step if they did so as of late."""
    current = kinetics.current(state.recent.usual_affinity)
    if sites is None:
        plated = current * dt
        return plated if contact is None else plated * contact.share(contact.nothing) + contact.usual
    if contact is None:
        return sites.renewed(current) * dt
    return sites.renewed(current * contact.share(contact.nothing)) * dt + contact.usual
