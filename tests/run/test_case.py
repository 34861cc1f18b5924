"""Cases that differ in numbers alone run beside each other as they run by themselves."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.config.study import load
from interphase.physics import mixture
from interphase.run.case import stacked
from studies import write_small

WARM = "cell.temperature=333 K"
FAST = "protocol.steps[0].current=3 mA/cm^2"


@pytest.fixture
def small(tmp_path):
    return str(write_small(tmp_path))


def conductivity_and_start(case):
    """What a scale of every kind enters: potentials, lengths, conductivities; in SI."""
    model, state = case.model, case.start()
    conductor = mixture.conduction(model.stack, state, model.has_reservoir, model.width, model.scales, model.grid)
    in_si = conductor.conductivity * model.scales.conductivity
    return state.solution.metal_potential * model.scales.potential, in_si, state.lithium


def test_a_stack_of_cases_starts_as_each_of_them(small):
    """At another temperature and another current, to round-off."""
    cases = [load(small, *overrides)[0] for overrides in ((), (WARM,), (FAST,))]
    together = eqx.filter_jit(eqx.filter_vmap(conductivity_and_start))(stacked(cases))
    for k, case in enumerate(cases):
        alone = eqx.filter_jit(conductivity_and_start)(case)
        for one, other in zip(jax.tree.map(lambda x, k=k: x[k], together), alone, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_a_stack_of_cases_steps_as_each_of_them(small):
    """Two coupled steps at two temperatures and currents, within what the solves leave."""

    def stepped(case):
        measures = case.rollout(jnp.array([0.1, 0.2]))
        return measures.metal_potential, measures.roughness_rms, measures.coating_strain

    cases = [load(small, *overrides)[0] for overrides in ((), (WARM, FAST))]
    together = eqx.filter_jit(eqx.filter_vmap(stepped))(stacked(cases))
    for k, case in enumerate(cases):
        for one, other in zip(together, eqx.filter_jit(stepped)(case), strict=True):
            np.testing.assert_allclose(one[k], other, rtol=1e-4)


def test_what_differs_in_more_than_numbers_is_refused_by_name(small):
    longer = "protocol.steps=[{current='1 mA/cm^2', duration='1 s'}, {current='0 mA/cm^2', duration='1 s'}]"
    with pytest.raises(ValueError, match="protocol"):
        stacked([load(small)[0], load(small, longer)[0]])
    with pytest.raises(ValueError, match="grid"):
        stacked([load(small)[0], load(small, "grid.cells=[16, 24]", "grid.size=['1.024 um', '1.536 um']")[0]])
    with pytest.raises(ValueError, match="give at least one"):
        stacked([])
