"""The estimate of nuclei that would form between those there are."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.build import build
from interphase.config.load import validated
from interphase.physics.further_nuclei import further_nucleation_rate
from interphase.physics.nucleation import nucleation_rate
from interphase.physics.seeds import place_on
from interphase.run.numbers import Worst
from interphase.run.simulate import Outcome
from interphase.run.summary import summarise

FILM = {"material": "native-sei", "thickness": "192 nm", "ionic_conductivity": "1e-6 S/cm"}


def case(layers=(), **collector):
    data = {
        "title": "collector",
        "grid": {"cells": [32, 32], "size": ["1.024 um", "1.024 um"]},
        "collector": {"material": "copper", "nuclei": [{"radius": "200 nm", "contact_angle": "90 deg"}]} | collector,
        "electrolyte": {"material": "lipf6-ec-dmc"},
        "protocol": {"steps": [{"duration": "1 s", "current": "1 mA/cm^2"}]},
    }
    if layers:
        data["coating"] = {"layers": list(layers)}
    return build(validated(data, "collector"))


@eqx.filter_jit
def rate_at(case, overpotential):
    """Of the start, with the electrolyte everywhere at one potential above the metal [V]."""
    state, potential = case.start(), overpotential / case.model.scales.potential
    state = eqx.tree_at(
        lambda s: (s.recent.solutions[0].potential, s.recent.solutions[0].metal_potential),
        state,
        (jnp.full(case.model.grid.shape, potential), jnp.zeros(())),
    )
    return further_nucleation_rate(case.model.stack, state, case.model.scales)


@pytest.mark.parametrize("layers", [(), (FILM,)], ids=["bare", "film"])
@pytest.mark.parametrize("overpotential", [0.05, 0.3])
def test_it_is_the_law_where_the_collector_is_bare(layers, overpotential):
    made = case(layers)
    stack = made.model.stack
    law = nucleation_rate(*place_on(stack, stack.collector.ground), jnp.asarray(overpotential)).rate
    bare = 1 - 2 * 200 / 1024
    assert float(rate_at(made, jnp.asarray(overpotential))) == pytest.approx(bare * float(law), rel=0.02)


def test_a_film_holds_it_back_and_none_forms_while_lithium_is_stripped():
    assert float(rate_at(case((FILM,)), jnp.asarray(0.1))) < 1e-6 * float(rate_at(case(), jnp.asarray(0.1)))
    assert float(rate_at(case(), jnp.asarray(-0.1))) == 0.0


def test_its_derivatives_are_those_of_differences():
    """By contact angle and potential, within 1e-6."""
    made, here = case(), jnp.asarray([np.deg2rad(23.5), 0.06])

    def outcome(numbers):
        changed = eqx.tree_at(lambda c: c.model.stack.collector.ground.contact_angle, made, numbers[0])
        return jnp.log(rate_at(changed, numbers[1]))

    slopes = jax.grad(outcome)(here)
    for k, size in enumerate((1e-5, 1e-6)):
        ahead, behind = outcome(here.at[k].add(size)), outcome(here.at[k].add(-size))
        assert float(slopes[k]) == pytest.approx(float((ahead - behind) / (2 * size)), rel=1e-6)


def test_a_collector_whose_sites_are_not_known_has_none():
    assert rate_at(case(material=None, contact_angle="30 deg"), jnp.asarray(0.1)) is None


def test_their_number_is_the_rate_over_the_time_of_the_rows():
    """By the trapezoidal rule, the first rate taken to hold since the start."""
    names = ("inside_plating_fraction", "coating_strain_max", "coating_stress_max_MPa", "coating_left_behind_max",
             "hot_spot_factor", "overpotential_V")  # fmt: skip
    worst = Worst()
    for time, rate in ((1.0, 2.0), (3.0, 4.0), (4.0, 0.0)):
        worst.see_row(dict.fromkeys(names) | {"time_s": time, "further_nucleation_rate_per_m2_s": rate})
    assert worst.further_nuclei_per_m2 == pytest.approx(2 + 6 + 2)


def test_a_run_that_lacks_them_says_so():
    outcome = Outcome(
        status="finished", state=case().start(), schedule=np.zeros(1), durations=np.zeros(1), last={}, worst=Worst(),
        num_steps=1, compile_s=0.0, step_wall_ms=None, wall_s=0.0,
    )  # fmt: skip
    made = {"versions": {}, "device": "cpu", "git": None}
    for expected, warned in ((None, False), (0.4, False), (2.0, True)):
        summary = summarise(dataclasses.replace(outcome, further_nuclei=expected), "a title", made)
        assert summary["further_nuclei_expected_over_run"] == expected
        assert (summary["warning"] is not None) == warned
        assert not warned or "2 further nuclei" in summary["warning"]
