"""Terms with a closed form that no run is needed for."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from interphase.config.build import build
from interphase.config.design import wishes
from interphase.config.load import StudyError, read_study
from interphase.design.objectives import hot_spot
from interphase.run.case import Course
from studies import write_small


def test_a_stack_is_as_soft_as_its_layers_in_series(tmp_path):
    """⟨1/E⟩ of 300 nm of 2 GPa and 200 nm of 10 MPa: the soft layer decides."""
    soft = '{material="peo", thickness="200 nm", modulus="10 MPa"}'
    stiff = '{material="lipon", thickness="300 nm", modulus="2 GPa"}'
    taller = ["grid.cells=[16, 32]", 'grid.size=["1 um", "2 um"]', f"coating.layers=[{stiff}, {soft}]"]
    coating = build(read_study(write_small(tmp_path), taller)).model.stack.coating
    assert coating is not None
    assert float(coating.compliance()) == pytest.approx(0.6 / 2e9 + 0.4 / 10e6, rel=1e-6)


def test_what_electrons_plate_needs_to_know_how_far_they_tunnel(tmp_path):
    file = write_small(tmp_path)
    variable = 'path = "coating.layers[0].thickness"\nlower = "300 nm"\nupper = "500 nm"'
    file.write_text(
        f'{file.read_text()}\n[[design.variables]]\n{variable}\n[[design.terms]]\nname = "inside_plating"\n'
    )
    assert wishes(read_study(file, []))[0][0].name == "inside_plating"
    with pytest.raises(StudyError, match=r"inside_plating needs coating.layers\[0\].tunnelling_thickness"):
        wishes(read_study(file, ["coating.layers[0].material=li2o"]))


def test_a_rest_has_no_hot_spot(tmp_path):
    """1.2 and 1.4 over equal charges are 1.3, whatever the factor is where nothing flows, however long that lasts."""
    case = build(read_study(write_small(tmp_path), []))
    measures = eqx.filter_eval_shape(lambda: case.rollout(jnp.ones(3)))
    measures = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), measures)
    measures = eqx.tree_at(
        lambda m: (m.charge, m.hot_spot_factor),
        measures,
        (jnp.array([10.0, 10.0, 20.0]), jnp.array([1.2, 1e9, 1.4])),
    )
    course = Course(case, jnp.array([1.0, 100.0, 1.0]), measures, jnp.zeros(3))
    assert float(hot_spot(course)) == pytest.approx(0.3, rel=1e-9)
