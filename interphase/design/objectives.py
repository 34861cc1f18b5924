"""What a design is judged by: small named functions of a run, each a number to be small.

    mean over time    x̄ = Σ x Δt / Σ Δt            largest over time    x̂ = (Σ x⁸ Δt / Σ Δt)^⅛

The largest is a smooth one: it does not jump when the moment of the maximum moves from one step to the next.
"""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from interphase.arrays import Scalar
from interphase.physics.seeds import expected_density
from interphase.run.case import Course

SHARPNESS = 8  # of the largest over time
COVERAGE_LENGTH = 20e-9
"""Growth unit of a deposited film [m]: the share of the lithium it leaves bare falls as e^{−t/ℓ}; assumed."""
SEPARATOR_PRESSURE = 350e3
"""Of a separator on the coating [Pa]: where lithium plates densest, Fang et al., Nat. Energy 6 (2021) 987."""
SEPARATOR_CONTACT = 0.59
"""Share of the coating a separator touches: what is solid in one of 41 % porosity (Celgard 2400); assumed."""


class Term(eqx.Module):
    """One judgement.

    **Arguments:**

    - `measure`: of a course [SI]; `dimension`: of its unit.
    - `scale`: what counts as one when a study does not say otherwise [SI].
    - `about`: what it is, in a line; `needs`: what it cannot be without, a field of `Measures` or of `Stack`.
    """

    measure: Callable[[Course], Scalar] = eqx.field(static=True)
    dimension: str = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    about: str = eqx.field(static=True)
    needs: str | None = eqx.field(static=True, default=None)


def _mean(values: Array, course: Course) -> Scalar:
    return jnp.sum(values * course.schedule) / jnp.sum(course.schedule)


def _largest(values: Array | None, course: Course) -> Scalar:
    assert values is not None  # a study that asks for it has the physics
    scale = jnp.max(jnp.abs(values)) + 1e-30
    return scale * (_mean((values / scale) ** SHARPNESS, course) + 1e-30) ** (1 / SHARPNESS)


def overpotential(course: Course) -> Scalar:
    """Mean of |metal potential against lithium in the reservoir| [V]; its square is smooth through zero."""
    return jnp.sqrt(_mean(course.measures.metal_potential**2, course) + 1e-12)


def hot_spot(course: Course) -> Scalar:
    """Mean of the hot-spot factor over the charge that passes, less one [-]; at rest it means nothing."""
    passed = jnp.abs(jnp.diff(course.measures.charge, prepend=0.0))
    return jnp.sum(course.measures.hot_spot_factor * passed) / jnp.sum(passed) - 1


def roughness_growth(course: Course) -> Scalar:
    """Root-mean-square roughness gained per thickness plated [-]; negative where the surface levels."""
    rough, plated = course.measures.roughness_rms, course.measures.plated_thickness
    return (rough[-1] - rough[0]) / (plated[-1] - plated[0])


def film_strain(course: Course) -> Scalar:
    """Largest principal strain of the coating [-]."""
    return _largest(course.measures.coating_strain, course)


def film_strain_over_limit(course: Course) -> Scalar:
    """Largest principal strain of the coating over the strain it breaks at [-]."""
    return _largest(course.measures.coating_strain_over_limit, course)


def film_stress(course: Course) -> Scalar:
    """Largest tensile stress of the coating [Pa]."""
    return _largest(course.measures.coating_stress, course)


def elastic_energy(course: Course) -> Scalar:
    """Elastic energy of the coating per electrode area [J/m²]."""
    return _largest(course.measures.elastic_energy, course)


def energy_over_resilience(course: Course) -> Scalar:
    """Largest elastic energy density over the resilience ½Eε², ε the strain limit [-]."""
    return _largest(course.measures.energy_over_resilience, course)


def film_stress_over_strength(course: Course) -> Scalar:
    """Largest tensile stress of the coating over its strength [-]."""
    return _largest(course.measures.coating_stress_over_strength, course)


def crack_driving_force(course: Course) -> Scalar:
    """Largest energy release rate of a crack that channels through the coating, over its toughness [-]."""
    return _largest(course.measures.crack_driving_force, course)


def damage(course: Course) -> Scalar:
    """Mean damage of the coating at the end [-]."""
    assert course.measures.damage_fraction is not None  # a study that asks for it has the physics
    return course.measures.damage_fraction[-1]


def thickness(course: Course) -> Scalar:
    """Of the coating [m]; what it takes from the energy density."""
    coating = course.case.model.stack.coating
    assert coating is not None
    return coating.thickness


def bare_share(course: Course) -> Scalar:
    """Share of the lithium that a film of this thickness leaves bare: pinholes, and what leaks through them [-].

    e^{−t/ℓ}: a film grown at random from units of size ℓ covers as a Poisson process does. Tunnelling, whose length is
    ten times smaller, adds nothing where this matters.
    """
    return jnp.exp(-thickness(course) / COVERAGE_LENGTH)


def indentation(course: Course) -> Scalar:
    """Strain of the coating where the separator's fibres lie on it, p/(contact share)·⟨1/E⟩ [-].

    All that the run asks of a coating that the surface energy levels by itself is not to be in the way; this is what
    it has to bear.
    """
    coating = course.case.model.stack.coating
    assert coating is not None
    return SEPARATOR_PRESSURE / SEPARATOR_CONTACT * coating.compliance()


def polarisation_rise(course: Course) -> Scalar:
    """How much |metal potential| rises from the first step to the last [V]."""
    potential = jnp.sqrt(course.measures.metal_potential**2 + 1e-12)
    return potential[-1] - potential[0]


def _plated(share: Array | None, course: Course) -> Scalar:
    """A share of the current as a share of the charge that plates."""
    assert share is not None  # a study that asks for it has the physics
    plated = jnp.maximum(jnp.diff(course.measures.charge, prepend=0.0), 0.0)
    return jnp.sum(share * plated) / jnp.sum(plated)


def inside_plating(course: Course) -> Scalar:
    """Share of the plated lithium that electrons plate inside the coating [-]."""
    return _plated(course.measures.inside_plating, course)


def upon_plating(course: Course) -> Scalar:
    """Share of the plated lithium that electrons plate on the coating [-]."""
    return _plated(course.measures.upon_plating, course)


def lost_contact(course: Course) -> Scalar:
    """Mean share of the faces that does not touch the lithium [-]."""
    assert course.measures.contact_fraction is not None  # a study that asks for it has the physics
    return 1 - _mean(course.measures.contact_fraction, course)


def void(course: Course) -> Scalar:
    """Void over the electrode at the end [m]."""
    assert course.measures.void_thickness is not None  # a study that asks for it has the physics
    return course.measures.void_thickness[-1]


def sei_lithium(course: Course) -> Scalar:
    """Lithium that the native film has taken, as a thickness of metal [m]."""
    assert course.measures.sei_lithium is not None  # a study that asks for it has the physics
    return course.measures.sei_lithium[-1]


def coulombic_loss(course: Course) -> Scalar:
    """One less the charge stripped over the charge plated [-]; one where nothing is stripped."""
    passed = jnp.diff(course.measures.charge, prepend=0.0)
    return 1 - jnp.sum(jnp.maximum(-passed, 0.0)) / jnp.sum(jnp.maximum(passed, 0.0))


def cracks_filled(course: Course) -> Scalar:
    """Share of the solid's cracks that lithium fills at the end [-]."""
    assert course.measures.cracks_filled is not None  # a study that asks for it has the physics
    return course.measures.cracks_filled[-1]


def vacant_surface(course: Course) -> Scalar:
    """Mean share of the surface's lattice sites that are empty [-]."""
    assert course.measures.vacant_surface is not None  # a study that asks for it has the physics
    return _mean(course.measures.vacant_surface, course)


def nucleus_density(course: Course) -> Scalar:
    """Nuclei that the substrate's law expects under the coating [1/m²]; the run itself keeps those of its start."""
    return expected_density(course.case.model.stack)


def nucleus_radius(course: Course) -> Scalar:
    """Of half balls in that number which cover the share of the substrate that the study says [m]."""
    substrate = course.case.model.stack.substrate
    assert substrate is not None
    return jnp.sqrt(-jnp.log1p(-substrate.coverage) / (jnp.pi * nucleus_density(course)))


def stack_pressure(course: Course) -> Scalar:
    """Largest pressure that the protocol asks of the stack [Pa]."""
    return jnp.max(course.case.protocol.pressure)


TERMS = {
    "overpotential": Term(overpotential, "V", 10e-3, "mean overpotential"),
    "hot_spot": Term(hot_spot, "1", 0.1, "mean hot-spot factor, less one"),
    "roughness_growth": Term(roughness_growth, "1", 0.1, "roughness gained per thickness plated"),
    "film_strain": Term(film_strain, "1", 0.1, "largest strain of the coating", "coating_strain"),
    "film_strain_over_limit": Term(
        film_strain_over_limit, "1", 1.0, "largest strain over the strain limit", "coating_strain_over_limit"
    ),
    "film_stress": Term(film_stress, "Pa", 1e9, "largest tensile stress of the coating", "coating_stress"),
    "elastic_energy": Term(elastic_energy, "J/m^2", 1.0, "elastic energy of the coating", "elastic_energy"),
    "energy_over_resilience": Term(
        energy_over_resilience, "1", 1.0, "largest elastic energy over resilience", "energy_over_resilience"
    ),
    "film_stress_over_strength": Term(
        film_stress_over_strength, "1", 1.0, "largest tensile stress over strength", "coating_stress_over_strength"
    ),
    "crack_driving_force": Term(
        crack_driving_force, "1", 1.0, "release rate of a channelling crack over toughness", "crack_driving_force"
    ),
    "damage": Term(damage, "1", 0.01, "mean damage of the coating at the end", "damage_fraction"),
    "thickness": Term(thickness, "m", 1e-6, "thickness of the coating", "coating_strain"),
    "polarisation_rise": Term(polarisation_rise, "V", 1e-3, "rise of the overpotential"),
    "lost_contact": Term(lost_contact, "1", 0.1, "share of the faces that does not touch", "contact_fraction"),
    "void": Term(void, "m", 100e-9, "void over the electrode at the end", "contact_fraction"),
    "sei_lithium": Term(sei_lithium, "m", 1e-9, "lithium that the native film has taken", "sei_lithium"),
    "coulombic_loss": Term(coulombic_loss, "1", 0.01, "one less stripped over plated charge"),
    "inside_plating": Term(inside_plating, "1", 0.01, "share that plates inside the coating", "inside_plating"),
    "upon_plating": Term(upon_plating, "1", 0.01, "share that plates on the coating", "upon_plating"),
    "cracks_filled": Term(cracks_filled, "1", 0.01, "share of the cracks that lithium fills", "cracks_filled"),
    "vacant_surface": Term(vacant_surface, "1", 0.1, "share of the surface's sites that are empty", "vacant_surface"),
    "nucleus_density": Term(nucleus_density, "1/m^2", 1e12, "nuclei per area of the substrate", "substrate"),
    "nucleus_radius": Term(nucleus_radius, "m", 1e-6, "radius of the nuclei", "substrate"),
    "stack_pressure": Term(stack_pressure, "Pa", 1e6, "largest pressure on the stack"),
    "bare_share": Term(bare_share, "1", 0.01, "share that a thin film leaves bare", "coating_strain"),
    "indentation": Term(indentation, "1", 0.1, "strain of the coating under the separator", "coating_strain"),
}
"""Name in a study → term."""

DEFAULT = (
    "overpotential",
    "roughness_growth",
    "film_strain_over_limit",
    "energy_over_resilience",
    "bare_share",
    "indentation",
)
"""What is judged when a study does not say."""
