"""Declared orders by manufactured solutions, 2-D and 3-D: the slope of the error on halving the cells, within 0.2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import cube
from interphase.grid.grid import Grid
from interphase.physics.charge import conductor
from interphase.physics.interface import curvature
from interphase.physics.phases import advected, transport
from interphase.physics.salt import salt_step
from interphase.physics.start import step_down
from interphase.solvers.krylov import conjugate_gradients
from interphase.solvers.multigrid import Multigrid
from interphase.solvers.preconditioners import Elasticity, smoothing_for_diffusion, smoothing_for_elasticity

PI = jnp.pi
CELLS = {2: (32, 64), 3: (8, 16, 32)}
DIMENSIONS = [2, pytest.param(3, marks=pytest.mark.slow)]


def on(function, positions):
    """A function of one point at all positions; its component axes come first."""
    dim = positions.shape[0]
    values = jax.vmap(function)(positions.reshape(dim, -1).T)
    return jnp.moveaxis(values, 0, -1).reshape(*values.shape[1:], *positions.shape[1:])


def plane(point):
    """A periodic function of the in-plane coordinates, of the order of one."""
    return jnp.prod(jnp.stack([jnp.cos(2 * PI * (x - 0.1)) for x in point[:-1]]))


def check_order(error, dim, declared, cells=None):
    """The slope between successive grids is the declared order; the last pair counts."""
    errors = np.asarray([float(error(n)) for n in cells or CELLS[dim]])
    orders = np.log2(errors[:-1] / errors[1:])
    assert orders[-1] == pytest.approx(declared, abs=0.2), (errors, orders)


def root_mean_square(x):
    return jnp.sqrt(jnp.mean(x**2))


def potential(point):
    """Zero on the upper wall, level on the lower one."""
    return jnp.cos(PI * point[-1] / 2) * (1 + 0.5 * plane(point))


def conductivity(point):
    return 1 + 0.5 * plane(point) * jnp.sin(PI * point[-1]) ** 2 + point[-1]


def divergence_of(flux):
    """∇·flux at a point."""
    return lambda point: jnp.trace(jax.jacfwd(flux)(point))


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3])
def test_charge(dim):
    """−∇·κ∇φ = s with varying κ: second order in φ."""

    @jax.jit
    def solve(source, kappa):
        grid = cube(round(source.size ** (1 / dim)), dim)
        ions = conductor(jnp.zeros(grid.shape), kappa, 0.0, grid)
        operator = ions.operator(jnp.zeros(grid.shape))
        cycle = Multigrid.build(operator, smoothing_for_diffusion())
        return conjugate_gradients(operator, source, cycle, tolerance=1e-11)[0]

    def error(n):
        centres = cube(n, dim).cell_centres()
        source = -on(divergence_of(lambda p: conductivity(p) * jax.grad(potential)(p)), centres)
        return root_mean_square(solve(source, on(conductivity, centres)) - on(potential, centres))

    check_order(error, dim, 2)


def displacement(point):
    """Smooth walls: the normal component vanishes on them, so does the shear."""
    height = PI * point[-1]
    in_plane = jnp.stack([jnp.sin(2 * PI * (x + 0.05 * (1 + k))) * jnp.cos(height) for k, x in enumerate(point[:-1])])
    return jnp.append(in_plane, plane(point) * jnp.sin(height))


def moduli(point):
    """λ and μ."""
    stiffening = 1 + 0.5 * plane(point) * jnp.cos(PI * point[-1])
    return 1.5 * stiffening, stiffening


def elastic_stress(point):
    gradient = jax.jacfwd(displacement)(point)
    first_lame, shear = moduli(point)
    return first_lame * jnp.trace(gradient) * jnp.eye(point.shape[0]) + shear * (gradient + gradient.T)


def elastic_force(point):
    """−∇·σ."""
    return -jnp.trace(jax.jacfwd(elastic_stress)(point), axis1=1, axis2=2)


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3])
def test_elasticity(dim):
    """−∇·σ(u) = f with varying moduli: second order in u."""

    @jax.jit
    def solve(load, first_lame, shear):
        grid = cube(round(shear.size ** (1 / dim)), dim)
        operator = Elasticity.isotropic(grid, first_lame, shear)
        load = load.at[:-1].add(-jnp.mean(load[:-1], axis=tuple(range(1, dim + 1)), keepdims=True))
        cycle = Multigrid.build(operator, smoothing_for_elasticity(dim, 0.3))
        return conjugate_gradients(operator, load, cycle, tolerance=1e-11)[0]

    def error(n):
        grid = cube(n, dim)
        centres = grid.cell_centres()
        faces = [centres.at[k].add(-0.5 / n) for k in range(dim)]
        exact = jnp.stack([on(displacement, x)[k] for k, x in enumerate(faces)])
        load = jnp.stack([on(elastic_force, x)[k] for k, x in enumerate(faces)]).at[-1, ..., 0].set(0.0)
        miss = solve(load, *(on(lambda p, k=k: moduli(p)[k], centres) for k in (0, 1))) - exact
        free = miss[:-1] - jnp.mean(miss[:-1], axis=tuple(range(1, dim + 1)), keepdims=True)
        return root_mean_square(free) + root_mean_square(miss[-1])

    check_order(error, dim, 2)


def concentration(point):
    """One on the upper wall, where the reservoir is."""
    return 1 + 0.4 * potential(point)


def capacity(point):
    return 0.6 + 0.3 * plane(point) * jnp.sin(PI * point[-1]) ** 2


def anion_share(point):
    return 0.5 + 0.2 * plane(point) * jnp.cos(PI * point[-1])


@pytest.mark.slow
@pytest.mark.parametrize("dim", [2, 3])
def test_salt(dim):
    """One implicit step of ε∂c/∂t = ∇·[εD∇c] + ∇·[(1−t₊)i]: second order in space."""
    dt, source = 0.7, 0.3

    def earlier(point):
        diffusion = divergence_of(lambda p: capacity(p) * conductivity(p) * jax.grad(concentration)(p))(point)
        migration = divergence_of(lambda p: -anion_share(p) * jax.grad(potential)(p))(point)
        return concentration(point) - dt * (diffusion + source * migration) / capacity(point)

    @jax.jit
    def step(salt, capacities, diffusivities, shares, potentials):
        grid = cube(round(salt.size ** (1 / dim)), dim)
        ions = conductor(jnp.zeros(grid.shape), jnp.ones(grid.shape), 0.0, grid)
        return salt_step(
            salt, capacities, diffusivities, shares, ions, potentials, jnp.asarray(dt), source, True, grid, 1e-11
        )[0]

    def error(n):
        centres = cube(n, dim).cell_centres()
        fields = (on(f, centres) for f in (earlier, capacity, conductivity, anion_share, potential))
        return root_mean_square(step(*fields) - on(concentration, centres))

    check_order(error, dim, 2)


def fraction(point):
    return 0.5 + 0.3 * plane(point) * jnp.cos(PI * point[-1])


def flow(point):
    """A velocity that leaves no wall."""
    across = jnp.stack([1 + 0.3 * jnp.sin(2 * PI * x) * jnp.cos(PI * point[-1]) for x in point[:-1]])
    return jnp.append(across, plane(point) * jnp.sin(PI * point[-1]))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_transport(dim):
    """The rate −∇·(f v) of a smooth fraction, without sharpening: second order."""
    dt = 1e-7

    @jax.jit
    def rate(f, velocity):
        grid = cube(round(f.size ** (1 / dim)), dim)
        zero = jnp.asarray(0.0)
        moved = transport(
            {"lithium": f},
            velocity,
            zero,
            jnp.zeros_like(velocity),
            jnp.zeros_like(f),
            zero,
            jnp.asarray(dt),
            1.0,
            grid,
            1,
        )["lithium"]
        return (moved - f) / dt

    def error(n):
        centres = cube(n, dim).cell_centres()
        velocity = jnp.stack([on(flow, centres.at[k].add(-0.5 / n))[k] for k in range(dim)]).at[-1, ..., 0].set(0.0)
        exact = -on(divergence_of(lambda p: fraction(p) * flow(p)), centres)
        return root_mean_square(rate(on(fraction, centres), velocity) - exact)

    check_order(error, dim, 2)


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_advection(dim):
    """The rate −v·∇q of a smooth property: third order."""
    dt = 1e-7

    @jax.jit
    def rate(q, velocity):
        grid = cube(round(q.size ** (1 / dim)), dim)
        return (advected(q, velocity, jnp.asarray(dt), grid) - q) / dt

    def error(n):
        centres = cube(n, dim).cell_centres()
        exact = -on(lambda p: flow(p) @ jax.grad(fraction)(p), centres)
        return root_mean_square(rate(on(fraction, centres), on(flow, centres)) - exact)

    check_order(error, dim, 3, {2: (64, 128), 3: (16, 32, 64)}[dim])


def test_advection_in_time():
    """Heun's method: second order in the step."""
    grid = Grid((64, 1), (1 / 64, 1.0))
    wave = jnp.sin(2 * PI * grid.cell_centres()[0])
    velocity = jnp.zeros((2, 64, 1)).at[0].set(1.0)

    def carried(steps):
        q = wave
        for _ in range(steps):
            q = advected(q, velocity, jnp.asarray(0.02 / steps), grid)
        return q

    exact = carried(64)
    errors = [float(jnp.max(jnp.abs(carried(steps) - exact))) for steps in (2, 4)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("dim, curvatures", [(2, 1), pytest.param(3, 2, marks=pytest.mark.slow)])
def test_curvature(dim, curvatures):
    """1/r and 2/r near the surface of a disc and a ball: second order."""
    radius = 0.3

    def error(n):
        grid = cube(n, dim)
        outside = jnp.sqrt(jnp.sum((grid.cell_centres() - 0.5) ** 2, axis=0)) - radius
        width = 1.5 * grid.spacing[0]
        miss = jax.jit(curvature, static_argnums=(1, 2))(step_down(outside, width), width, grid) - curvatures / (
            radius + outside
        )
        near = jnp.abs(outside) < grid.spacing[0]
        return jnp.sqrt(jnp.sum(jnp.where(near, miss**2, 0.0)) / jnp.sum(near))

    check_order(error, dim, 2, {2: (32, 64, 128), 3: (16, 32, 64)}[dim])
