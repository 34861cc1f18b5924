"""Free numbers, terms and constraints on a real study, without running it."""

import dataclasses
import tomllib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as some

from interphase.config import design as designing
from interphase.config.load import StudyError, read_study, validated, written
from interphase.config.places import place, written_back
from interphase.design.analysis import elasticities, nearest
from interphase.design.variables import Variable
from interphase.solvers.rollout import divisible
from interphase.verbs.design import _in_words, _variable
from studies import write_small

FREE = """
[[design.variables]]
path = "coating.layers[0].modulus"
lower = "0.1 GPa"
upper = "100 GPa"

[[design.variables]]
path = "coating.layers[0].ionic_conductivity"
lower = "1e-5 S/m"
upper = "0.1 S/m"
points = 4

[[design.variables]]
path = "coating.layers[0].thickness"
lower = "390 nm"
upper = "420 nm"
"""


def freed(unit: str, *paths: str) -> str:
    """Variables at these paths, from one to two units."""
    tables = (f"{{path='{path}', lower='1 {unit}', upper='2 {unit}'}}" for path in paths)
    return f"design.variables=[{', '.join(tables)}]"


@pytest.fixture
def study_file(tmp_path):
    file = write_small(tmp_path)
    file.write_text(file.read_text() + FREE)
    return file


@pytest.fixture
def problem(study_file, monkeypatch):
    """The problem with a schedule that nobody ran for."""
    return designing.plan(read_study(study_file), schedule=np.array([0.1, 0.2]))


UNITS = some.lists(some.floats(0, 1), min_size=1, max_size=5)


@given(some.floats(1e-9, 1e9), some.floats(1.1, 1e6), some.booleans(), UNITS)
def test_the_cube_and_the_numbers_are_one_to_one(lower, ratio, logarithmic, units):
    variable = Variable("x", "1", lambda case, value: case, lower, lower * ratio, logarithmic, len(units))
    values = np.asarray(variable.value(np.asarray(units)))
    assert np.all(values >= lower * (1 - 1e-9))
    assert np.all(values <= lower * ratio * (1 + 1e-9))
    np.testing.assert_allclose(variable.unit(values), units, atol=1e-6)


def test_every_number_arrives_where_it_belongs(problem):
    free, case = problem.problem.variables, problem.problem.case
    wanted = {
        "coating.layers[0].modulus": 5e9,
        "coating.layers[0].ionic_conductivity": [1e-4, 1e-3, 1e-2, 2e-2],
        "coating.layers[0].thickness": 4e-7,
    }
    layer = free.applied(case, jnp.asarray(free.point(wanted))).model.stack.coating.layers[0]
    np.testing.assert_allclose(layer.modulus, [5e9], rtol=1e-9)
    np.testing.assert_allclose(layer.ionic_conductivity, wanted["coating.layers[0].ionic_conductivity"], rtol=1e-9)
    np.testing.assert_allclose(layer.thickness, 4e-7, rtol=1e-9)
    assert layer.thickness.shape == ()


def test_the_frontier_bounds_every_control_point_and_sets_the_strain_limit(problem):
    one = problem.problem
    knobs = jax.tree.map(lambda x: x[0], problem.knobs)
    assert len(one.constraint_names()) == 4
    point = jnp.full(one.variables.size, 0.5)
    layer = one.designed(point, knobs).model.stack.coating.layers[0]
    np.testing.assert_allclose(layer.strain_limit, one.frontier.strain_limit(layer.modulus))
    beyond = one._beyond(one.designed(point, knobs), knobs)
    expected = np.log10(np.asarray(layer.ionic_conductivity)) - np.asarray(one.frontier.log_conductivity(layer.modulus))
    np.testing.assert_allclose(beyond, expected, rtol=1e-9)


def test_the_best_design_is_a_study_with_its_numbers(problem, study_file):
    one = problem.problem
    knobs = jax.tree.map(lambda x: x[0], problem.knobs)
    point = np.full(one.variables.size, 0.25)
    study = designing.designed_study(read_study(study_file), one, point, knobs)
    values = one.variables.values(jnp.asarray(point))
    layer = study.coating.layers[0]
    np.testing.assert_allclose(layer.modulus, values["coating.layers[0].modulus"], rtol=1e-12)
    np.testing.assert_allclose(layer.ionic_conductivity, values["coating.layers[0].ionic_conductivity"], rtol=1e-12)
    assert layer.strain_limit is not None
    assert study.design is None
    assert "best design" in written(study)


def test_a_current_changes_all_steps_in_proportion(study_file):
    study = read_study(study_file, ["protocol.steps[1]={current='-2 mA/cm^2', duration='1 s'}"])
    found = place("protocol.current", study)
    case = designing.build(study)
    changed = found.put(case, jnp.asarray([30.0]))
    np.testing.assert_allclose(changed.protocol.current, [30.0, -60.0])


def test_numbers_of_a_solid_cell_can_be_free(study_file):
    """Contact, solid electrolyte and pressure; the contact is made under the pressure of the first step."""
    solid = ["contact={}", "solid_electrolyte.material=llzo", "cell.top=plate"]
    data = {key: value for key, value in tomllib.loads(study_file.read_text()).items() if key != "electrolyte"}
    study_file.write_text(tomli_w.dumps(data))
    study = read_study(study_file, solid)
    case = designing.build(study)
    for path, value, of in (
        ("contact.roughness", 5e-8, lambda c: c.model.stack.faces.roughness),
        ("contact.adhesion", 3e5, lambda c: c.model.stack.faces.adhesion),
        ("solid_electrolyte.ionic_conductivity", 0.2, lambda c: c.model.stack.solid_electrolyte.ionic_conductivity),
        ("cell.pressure", 4e6, lambda c: c.model.stack.faces.pressure),
    ):
        found = place(path, study)
        np.testing.assert_allclose(of(found.put(case, jnp.asarray([value]))), value, err_msg=path)
        assert found.get(case) == pytest.approx(float(of(case)))


def test_a_designed_number_is_the_same_in_a_run_of_the_study(study_file):
    """What a study says of lithium is that of the bulk; a contact is made under the pressure of the first step."""
    data = {key: value for key, value in tomllib.loads(study_file.read_text()).items() if key != "electrolyte"}
    study_file.write_text(tomli_w.dumps(data))
    solid = ["contact={}", "solid_electrolyte.material=llzo", "cell.top=plate"]
    study = read_study(study_file, [*solid, "lithium.porosity=0.4", "lithium.feature_size=1 um"])
    case = designing.build(study)
    for path, value in (
        ("lithium.modulus", 4e9),
        ("lithium.initial_resistance", 2e6),
        ("lithium.creep_exponent", 5.0),
        ("protocol.steps[0].pressure", 3e6),
        ("cell.pressure", 2e6),
    ):
        data, found = tomllib.loads(written(study)), place(path, study)
        written_back(data, path, np.array([value]), found.dimension)
        put, run = found.put(case, jnp.asarray([value])), designing.build(validated(data, "a run"))
        assert found.get(put) == pytest.approx(value)
        for mine, its in zip(jax.tree.leaves(put.model), jax.tree.leaves(run.model), strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-12, err_msg=path)


@given(
    sizes=some.lists(some.lists(some.floats(0.01, 1.0), min_size=2, max_size=30), min_size=1, max_size=4),
    share=some.floats(0.2, 0.8),
)
def test_one_schedule_suits_all(sizes, share):
    """It lands on the ends of the protocol, spans no more of any run's own steps than one, and can be cut."""
    runs = [np.array(own) / sum(own) for own in sizes]
    merged = designing.smallest_of(runs, np.array([share, 1.0]))
    times = np.concatenate([[0.0], np.cumsum(merged)])
    assert times[-1] == pytest.approx(1.0)
    assert np.min(np.abs(times - share)) < 1e-9
    assert merged.min() > 0
    assert divisible(len(merged)) == len(merged)
    for own in runs:
        steps_done = np.interp(times, np.concatenate([[0.0], np.cumsum(own)]), np.arange(len(own) + 1))
        assert np.max(np.diff(steps_done)) <= 1 + 1e-6


def test_equal_steps_stay_equal():
    merged = designing.smallest_of([np.full(10, 0.1)], np.array([1.0]))
    np.testing.assert_allclose(merged, 1 / len(merged), rtol=1e-12)


def test_elasticities_are_logarithmic_derivatives(study_file):
    """Of J = ∏ p^k over a variable searched in its logarithm and one searched as it is."""
    study = read_study(study_file, ["design.variables[0].scale=linear"])
    problem = designing.plan(study, schedule=np.array([0.1, 0.2])).problem
    point = np.linspace(0.3, 0.6, problem.variables.size)
    exponents = np.linspace(2.0, -0.5, point.size)

    def objective(u):
        values = np.concatenate([np.asarray(v) for v in problem.variables.values(jnp.asarray(u)).values()])
        return float(np.prod(values**exponents))

    slope = [(objective(point + d) - objective(point - d)) / 2e-6 for d in 1e-6 * np.eye(point.size)]
    np.testing.assert_allclose(elasticities(problem, point, np.array(slope), objective(point)), exponents, rtol=1e-6)


def test_the_nearest_material_is_itself_and_lacks_nothing():
    materials = [
        {"name": "a", "modulus": 1e9, "ionic_conductivity": 1e-3, "strain_limit": 0.1},
        {"name": "b", "modulus": 1e11, "ionic_conductivity": 1e-4, "strain_limit": None},
    ]
    found = nearest(materials, 1e9, 1e-3, 0.1)
    assert found[0]["name"] == "a"
    assert found[0]["distance"] == 0
    assert not found[0]["lacks"]
    assert any("conductivity" in text for text in found[1]["lacks"])
    assert any("strain limit" in text for text in found[1]["lacks"])
    unlimited = nearest(materials, 1e11, 1e-4, None)
    assert unlimited[0]["name"] == "b"
    assert unlimited[0]["distance"] == 0
    assert not unlimited[0]["lacks"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["design.variables[0].path=coating.layers[3].modulus"], "has 1 layers"),
        (["design.variables[0].path=coating.layers[0].colour"], "cannot be set free"),
        (["design.variables[0].path=grid.cells"], "cannot be set free"),
        (["design.variables[0].lower=200 GPa"], "is not below"),
        (["design.variables[0].lower=3 nm"], "Pa"),
        (["design.variables[0].lower=0 GPa", "design.variables[0].scale=log"], "no logarithm"),
        (["design.variables[0].lower=-1 GPa"], "variables[0].lower: coating.layers[0].modulus: "),
        (["design.variables[0].lower=0 GPa"], "out of range; give a value above 0"),
        (["design.variables[0]={path='coating.layers[0].poisson_ratio', lower=0.1, upper=0.4999}"], "below 0.4999"),
        (["design.variables[0]={path='surface.bumps[0].radius', lower='10 nm', upper='1 um'}"], "under-resolved"),
        (["design.variables[0]={path='coating.layers[0].strain_limit', lower=0.01, upper=0.1}"], "the frontier sets"),
        (["design.variables[2].lower=100 nm"], "is not resolved by cells"),
        (["design.variables[2].upper=2 um"], "leaves no room"),
        (["design.variables[2].upper=500 nm", "protocol.cycles=10"], "leaves no room"),
        (["design.variables[2].points=3"], "is one number"),
        (["design.variables[2].path=coating.layers[0].modulus"], "is free already"),
        (["design.terms=[{name='beauty'}]"], "is unknown; there are overpotential"),
        (["design.terms=[{name='overpotential', weight=0}]"], "every weight is 0"),
        (["design.terms=[{name='overpotential', limit='3 nm'}]"], "give a voltage"),
        (["design.frontier.strain_limit=false"], "strain_limit"),
        (["design.terms=[{name='void'}]"], "needs a contact"),
        (["design.variables[0].path=contact.adhesion"], "give a contact first"),
        (["design.variables[0].path=solid_electrolyte.modulus"], "give a solid_electrolyte first"),
        (["design.terms=[{name='crack_driving_force'}]"], "needs coating.layers[0].toughness"),
        (["design.terms=[{name='film_stress_over_strength'}]"], "needs coating.layers[0].strength"),
        (["coating.layers[0].yield_strain=0.1", "coating.layers[0].yield_strength=1 GPa"], "give one"),
        (["design.pareto={term='hot_spot', weights=[1, 2]}"], "is no term"),
        (["design.robust.uncertain=[{path='grid.cells', factors=[1, 2]}]"], "robust.uncertain[0].path: grid.cells"),
        (["design.robust.uncertain=[{path='coating.layers[0].thickness', factors=[1, 0.1]}]"], "thickness × 0.1"),
        (["design.robust.uncertain=[{path='coating.layers[0].thickness', factors=[1, 9]}]"], "is too low for lithium"),
        (["design.robust.uncertain=[{path='coating.layers[0].poisson_ratio', factors=[1, 2]}]"], "poisson_ratio"),
        (["protocol.steps[0].pressure=2 bar", "design.variables[0].path=cell.pressure"], "protocol.steps[k].pressure"),
        ([freed("bar", "cell.pressure", "protocol.steps[0].pressure")], "free as well"),
        ([freed("A/m^2", "protocol.current", "protocol.steps[0].current")], "free as well"),
        (["protocol.steps[0].potential_limit=-1 V"], "depends on what is designed"),
    ],
)  # fmt: skip
def test_what_cannot_be_designed_is_refused_with_its_key(study_file, overrides, message):
    for refusing in (designing.check_design, lambda study: designing.plan(study, schedule=np.array([0.1]))):
        with pytest.raises(StudyError, match=r"design|coating|grid|contact|solid") as caught:
            refusing(read_study(study_file, overrides))
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("first", ["modulus", "yield_strain"])
def test_a_yield_strain_stays_when_the_modulus_changes(study_file, first):
    """Whichever of the two is set first, and with more control points than there were."""
    study = read_study(study_file, ["coating.layers[0].yield_strain=0.01"])
    case = designing.build(study)
    values = {"modulus": jnp.asarray([1e9, 3e9]), "yield_strain": jnp.asarray([0.02])}
    for name in (first, *(set(values) - {first})):
        case = place(f"coating.layers[0].{name}", study).put(case, values[name])
    layer = case.model.stack.coating.layers[0]
    np.testing.assert_allclose(layer.yield_strength, [2e7, 6e7])
    np.testing.assert_allclose(place("coating.layers[0].yield_strain", study).get(case), [0.02, 0.02])
    assert case.model.stack.coating.yields


def test_a_variable_with_a_bound_at_zero_is_put_in_words(study_file):
    """Nothing is divided by it: neither to find its unit nor to say how far it moves."""
    wanted = "design.variables[0]={path='cell.film_resistance', lower='0 ohm cm^2', upper='10 ohm cm^2'}"
    free = designing.variables(read_study(study_file, [wanted]))
    assert _variable(free.members[0])["unit"] == "Ω cm²"
    assert _variable(dataclasses.replace(free.members[0], lower=-1e-3, upper=0.0))["unit"] == "Ω cm²"
    still = np.zeros(free.size)
    moved = _in_words(free, still, np.full(free.size, 0.5))
    assert moved["cell.film_resistance"] == "+ 5 Ω cm²"
    assert moved["coating.layers[0].thickness"] == "× 1.04"
