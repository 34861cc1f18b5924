"""The operators that multigrid knows, its transfers, and the symmetry of its cycle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import bump, bump_conductor, bump_moduli, cube, random
from interphase.grid.grid import Grid
from interphase.grid.stencils import cells_to_edges, force, normal_strain, shear_strain
from interphase.physics.interface import area_density
from interphase.solvers.multigrid import (
    Multigrid,
    coarsest_shape,
    prolong_cells_linear,
    prolong_nodes_linear,
    restrict_cells_linear,
    restrict_nodes_linear,
)
from interphase.solvers.preconditioners import (
    Diffusion,
    Elasticity,
    smoothing_for_diffusion,
    smoothing_for_elasticity,
)

GRIDS = [Grid((8, 16), (1.0, 0.5)), Grid((1, 64), (1.0, 1.0)), Grid((4, 4, 8), (1.0, 0.7, 1.0))]
SQUARE_AND_CUBE = [cube(16, 2), cube(8, 3)]


def diffusion(grid: Grid) -> Diffusion:
    metal, _, _ = bump(grid)
    return bump_conductor(grid, 1e-3).operator(area_density(metal, grid))


def elasticity(grid: Grid) -> Elasticity:
    return Elasticity.isotropic(grid, *bump_moduli(grid, 1e3, 0.3))


def without_walls(field):
    """Displacements that do not move the lower wall."""
    return field.at[-1, ..., 0].set(0.0)


def dense(operator, shape):
    size = int(np.prod(shape))
    return np.asarray(jax.jit(jax.vmap(lambda e: operator(e.reshape(shape)).ravel()))(jnp.eye(size))).T


@pytest.mark.parametrize("grid", GRIDS)
def test_diffusion_is_symmetric_positive_with_its_diagonal(grid):
    """The dense matrix is symmetric, positive definite, and its diagonal is `diagonal`."""
    operator = diffusion(grid)
    matrix = dense(operator, grid.shape)
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-13 * scale)
    assert np.linalg.eigvalsh(matrix).min() > 0
    np.testing.assert_allclose(np.diag(matrix), operator.diagonal().ravel(), atol=1e-13 * scale)


@pytest.mark.parametrize("grid", GRIDS[:1] + GRIDS[2:])
def test_elasticity_is_symmetric_semidefinite_with_its_diagonal(grid):
    """Symmetric; it vanishes on in-plane translations and on nothing else that leaves the lower wall at rest."""
    operator = elasticity(grid)
    shape = (grid.dim, *grid.shape)
    matrix = dense(lambda u: operator(without_walls(u)), shape)
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-13 * scale)
    moving = np.asarray(jnp.ones(shape).at[-1, ..., 0].set(0.0).ravel(), bool)
    np.testing.assert_allclose(
        np.diag(matrix)[moving], np.asarray(operator.diagonal()).ravel()[moving], atol=1e-13 * scale
    )
    values = np.linalg.eigvalsh(matrix[np.ix_(moving, moving)])
    assert np.sum(values < 1e-12 * scale) == grid.dim - 1 and values.min() > -1e-12 * scale
    for mode in operator.null_modes():
        assert float(jnp.max(jnp.abs(operator(mode)))) < 1e-13 * scale


@pytest.mark.parametrize("grid", GRIDS)
def test_fused_elasticity_equals_the_stencils(grid):
    """The padded stencil is −∇·(C:ε) as `force` and the strains spell it out."""
    first_lame, shear_modulus = bump_moduli(grid, 1e3, 0.3)
    u = without_walls(random(0, grid.dim, *grid.shape))
    strain = normal_strain(u, grid)
    normal = first_lame * jnp.sum(strain, axis=0) + 2 * shear_modulus * strain
    shear = jnp.stack(
        [cells_to_edges(shear_modulus, pair) * s for pair, s in zip(grid.pairs, shear_strain(u, grid), strict=True)]
    )
    expected = force(normal, shear, grid)
    np.testing.assert_allclose(
        Elasticity.isotropic(grid, first_lame, shear_modulus)(u),
        expected,
        atol=1e-13 * float(jnp.max(jnp.abs(expected))),
    )


@pytest.mark.parametrize("axis", [-1, -2])
def test_restriction_is_half_the_transpose_of_prolongation(axis):
    """Along the normal with its walls and along a periodic axis, for cells and for nodes."""
    for restrict, prolong in [
        (restrict_cells_linear, prolong_cells_linear),
        (restrict_nodes_linear, prolong_nodes_linear),
    ]:
        coarse_shape = (3, 4) if axis == -1 else (4, 3)
        fine_shape = (3, 8) if axis == -1 else (8, 3)
        coarse, fine = random(0, *coarse_shape), random(1, *fine_shape)
        if restrict is restrict_nodes_linear and axis == -1:  # the node on the lower wall is no unknown
            coarse, fine = coarse.at[:, 0].set(0.0), fine.at[:, 0].set(0.0)
        assert float(jnp.vdot(prolong(coarse, axis), fine)) == pytest.approx(
            2 * float(jnp.vdot(coarse, restrict(fine, axis))), abs=1e-12
        )


@pytest.mark.parametrize("grid", SQUARE_AND_CUBE)
@pytest.mark.parametrize("make", [diffusion, elasticity])
def test_transfers_of_operators_are_transposes(grid, make):
    """⟨P c, f⟩ = 2^d ⟨c, R f⟩, with the normal component at rest on the lower wall."""
    fine_operator = make(grid)
    coarse_operator = fine_operator.coarsened()
    vector = make is elasticity
    fine = random(0, *([grid.dim] if vector else []), *grid.shape)
    coarse = random(1, *([grid.dim] if vector else []), *coarse_operator.shape)
    if vector:
        fine, coarse = without_walls(fine), without_walls(coarse)
    transfers = jax.jit(lambda c, f: (fine_operator.prolong(c), fine_operator.restrict(f)))
    prolonged, restricted = transfers(coarse, fine)
    assert float(jnp.vdot(prolonged, fine)) == pytest.approx(
        2**grid.dim * float(jnp.vdot(coarse, restricted)), abs=1e-10
    )


@pytest.mark.parametrize(
    "grid",
    [
        Grid((16, 32), (1.0, 0.5)),
        Grid((12, 20), (1.0, 1.0)),
        pytest.param(Grid((8, 8, 16), (1.0, 1.0, 1.0)), marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("make", [diffusion, elasticity])
def test_cycle_is_symmetric_and_positive(grid, make):
    """⟨Ma, b⟩ = ⟨a, Mb⟩ and ⟨Ma, a⟩ > 0, so that the cycle may precondition conjugate gradients."""
    operator = make(grid)
    smoothing = smoothing_for_diffusion() if make is diffusion else smoothing_for_elasticity(grid.dim, 0.3)
    cycle = jax.jit(lambda b: Multigrid.build(operator, smoothing)(b))
    shape = grid.shape if make is diffusion else (grid.dim, *grid.shape)
    for seed in range(3):
        a, b = random(seed, *shape), random(seed + 10, *shape)
        if make is elasticity:
            a, b = without_walls(a), without_walls(b)
            a, b = [x.at[:-1].add(-jnp.mean(x[:-1], axis=tuple(range(1, grid.dim + 1)), keepdims=True)) for x in (a, b)]
        image_a, image_b = cycle(a), cycle(b)
        size = float(jnp.linalg.norm(image_a) * jnp.linalg.norm(b))
        assert abs(float(jnp.vdot(image_a, b)) - float(jnp.vdot(a, image_b))) < 1e-12 * size
        assert float(jnp.vdot(image_a, a)) > 0


def test_cycle_in_single_precision_is_close_to_double():
    """Single precision changes the cycle by no more than its round-off."""
    grid = cube(32, 2)
    operator = diffusion(grid)
    right_side = random(0, *grid.shape)

    def cycle(precision):
        return jax.jit(lambda b: Multigrid.build(operator, smoothing_for_diffusion(), precision)(b))(right_side)

    double, single = cycle(None), cycle(jnp.float32)
    assert single.dtype == right_side.dtype
    assert float(jnp.linalg.norm(single - double) / jnp.linalg.norm(double)) < 1e-3


@pytest.mark.parametrize(
    "shape, coarsest", [((128, 128), (8, 8)), ((64, 64, 64), (4, 4, 4)), ((1, 256), (1, 64)), ((48, 48, 48), (3, 3, 3))]
)
def test_coarsest_grid(shape, coarsest):
    """Coarsening goes on while an axis is even and there are more than 64 cells."""
    assert coarsest_shape(shape) == coarsest


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_one_cycle_reduces_the_error_of_a_smooth_problem(dim):
    """For a uniform conductor one cycle leaves less than a third of the energy of the error."""
    grid = cube(32 if dim == 2 else 16, dim)
    operator = bump_conductor(grid, 1.0, thickness=0.1).operator(jnp.ones(grid.shape))
    exact = random(0, *grid.shape)
    error = exact - jax.jit(lambda b: Multigrid.build(operator, smoothing_for_diffusion())(b))(operator(exact))
    ratio = jnp.vdot(error, operator(error)) / jnp.vdot(exact, operator(exact))
    assert float(ratio) < 1 / 9
