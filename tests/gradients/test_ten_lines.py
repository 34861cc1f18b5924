"""From a study file to the derivative of a measured number with respect to a number of the study, in ten lines."""

import equinox as eqx
import jax
import pytest

import interphase
from studies import write_small


@pytest.mark.slow  # compiling forward and backward through all steps takes about two minutes
def test_the_peak_film_strain_differentiates_with_respect_to_the_thickness(tmp_path):
    """Reverse mode through a whole run agrees with a central difference."""
    overrides = ["numerics.tolerance=1e-10", "protocol.steps[0].duration=0.4 s", "output.rows=2"]
    case, controls = interphase.load(write_small(tmp_path), *overrides)
    outcome = interphase.simulate(case, controls)
    assert 4 <= len(outcome.schedule) <= 12

    def thickness_of(case):
        return case.model.stack.coating.layers[0].thickness

    @jax.jit
    @jax.value_and_grad
    def peak_strain(thickness):
        changed = eqx.tree_at(thickness_of, case, thickness)
        return changed.rollout(outcome.schedule).coating_strain[-1]

    thickness = thickness_of(case)
    strain, slope = peak_strain(thickness)
    # The same steps on the host and in one computation.
    assert float(strain) == pytest.approx(outcome.last["coating_strain_max"], rel=1e-6)
    change = 1e-4 * thickness
    difference = (peak_strain(thickness + change)[0] - peak_strain(thickness - change)[0]) / (2 * change)
    assert slope != 0
    assert float(slope) == pytest.approx(float(difference), rel=1e-4)
