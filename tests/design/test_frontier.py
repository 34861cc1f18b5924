"""The material frontier: what the fit recovers, and what it says of the library."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.design import library_points
from interphase.design.frontier import MaterialPoint, fit


def synthetic(exponent: float, strain_exponent: float) -> list[MaterialPoint]:
    """Two families on exact laws, with poorer materials below them."""
    points = []
    for family, level, moduli in (
        ("polymer", -2.0, np.logspace(6, 8.5, 9)),
        ("inorganic", -1.0, np.logspace(10, 11, 9)),
    ):
        for k, modulus in enumerate(moduli):
            best = 10**level * (modulus / 1e9) ** -exponent
            strain = 5 / (1 + (modulus / 1e8) ** strain_exponent)
            points.append(MaterialPoint(f"{family} {k}", family, modulus, best if k % 2 else best / 30, strain))
    return points


def test_the_fit_recovers_the_laws_it_was_made_with():
    frontier = fit(synthetic(0.3, 1.2))
    assert float(frontier.conductivity_exponent) == pytest.approx(0.3, abs=1e-3)
    assert float(frontier.strain_exponent) == pytest.approx(1.2, rel=1e-3)
    assert float(frontier.log_conductivity(jnp.asarray(1e7))) == pytest.approx(-2 + 0.3 * 2, abs=0.02)
    assert float(frontier.strain_limit(jnp.asarray(1e8))) == pytest.approx(2.5, rel=1e-3)


def test_nearly_all_of_the_library_lies_below_its_frontier():
    materials = [m for m in library_points(False) if m.ionic_conductivity is not None]
    frontier = fit(library_points(False))
    above = [
        m.name for m in materials
        if np.log10(m.ionic_conductivity) > float(frontier.log_conductivity(jnp.asarray(m.modulus))) + 1e-2
    ]  # fmt: skip
    assert len(above) <= 0.2 * len(materials), above


def test_between_classes_less_is_attained_and_nothing_jumps():
    frontier = fit(synthetic(0.0, 1.0))
    moduli = jnp.logspace(6, 11.5, 400)
    level = frontier.log_conductivity(moduli)
    gap = float(frontier.log_conductivity(jnp.asarray(2e9)))
    assert gap < float(frontier.log_conductivity(jnp.asarray(1e8)))
    assert float(jnp.max(jnp.abs(jnp.diff(level)))) < 2.2 * float(jnp.log10(moduli[1] / moduli[0])) + 1e-6
    assert np.all(np.isfinite(jax.vmap(jax.grad(frontier.log_conductivity))(moduli)))


def test_too_few_materials_make_no_frontier():
    with pytest.raises(ValueError, match="four materials"):
        fit(synthetic(0.3, 1.0)[:3])
