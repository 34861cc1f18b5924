"""The fields that move: everything a step reads and writes, so everything a checkpoint must hold."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Cells, CellVectors, Faces, Scalar, Stresses


class Solution(eqx.Module):
    """What the coupled balance is solved for.

    **Arguments:**

    - `velocity`, `plate_velocity`: of the material and of the plate on top [-].
    - `affinity`: 𝒜/RT of plating, in cells.
    - `potential`: φ_e in cells; `metal_potential`: φ_m [-].
    - `closeness`: x of the contact in cells, or `None` where lithium never parts from what rides on it; see `contact`.
      As an unknown of a step it is what x gains in it, among the `recent` it is x.
    """

    velocity: Faces
    plate_velocity: Scalar
    affinity: Cells
    potential: Cells
    metal_potential: Scalar
    closeness: Cells | None = None


class Recent(eqx.Module):
    """The last three balances, and when they were.

    **Arguments:**

    - `solutions`: of the last three, the last first.
    - `steps`: sizes of the steps they sat in the middle of.
    """

    solutions: tuple[Solution, Solution, Solution]
    steps: tuple[Scalar, Scalar, Scalar]

    @property
    def last(self) -> Solution:
        return self.solutions[0]

    @property
    def usual_affinity(self) -> Cells:
        """The mean of the last two: were it continued in time, what answers to it would overshoot from step to step."""
        return 0.5 * (self.solutions[0].affinity + self.solutions[1].affinity)

    def joined_by(self, solution: Solution, step: Scalar) -> "Recent":
        return Recent((solution, *self.solutions[:2]), (step, *self.steps[:2]))

    def continued(self, step: Array) -> Solution:
        """The parabola through the three, in the middle of the next step: Newton's divided differences."""
        return self._continued(step, 1.0)

    def guesses(self, step: Array) -> tuple[Solution, Solution, Solution]:
        """The parabola, the line through the last two, and the last: what moves by jumps is not continued in time."""
        return self.continued(step), self._continued(step, 0.0), self.last

    def _continued(self, step: Array, curved: float) -> Solution:
        last, earlier, earliest = self.steps
        ahead, gap, gap_before = 0.5 * (step + last), 0.5 * (last + earlier), 0.5 * (earlier + earliest)
        slope = ahead / gap
        bend = curved * (ahead + gap) / (gap + gap_before)

        def parabola(now, before, long_before):
            change, change_before = now - before, (before - long_before) * gap / gap_before
            return now + slope * (change + bend * (change - change_before))

        return jax.tree.map(parabola, *self.solutions)


class Plating(eqx.Module):
    """How lithium was plated at the last balance: what the material is carried by until the next.

    **Arguments:**

    - `rate`: volume fraction per time, iδ.
    - `drift`: V n, the velocity of the lithium surface, continued off it.
    - `lift`: by which what rides on the lithium is faster than the mixture.
    - `yielding`: the part of it that the lithium makes room for; the rest is the electrolyte's to make.
    - `largest_speed`: of anything that carries an interface.
    - `opening`: velocity at which the contact opens, continued off the surface, or `None` where it never does.
    - `vacated`: sites of the lattice that lose their atom per volume and time, or `None` where none ever does.
      `rate` is that of the lattice then.
    - `stored`: current per volume into the alloy, and `swelling`: volume fraction per time that the coating gains by
      it, or `None` where it takes up no lithium.
    """

    rate: Cells
    drift: CellVectors
    lift: Faces
    yielding: Faces
    largest_speed: Scalar
    opening: CellVectors | None = None
    vacated: Cells | None = None
    stored: Cells | None = None
    swelling: Cells | None = None


class Vacancies(eqx.Module):
    """The sites of lithium's lattice that are empty.

    **Arguments:**

    - `fraction`: volume fraction of a cell.
    - `supplied`: lithium per electrode area that came through the lower wall since the start.
    """

    fraction: Cells
    supplied: Scalar


class AlloyState(eqx.Module):
    """The lithium in a coating that is an alloy; see `physics.alloy`.

    **Arguments:**

    - `held`: volume as metal, per volume of the box. `initial`: of it at the start, per electrode area.
    - `charge`: ∫ current into it, and `swollen`: volume that the coating has gained by it, both since the start per
      electrode area.
    """

    held: Cells
    initial: Scalar
    charge: Scalar
    swollen: Scalar


class CoatingState(eqx.Module):
    """The coating as a material: where it is, which part of it is where, and what it has gone through.

    **Arguments:**

    - `fraction`: volume fraction in cells.
    - `depth`: material coordinate, 0 at the inner and 1 at the outer face.
    - `drift`: in-plane displacement of the material since the start, one component per in-plane axis [-].
    - `stress`: of the main branch; of a coating that breaks, what it would bear whole [-].
    - `equilibrium_stress`: of the lasting branch of a viscoelastic solid, or `None`.
    - `strain`: total strain tensor but for what swells it, held as a stress holds its components [-].
    - `damage`: 0 where it is whole and 1 where it is broken, or `None` where it never breaks.
    - `alloy`: the lithium in it, or `None` where it takes up none.
    """

    fraction: Cells
    depth: Cells
    drift: Array
    stress: Stresses
    equilibrium_stress: Stresses | None
    strain: Stresses
    damage: Cells | None = None
    alloy: AlloyState | None = None

    @property
    def whole_stress(self) -> Stresses:
        """Stress of all branches, as the coating would bear it whole [-]."""
        return self.stress if self.equilibrium_stress is None else self.stress + self.equilibrium_stress


class FilmState(eqx.Module):
    """The native film on the lithium, a field of its surface: in cells, continued off it; see `physics.film`.

    **Arguments:**

    - `inner`, `outer`: thickness of the inorganic layer, and of the organic one without its solvent [-].
    - `strain`: T of the film in the surface, held as a stress holds its components [-].
    - `rate`: side current per volume, i_s δ, of the last step.
    - `charge`: ∫ i_s dt per electrode area: the lithium in the film that was made since the start.
    """

    inner: Cells
    outer: Cells
    strain: Stresses
    rate: Cells
    charge: Scalar


class State(eqx.Module):
    """One instant. All numbers are in units of the model's `Scales`.

    **Arguments:**

    - `time`, `step`: simulated time and steps taken.
    - `lithium`, `lithium_stress`, `flow_resistance`: fraction, stress, Anand–Narayan resistance S (`None`: elastic).
    - `coating`: or `None`.
    - `solid_electrolyte`, `solid_electrolyte_stress`: fraction and stress, or `None` in a liquid cell.
    - `salt`: concentration over the reservoir's, or `None` without dissolved salt.
    - `recent`: the last balances; continued in time, they are the first guess of the next.
    - `plating`: of the last balance.
    - `plate_travel`: by how much the plate has risen since the start.
    - `lag`: how far what the material carries is behind `time`; see `Model.step`.
    - `charge`: passed per electrode area since the start, plating counted positive; what made a film included.
    - `charge_time`: ∫|i|dt, what the lithium budget error is measured against.
    - `initial_lithium`, `initial_coating`: volumes at the start, for the budgets.
    - `film`: the native film, or `None`.
    - `vacancies`: or `None` where every site of the lithium's lattice has its atom.
    """

    time: Scalar
    step: Array
    lithium: Cells
    lithium_stress: Stresses
    flow_resistance: Cells | None
    coating: CoatingState | None
    solid_electrolyte: Cells | None
    solid_electrolyte_stress: Stresses | None
    salt: Cells | None
    recent: Recent
    plating: Plating
    plate_travel: Scalar
    lag: Scalar
    charge: Scalar
    charge_time: Scalar
    initial_lithium: Scalar
    initial_coating: Scalar
    film: FilmState | None = None
    vacancies: Vacancies | None = None

    @property
    def solution(self) -> Solution:
        return self.recent.last

    @property
    def beneath(self) -> Cells:
        """What lies below the faces that rest on the lithium: the lithium, and where the two may part all beside it."""
        return self.lithium if self.plating.opening is None else 1 - self.riding

    @property
    def riding(self) -> Cells:
        """The solids that ride on the lithium."""
        solids = jnp.zeros_like(self.lithium)
        if self.coating is not None:
            solids = solids + self.coating.fraction
        if self.solid_electrolyte is not None:
            solids = solids + self.solid_electrolyte
        return solids

    @property
    def plated(self) -> Scalar:
        """Charge whose lithium is metal: what passed less what made the film or is in the coating."""
        plated = self.charge if self.film is None else self.charge - self.film.charge
        if self.coating is None or self.coating.alloy is None:
            return plated
        return plated - self.coating.alloy.charge

    @property
    def filler(self) -> Cells:
        """What the solids leave: liquid electrolyte, or void in a solid cell."""
        return jnp.clip(1 - self.lithium - self.riding, 0.0, 1.0)
