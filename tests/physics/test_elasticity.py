"""Elastic benchmarks: bar, laminates, Eshelby's cylinder and sphere, and lithium that grows without stress."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from cells import coating, cube, layer, make
from interphase.grid.grid import Grid
from interphase.grid.stencils import shear_strain
from interphase.materials.material import bulk_modulus, shear_modulus
from interphase.physics import mixture
from interphase.physics.creep import Elastic
from interphase.physics.interface import Look, area_density, dyad
from interphase.physics.momentum import Body, Phase
from interphase.physics.parting import Ride
from interphase.physics.start import step_down
from interphase.solvers.krylov import conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Elasticity, smoothing_for_elasticity

POISSON = 0.3
RATIO = jnp.asarray(POISSON)


def solid(grid, modulus, direction):
    """One elastic phase that fills the box, stress-free at the start; `direction` is the strain of unit growth."""
    bulk, shear = bulk_modulus(modulus, RATIO), shear_modulus(modulus, RATIO)
    stress = jnp.zeros((4 if grid.dim == 2 else 6, *grid.shape))
    phase = Phase(jnp.ones(grid.shape), bulk, shear, Elastic(), stress)
    zero = jnp.asarray(0.0)
    return Body(grid, (phase,), jnp.zeros(grid.shape), zero, zero, zero, direction)


def along(axes, grid):
    """Components of the strain of unit growth with ones on given axes."""
    direction = jnp.zeros((4 if grid.dim == 2 else 6, *grid.shape))
    return direction.at[jnp.asarray(axes)].set(1.0)


@eqx.filter_jit
def balanced(body, plate, growth):
    """Displacement, stress and report once the forces of an elastic body are in balance."""
    grid, dt = body.grid, jnp.asarray(1.0)

    def force(displacement):
        strain = body.strain(displacement, plate, growth)
        return body.force(strain, body.responses(strain, dt))

    phase = body.phases[0]
    first_lame = phase.bulk_modulus - 2 / 3 * phase.shear_modulus
    operator = Elasticity.isotropic(grid, first_lame, phase.shear_modulus)
    cycle = Multigrid.build(operator, smoothing_for_elasticity(grid.dim, POISSON))
    zero = jnp.zeros((grid.dim, *grid.shape))
    displacement, report = conjugate_gradients(
        lambda u: force(u) - force(zero), -force(zero), cycle, tolerance=1e-12, most_iterations=60
    )
    strain = body.strain(displacement, plate, growth)
    return displacement, body.stress(strain, body.responses(strain, dt)), report


def normal_modulus(modulus):
    """λ + 2μ."""
    return bulk_modulus(modulus, RATIO) + 4 / 3 * shear_modulus(modulus, RATIO)


@pytest.mark.parametrize(
    "grid", [Grid((4, 16), (1.0, 0.5)), pytest.param(Grid((4, 2, 8), (1.0, 1.0, 0.5)), marks=pytest.mark.slow)]
)
def test_uniaxial_bar(grid):
    """Pulled by a plate, a bar held at its sides carries (λ+2μ)ε, and λε across, to 1e-10."""
    modulus = jnp.full(grid.shape, 3.0)
    stretch = 0.01
    still = jnp.zeros(grid.shape)
    body = solid(grid, modulus, along((0,), grid))
    displacement, stress, _ = balanced(body, jnp.asarray(stretch * grid.height), still)
    longitudinal = float(normal_modulus(jnp.asarray(3.0))) * stretch
    np.testing.assert_allclose(stress[grid.dim - 1], longitudinal, rtol=1e-10)
    np.testing.assert_allclose(stress[0], longitudinal * POISSON / (1 - POISSON), rtol=1e-10)
    height = jnp.arange(grid.shape[-1]) * grid.spacing[-1]
    np.testing.assert_allclose(displacement[-1], jnp.broadcast_to(stretch * height, grid.shape), atol=1e-12)
    assert float(body.plate_pressure(stress)) == pytest.approx(-longitudinal, rel=1e-10)


@pytest.mark.parametrize("contrast", [10.0, 1e3])
def test_laminate_across_the_normal(contrast):
    """Layers stacked along the pull act in series: 1/⟨1/(λ+2μ)⟩ within 0.5 %."""
    grid = Grid((2, 32), (1.0, 1.0))
    stiff = jnp.broadcast_to((jnp.arange(32) // 4) % 2 == 0, grid.shape)
    modulus = jnp.where(stiff, contrast, 1.0)
    _, stress, _ = balanced(solid(grid, modulus, along((0,), grid)), jnp.asarray(0.32), jnp.zeros(grid.shape))
    effective = float(jnp.mean(stress[1])) / 0.01
    assert effective == pytest.approx(float(1 / jnp.mean(1 / normal_modulus(modulus))), rel=5e-3)


@pytest.mark.parametrize("contrast", [10.0, 1e3])
def test_laminate_along_the_normal(contrast):
    """Layers side by side: ⟨C₃₃ − C₁₃²/C₁₁⟩ + ⟨C₁₃/C₁₁⟩²/⟨1/C₁₁⟩ within 0.5 %."""
    grid = Grid((32, 4), (1.0, 1.0))
    stiff = jnp.broadcast_to(((jnp.arange(32) // 8) % 2 == 0)[:, None], grid.shape)
    modulus = jnp.where(stiff, contrast, 1.0)
    _, stress, _ = balanced(solid(grid, modulus, along((0,), grid)), jnp.asarray(0.04), jnp.zeros(grid.shape))
    straight = normal_modulus(modulus)
    cross = straight * POISSON / (1 - POISSON)
    exact = jnp.mean(straight - cross**2 / straight) + jnp.mean(cross / straight) ** 2 / jnp.mean(1 / straight)
    assert float(jnp.mean(stress[1])) / 0.01 == pytest.approx(float(exact), rel=5e-3)


def inclusion(grid, radius):
    """Share of a ball in the middle of a unit box, and what of it lies well inside."""
    distance = jnp.sqrt(jnp.sum((grid.cell_centres() - 0.5) ** 2, axis=0)) - radius
    return step_down(distance, 0.3 * grid.spacing[0]), np.asarray(distance < -0.5 * radius)


@pytest.mark.parametrize("radius", [0.1, pytest.param(0.15, marks=pytest.mark.slow)])
def test_eshelby_cylinder(radius):
    """In-plane eigenstrain e: σ = −E e/(2(1−ν²)) inside, with the correction of the periodic box, within 0.5 %."""
    grid, eigenstrain = cube(128, 2), 0.01
    share, inside = inclusion(grid, radius)
    body = solid(grid, jnp.ones(grid.shape), along((0, 1), grid))
    _, stress, report = balanced(body, jnp.asarray(0.0), eigenstrain * share)
    area = float(jnp.mean(share))
    assert area == pytest.approx(np.pi * radius**2, rel=0.01) and float(report.residual) < 1e-10
    alone = -eigenstrain / (2 * (1 - POISSON**2))
    boxed = (1 - area) * alone - area * eigenstrain / ((1 + POISSON) * (1 - 2 * POISSON))
    in_plane = 0.5 * np.asarray(stress[0] + stress[1])[inside]
    np.testing.assert_allclose(in_plane, boxed, rtol=5e-3)
    assert np.abs(np.asarray(stress[0] - stress[1])[inside]).max() < 0.02 * abs(boxed)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [48, 64])
def test_eshelby_sphere(cells):
    """Dilatational eigenstrain e: σ = −2E e/(3(1−ν)) inside, with the correction of the periodic box, within 2 %."""
    grid, eigenstrain, radius = cube(cells, 3), 0.01, 0.2
    share, inside = inclusion(grid, radius)
    body = solid(grid, jnp.ones(grid.shape), along((0, 1, 2), grid))
    _, stress, _ = balanced(body, jnp.asarray(0.0), eigenstrain * share)
    volume = float(jnp.mean(share))
    alone = -2 * eigenstrain / (3 * (1 - POISSON))
    boxed = (1 - volume) * alone - volume * eigenstrain / (1 - 2 * POISSON)
    pressure = np.asarray(jnp.mean(stress[:3], axis=0))[inside]
    np.testing.assert_allclose(pressure, boxed, rtol=0.02)
    assert np.abs(pressure.mean() / alone - 1) > 0.02  # the correction of the box matters


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_flat_growth_lifts_without_stress(dim):
    """Under a plate that gives way, plating makes no stress: faces rise by what is plated below them, to 1e-10."""
    grid = Grid((4,) * (dim - 1) + (32,), (1.0,) * dim)
    metal = step_down(grid.cell_centres()[-1] - 12.3, 1.0)
    upward = jnp.zeros((dim, *grid.shape)).at[-1].set(1.0)
    growth = 0.3 * area_density(metal, grid)
    body = solid(grid, jnp.where(metal > 0.5, 1.0, 10.0), dyad(upward, grid))
    thickness = jnp.sum(growth[(0,) * (dim - 1)])
    displacement, stress, _ = balanced(body, thickness, growth)
    assert float(thickness) == pytest.approx(0.3, rel=1e-3)
    np.testing.assert_allclose(stress, 0.0, atol=1e-10)
    below = jnp.cumsum(growth, axis=-1) - growth  # what has been plated below a face
    np.testing.assert_allclose(displacement[-1], below, atol=1e-10)


def test_a_rigid_plate_feels_the_fluid_pressure():
    """A box of filler alone presses on its plate with the filler's pressure."""
    grid = Grid((4, 8), (1.0, 1.0))
    body = solid(grid, jnp.ones(grid.shape), along((0,), grid))
    fluid = eqx.tree_at(
        lambda b: (b.phases[0].fraction, b.filler, b.filler_pressure),
        body,
        (jnp.zeros(grid.shape), jnp.ones(grid.shape), jnp.asarray(0.7)),
    )
    still = jnp.zeros((2, *grid.shape))
    strain = fluid.strain(still, jnp.asarray(0.0), jnp.zeros(grid.shape))
    responses = fluid.responses(strain, jnp.asarray(1.0))
    assert float(fluid.plate_pressure(fluid.stress(strain, responses))) == pytest.approx(0.7, rel=1e-12)
    assert float(jnp.max(jnp.abs(fluid.force(strain, responses)[:, :, 1:]))) == 0.0


@pytest.mark.parametrize("pressure", [1e5, 1e7])
def test_at_rest_nothing_pushes(pressure):
    """Lithium, film and liquid at one pressure: no force anywhere, in the foot of the film either, at any level."""
    for level in (150e-9, 157e-9, 166e-9):
        model, state = make(coat=coating(layer(thickness=200e-9)), level=level, pressure=pressure)
        look = Look.at(state.lithium, model.width, model.grid)
        still, none = jnp.zeros((2, *model.grid.shape)), jnp.zeros(model.grid.shape)
        apart = (Ride(still, none), Ride(still, none))
        scaled = jnp.asarray(pressure / model.scales.stress)
        body = mixture.body(model.stack, state, look, apart, scaled, model.width, model.scales, model.grid)
        strains = body.strain(still, jnp.asarray(0.0), none)
        force = body.force(strains, body.responses(strains, jnp.asarray(0.1)))
        assert float(jnp.max(jnp.abs(force))) < 1e-9 * float(scaled)


def test_simple_shear_between_walls_is_free():
    """The walls are smooth: sliding the whole body in plane costs nothing."""
    grid = Grid((4, 8), (1.0, 1.0))
    slid = jnp.zeros((2, *grid.shape)).at[0].set(0.1)
    body = solid(grid, jnp.ones(grid.shape), along((0,), grid))
    still = jnp.zeros(grid.shape)
    assert not np.any(shear_strain(slid, grid))
    assert float(body.potential(slid, jnp.asarray(0.0), still, jnp.asarray(1.0))) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_growth_between_half_spaces(ratio):
    """A cos kx of lithium inserted between bonded half spaces is pressed upon with −½E*kA at its crest, within 3 %.

    1/E* = (1−ν²)(1/E₁ + 1/E₂). The bonded value exceeds the frictionless one by less than 0.6 % at these ratios.
    """
    grid, amplitude = Grid((128, 256), (1.0, 1.0)), 0.1
    across, height = grid.cell_centres()
    wavenumber = 2 * np.pi / 128
    below = step_down(height - 128.0, 1.0)
    body = solid(grid, below + ratio * (1 - below), along((1,), grid))
    area = area_density(below, grid)
    _, stress, report = balanced(body, jnp.asarray(0.0), amplitude * jnp.cos(wavenumber * across) * area)
    assert float(report.residual) < 1e-10
    on_surface = jnp.sum(stress[1] * area, axis=1) / jnp.sum(area, axis=1)
    crest = 2 * float(jnp.mean(on_surface * jnp.cos(wavenumber * across[:, 0])))
    effective = 1 / ((1 - POISSON**2) * (1 + 1 / ratio))
    assert crest == pytest.approx(-0.5 * effective * wavenumber * amplitude, rel=3e-2)
