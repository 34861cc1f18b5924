"""Reverse mode through a contact that opens beside a void, against central differences of fourth order."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase import load
from interphase.config.build import build
from interphase.config.load import read_study
from interphase.config.places import place
from interphase.design.objectives import TERMS as JUDGEMENTS
from interphase.run.case import Case, Course
from interphase.solvers.newton import Newton

STUDY = "experiments/020-void-under-stack-pressure"
SMALL = ("grid.cells=[32,32]", "surface.voids=[{radius='2.5 um'}]")
SCHEDULE = (0.2, 0.4, 0.8, 1.6, 3.0, 6.0)  # [s]
STEP = 3e-4  # relative
TERMS = ("contact_fraction", "metal_potential", "void_thickness", "hot_spot_factor")

COATED = (
    *SMALL,
    "coating.layers=[{material='li3n', thickness='4.1 um'}]",
    "surface.level='8 um'",
    "protocol.steps=[{current='-0.5 mA/cm^2', duration='12 s'}]",
)
FREE = (
    "coating.layers[0].modulus",
    "coating.layers[0].thickness",
    "coating.layers[0].ionic_conductivity",
    "cell.pressure",
    "protocol.current",
    "contact.adhesion",
)
GENTLE = (0.2, 0.3, 0.4, 0.6, 0.8, 1.2)  # [s]; of longer steps one run in ten does not converge to 1e-9
JUDGED = ("lost_contact", "polarisation_rise")


def scaled(case: Case, factors) -> Case:
    """The case with pressure, current and adhesion times a factor each; the contact is made under the pressure."""
    pressure, current, adhesion = factors
    faces = case.model.stack.faces
    assert faces is not None
    return eqx.tree_at(
        lambda c: (
            c.protocol.pressure,
            c.model.stack.faces.pressure,
            c.protocol.current,
            c.model.stack.faces.adhesion,
        ),
        case,
        (
            case.protocol.pressure * pressure,
            faces.pressure * pressure,
            case.protocol.current * current,
            faces.adhesion * adhesion,
        ),
    )


def converged(case: Case) -> Case:
    """The case, solved so that differences of its runs mean something."""
    newton = dataclasses.replace(case.model.numerics.newton, tolerance=1e-9, adjoint_tolerance=1e-9)
    assert isinstance(newton, Newton)
    return eqx.tree_at(lambda c: c.model.numerics.newton, case, newton)


def compare(observed: Callable[[jax.Array], Course], judged: Callable[[Course], jax.Array], num: int) -> None:
    """What is judged of a run by factors on its inputs: reverse mode within 1e-3 of central differences."""

    def outcome(factors):
        course = observed(factors)
        return judged(course), jnp.max(course.residual)

    run, here = jax.jit(outcome), jnp.ones(num)
    slopes = jax.jit(jax.jacrev(lambda factors: outcome(factors)[0]))(here)
    for k in range(num):
        values, residuals = zip(*(run(here.at[k].add(s * STEP)) for s in (-2, -1, 1, 2)), strict=True)
        assert max(map(float, residuals)) < 1e-8
        central = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * STEP)
        size = jnp.maximum(jnp.abs(central), 1e-3 * jnp.max(jnp.abs(slopes), axis=1))
        assert jnp.all(jnp.abs(slopes[:, k] - central) < 1e-3 * size), (k, slopes[:, k], central)


@pytest.mark.slow
def test_reverse_mode_against_differences():
    """Contact, potential, void and hot spot by stack pressure, current and adhesion, within 1e-3."""
    case = converged(load(STUDY, *SMALL)[0])
    compare(
        lambda factors: scaled(case, factors).observed(jnp.asarray(SCHEDULE)),
        lambda course: jnp.stack([getattr(course.measures, term)[-1] for term in TERMS]),
        3,
    )


@pytest.mark.slow
def test_reverse_mode_through_an_interlayer():
    """Lost contact and rise of the polarisation by what is designed of a layer beneath the solid, within 1e-3."""
    study = read_study(STUDY, COATED)
    case, places = converged(build(study)), [place(path, study) for path in FREE]
    own = [jnp.atleast_1d(jnp.asarray(found.get(case))) for found in places]

    def observed(factors):
        changed = case
        for found, value, factor in zip(places, own, factors, strict=True):
            changed = found.put(changed, value * factor)
        return changed.observed(jnp.asarray(GENTLE))

    compare(observed, lambda course: jnp.stack([JUDGEMENTS[name].measure(course) for name in JUDGED]), len(FREE))
