"""The discrete force is the gradient of the discrete potential, and the tangent is the derivative of the force."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import random
from interphase.grid.grid import Grid
from interphase.physics.creep import Elastic, MaxwellYield, PowerLawCreep
from interphase.physics.interface import dyad
from interphase.physics.momentum import Body, Phase, Swelling, normal_stress, von_mises
from interphase.physics.parting import Ride
from interphase.physics.tangent import Tangent

GRIDS = {"2-D": Grid((5, 6), (0.8, 1.0)), "3-D": Grid((3, 4, 5), (0.8, 1.2, 1.0))}
DT = jnp.asarray(0.3)


def flows(name, shape):
    """One flow law per phase."""
    creep = PowerLawCreep(
        1.0 + 0.3 * jax.random.uniform(jax.random.key(9), shape), jnp.asarray(0.2), jnp.asarray(5.0), jnp.asarray(40.0)
    )
    capped = MaxwellYield(jnp.asarray(2.0), jnp.asarray(1.5) + 0.2 * jax.random.uniform(jax.random.key(8), shape))
    return {
        "elastic": (Elastic(), Elastic()),
        "creep": (creep,),
        "yield": (capped,),
        "mixed": (creep, capped, Elastic()),
    }[name]


def body(name, grid):
    """Phases with random fractions, moduli and stresses that share every cell with some filler and part in it."""
    laws = flows(name, grid.shape)
    shares = jax.nn.softmax(random(1, len(laws) + 1, *grid.shape), axis=0)
    components = 4 if grid.dim == 2 else 6
    phases = tuple(
        Phase(
            fraction=shares[k],
            bulk_modulus=jnp.asarray(3.0 + k),
            shear_modulus=2.0 + 0.5 * jnp.abs(random(20 + k, *grid.shape)),
            flow=law,
            stress=random(10 + k, components, *grid.shape),
            rides=k > 0,
            swells=k == 1,
        )
        for k, law in enumerate(laws)
    )
    normal = random(3, grid.dim, *grid.shape)
    normal = 0.9 * normal / jnp.linalg.norm(normal, axis=0)
    rides = tuple(
        Ride(0.2 * random(40 + k, grid.dim, *grid.shape).at[-1, ..., 0].set(0.0), 0.1 * random(50 + k, *grid.shape))
        for k in (0, 1)
    )
    along = random(4, grid.dim, *grid.shape)
    swelling = Swelling(shares[1], dyad(0.8 * along / jnp.linalg.norm(along, axis=0), grid)) if len(laws) > 1 else None
    filler = (shares[-1], jnp.asarray(0.05), jnp.asarray(0.02), jnp.asarray(0.4))
    return Body(grid, phases, *filler, dyad(normal, grid), rides, swelling=swelling)


def motion(seed, grid):
    """Displacement (at rest on the lower wall), plate displacement, plated volume, swelling."""
    displacement = 0.3 * random(seed, grid.dim, *grid.shape)
    growth, swollen = 0.2 * random(seed + 2, *grid.shape), 0.3 * random(seed + 3, *grid.shape)
    return displacement.at[-1, ..., 0].set(0.0), 0.1 * random(seed + 1), growth, swollen


def force(body, displacement, plate, growth, swollen):
    strain = body.strain(displacement, plate, growth, swollen)
    return body.force(strain, body.responses(strain, DT))


ALONE = ["elastic", "creep", "yield"]
MIXED = [("mixed", GRIDS["2-D"]), pytest.param("mixed", GRIDS["3-D"], marks=pytest.mark.slow)]
cases = pytest.mark.parametrize(
    "law, grid", MIXED + [pytest.param(law, grid, marks=pytest.mark.slow) for law in ALONE for grid in GRIDS.values()]
)


@cases
def test_force_is_the_gradient_of_the_potential(law, grid):
    """∂Π/∂u per cell volume equals `force` to 1e-9 for every flow law; ∂Π/∂W is minus the pressure on the plate."""
    solid = body(law, grid)
    displacement, plate, growth, swollen = motion(30, grid)
    gradient, by_plate = jax.jit(jax.grad(solid.potential, argnums=(0, 1)))(displacement, plate, growth, DT, swollen)
    gradient = (gradient / grid.cell_volume).at[-1, ..., 0].set(0.0)
    computed = jax.jit(lambda *m: force(solid, *m))(displacement, plate, growth, swollen)
    assert float(jnp.linalg.norm(computed - gradient) / jnp.linalg.norm(gradient)) < 1e-9
    strain = solid.strain(displacement, plate, growth, swollen)
    pressure = solid.plate_pressure(solid.stress(strain, solid.responses(strain, DT)))
    assert float(by_plate) == pytest.approx(-float(pressure) * grid.area, rel=1e-9)


@cases
def test_stress_is_the_gradient_of_the_energy(law, grid):
    """The new stress of a phase is the derivative of its energy in the strain, cell by cell."""
    solid = body(law, grid)
    strains = solid.strain(*motion(30, grid))
    for phase, response in zip(solid.phases, solid.responses(strains, DT), strict=True):
        strain = strains.of(phase)

        def energy(normal, phase=phase, strain=strain):
            return jnp.sum(phase.energy(dataclasses.replace(strain, normal=normal), DT))

        np.testing.assert_allclose(jax.grad(energy)(strain.normal), response.stress[:3], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("law", ["mixed"] + [pytest.param(law, marks=pytest.mark.slow) for law in ALONE])
def test_tangent_is_the_derivative_of_the_force(law, grid):
    """`Tangent.force` is the directional derivative of the force, and of the pull at the plate."""
    solid = body(law, grid)
    at, along = motion(30, grid), motion(40, grid)

    def linearise(*motion):
        strain = solid.strain(*motion)
        responses = solid.responses(strain, DT)
        tangent = Tangent.of(solid, strain, responses, DT)
        return tangent, None if solid.swelling is None else tangent.of_swelling(solid, responses)

    tangent, swelling = jax.jit(linearise)(*at)

    def answer(displacement, plate, growth, swollen):
        strain = solid.strain(displacement, plate, growth, swollen)
        stress = solid.stress(strain, solid.responses(strain, DT))
        columns = np.prod(grid.shape[:-1])
        pull = -solid.plate_pressure(stress) * columns / grid.spacing[-1]
        return force(solid, displacement, plate, growth, swollen), pull

    _, (expected, expected_pull) = jax.jit(lambda a, b: jax.jvp(answer, a, b))(at, along)

    def linear(displacement, plate, growth, swollen):
        increment = tangent.increment(displacement, plate)
        change = tangent.change(increment).less(tangent.of_growth().times(growth))
        change = change if swelling is None else change.less(swelling.times(swollen))
        return tangent.force(change, increment.edges)

    computed, pull = jax.jit(linear)(*along)
    assert float(jnp.linalg.norm(computed - expected) / jnp.linalg.norm(expected)) < 1e-9
    assert float(pull) == pytest.approx(float(expected_pull), rel=1e-9)


@cases
def test_tangent_of_the_normal_stress(law, grid):
    """dσ_n of a deformation, of plating, and of what swells, the others fixed."""
    solid = body(law, grid)
    at, along = motion(30, grid), motion(40, grid)

    def traction(*motion):
        strain = solid.strain(*motion)
        return normal_stress(solid.stress(strain, solid.responses(strain, DT)), solid.direction)

    strain = solid.strain(*at)
    responses = solid.responses(strain, DT)
    tangent = Tangent.of(solid, strain, responses, DT)
    _, expected = jax.jvp(traction, at, along)
    change = tangent.change(tangent.increment(along[0], along[1])).less(tangent.of_growth().times(along[2]))
    if solid.swelling is not None:
        change = change.less(tangent.of_swelling(solid, responses).times(along[3]))
    computed = tangent.normal_stress(change)
    assert float(jnp.linalg.norm(computed - expected) / jnp.linalg.norm(expected)) < 1e-9


@cases
def test_tangent_is_symmetric(law, grid):
    """⟨F(a), b⟩ = ⟨a, F(b)⟩: the force has a potential."""
    solid = body(law, grid)
    at = motion(30, grid)
    strain = solid.strain(*at)
    tangent = Tangent.of(solid, strain, solid.responses(strain, DT), DT)
    a, b = (tangent.increment(motion(seed, grid)[0]) for seed in (50, 60))
    first = jnp.vdot(tangent.force(tangent.change(a), a.edges)[0], motion(60, grid)[0])
    second = jnp.vdot(motion(50, grid)[0], tangent.force(tangent.change(b), b.edges)[0])
    assert float(first) == pytest.approx(float(second), rel=1e-9)


def test_von_mises_of_simple_states():
    """Uniaxial s → s, pure shear t → √3 t, pressure → 0."""
    stress = jnp.zeros((6, 3)).at[0, 0].set(2.0).at[3, 1].set(2.0).at[:3, 2].set(-7.0)
    np.testing.assert_allclose(von_mises(stress), [2.0, 2.0 * np.sqrt(3), 0.0], atol=1e-12)


def test_normal_stress_is_a_quadratic_form():
    """n·σ·n of the dyad of a unit normal, with both shears of a pair counted."""
    grid = Grid((1, 1, 1), (1.0, 1.0, 1.0))
    stress = random(0, 6, 1, 1, 1)
    n = random(1, 3, 1, 1, 1)
    n = n / jnp.linalg.norm(n)
    full = np.zeros((3, 3))
    full[np.diag_indices(3)] = np.ravel(stress[:3])
    for (a, b), value in zip(grid.pairs, np.ravel(stress[3:]), strict=True):
        full[a, b] = full[b, a] = value
    expected = np.ravel(n) @ full @ np.ravel(n)
    assert float(normal_stress(stress, dyad(n, grid))[0, 0, 0]) == pytest.approx(expected, rel=1e-12)
