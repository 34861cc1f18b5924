"""A void in flowing lithium closes as the thick-walled tube and shell of the textbooks do.

Under an outer pressure p a round void of radius a in a body of radius b that flows at ε̇ = Bσⁿ closes with

    tube    ȧ/a = −(√3/2) B [√3 p / n(1 − (a/b)^{2/n})]ⁿ        shell    ȧ/a = −½ B [3p / 2n(1 − (a/b)^{3/n})]ⁿ

(Wilkinson & Ashby, Acta Metall. 23 (1975) 1277; n = 1 is Lamé's solution with 3Bη = 1).
"""

import math

import equinox as eqx
import jax.numpy as jnp
import pytest

from cells import drive, make
from interphase.grid.stencils import average_to_cells
from interphase.physics.creep import PowerLawCreep
from interphase.physics.elimination import CoupledProblem
from interphase.physics.interface import Look, bearing
from interphase.physics.momentum import Body, Phase
from interphase.physics.start import step_down
from interphase.solvers.newton import Newton

PRESSURE, RATE = 1.0, 1.0  # p, and B
SHEAR, BULK = 400.0, 1200.0
NOTHING = 1e-6  # of the solid's moduli: those of the void


@eqx.filter_jit
def stepped(balance, start):
    """The next step: its solution, and the balance after it."""
    solution, report = Newton(tolerance=1e-6, most_steps=40).solve(CoupledProblem(balance), start)
    _, (response,), _ = balance.mechanics(solution)
    return solution, report, eqx.tree_at(lambda b: b.body.phases[0].stress, balance, response.stress)


def alone(model, state, body, dt):
    """The balance of a body on its own: next to nothing reacts."""
    look = Look.at(state.lithium, model.width, model.grid)
    balance, _ = model._balance(state, look, drive(metal_potential=1e-30), jnp.asarray(dt))
    return eqx.tree_at(
        lambda b: (b.body, b.kinetics.exchange_current, b.stress_scale),
        balance,
        (body, jnp.full(model.grid.shape, 1e-15), jnp.sqrt(1.0 * math.prod(model.grid.shape)) * PRESSURE),
    )


def closing(shape, inner, outer, exponent, steps=5, dt=0.05, pressure=PRESSURE):
    """ȧ/a of a void of radius `inner` in lithium of radius `outer` [cells] once its flow is steady."""
    model, state = make(shape, bump_height=0.0)
    grid = model.grid
    centre = jnp.asarray([n / 2 for n in shape]).reshape(-1, *[1] * grid.dim)
    out = grid.cell_centres() - centre
    radius = jnp.sqrt(jnp.sum(out**2, axis=0))
    fraction = bearing(step_down(radius - outer, 1.0) - step_down(radius - inner, 1.0))
    linear = exponent == 1
    flow = PowerLawCreep(
        jnp.ones(grid.shape),
        jnp.asarray(1e-30 if linear else RATE),
        jnp.asarray(float(exponent)),
        jnp.asarray(1 / (3 * RATE) if linear else 1e30),
    )
    at_rest = jnp.zeros((4 if grid.dim == 2 else 6, *grid.shape))
    balance = alone(model, state, Body(
        grid,
        (Phase(fraction, jnp.asarray(BULK), jnp.asarray(SHEAR), flow, at_rest),),
        1 - fraction,
        jnp.asarray(NOTHING * BULK),
        jnp.asarray(NOTHING * SHEAR),
        pressure * step_down(0.5 * (inner + outer) - radius, 1.0),
        jnp.zeros_like(at_rest),
    ), dt)  # fmt: skip

    solution = state.solution
    for _ in range(steps):
        solution, report, balance = stepped(balance, solution)
        assert float(report.residual) < 1e-6
    velocity = jnp.stack([average_to_cells(solution.velocity[a], a, 0.0) for a in grid.axes])
    between = (radius > inner + 4) & (radius < outer - 4)
    speed = jnp.sum(out * velocity, axis=0) / radius
    return (
        float(jnp.mean(jnp.where(between, speed * (radius / inner) ** (grid.dim - 1), 0)) / jnp.mean(between)) / inner
    )


def exact(dim, inner, outer, n):
    walls = 1 - (inner / outer) ** (dim / n)
    if dim == 2:
        return -(math.sqrt(3) / 2) * RATE * (math.sqrt(3) * PRESSURE / (n * walls)) ** n
    return -0.5 * RATE * (3 * PRESSURE / (2 * n * walls)) ** n


def test_a_tube_closes_as_viscous_fluid_does():
    assert closing((64, 64), 12, 28, 1) == pytest.approx(exact(2, 12, 28, 1), rel=0.03)


def test_a_tube_closes_as_power_law_creep_does():
    assert closing((64, 64), 12, 28, 5) == pytest.approx(exact(2, 12, 28, 5), rel=0.05)


def test_what_the_grid_leaves_of_closing_falls_with_its_square():
    """The walls of a void are a cell wide and bear load: a void half as many cells wide closes less true by four."""
    errors = [closing((64, 64), inner, 28, 1) / exact(2, inner, 28, 1) - 1 for inner in (6, 12)]
    assert errors[1] / errors[0] == pytest.approx(0.25, rel=0.25)


ACROSS = {2: (math.sqrt(3) / 2, math.sqrt(3) / 5), 3: (0.5, 3 / 10)}  # of ȧ/a = −(…)B((…)p)⁵ in a large body
SATURATED = 1.40e-2 / 2.0**5  # B of lithium that flows steadily at 298 K, ε̇ = Bσ⁵ [1/s MPa⁻⁵]


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape, inner, outer, expected", [((64, 64), 12, 28, (1.48, 2.35, 3.24)), ((32, 32, 32), 6, 15, (1.9, 3.0, 4.2))]
)
def test_pressure_that_closes_a_void_as_fast_as_stripping_opens_it(shape, inner, outer, expected):
    """A void of 10 µm at 1, 10, 50 A/m²: a ball 1.9, 3.0, 4.2 MPa within 10 %, a tube less; p ∝ i^(1/n).

    The void of a small body closes faster than that of a large one by the factor that the closed form has for it.
    """
    dim, speeds = len(shape), [i * 13e-6 / 96485.33212 for i in (1.0, 10.0, 50.0)]
    small = (1 - (inner / outer) ** (dim / 5)) ** 5
    factor = -closing(shape, inner, outer, 5) * small
    found = [(v / (10e-6 * SATURATED * factor)) ** (1 / 5) for v in speeds]
    assert found == pytest.approx(expected, rel=0.1)
    twice = -closing(shape, inner, outer, 5, dt=0.05 / 2**5, pressure=2.0) * small
    assert math.log(twice / factor) / math.log(2) == pytest.approx(5, rel=0.01)  # so p ∝ i^(1/5)
    first, inside = ACROSS[dim]
    assert factor == pytest.approx(first * inside**5, rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("exponent, bound", [(1, 0.03), (5, 0.05)])
def test_a_ball_closes_as_its_flow_law_says(exponent, bound):
    assert closing((64, 64, 64), 17, 30, exponent) == pytest.approx(exact(3, 17, 30, exponent), rel=bound)
