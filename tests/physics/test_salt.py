"""Salt in one dimension: Sand's time, limiting current, conservation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import scales
from interphase.grid.grid import Grid
from interphase.physics.charge import METAL_FLOOR, conductor
from interphase.physics.salt import salt_step
from interphase.physics.start import step_down

FARADAY = 96485.33212
DIFFUSIVITY, TRANSFERENCE, CONCENTRATION = 3e-10, 0.38, 1000.0
METAL = 10  # cells of lithium, its surface at the centre of the last one


class Column:
    """Lithium below, liquid above, a uniform current; the surface lies at the centre of a cell."""

    def __init__(self, height, cells, current, has_reservoir):
        self.spacing = height / (cells - METAL - 0.5)
        self.units = scales(self.spacing, current)
        self.grid = Grid((2, cells), (1.0, 1.0))
        self.has_reservoir = has_reservoir
        above = self.grid.cell_centres()[1] - METAL - 0.5
        metal = step_down(above, 1.0)
        self.liquid = 1 - metal
        ones = jnp.ones(self.grid.shape)
        self.conductor = conductor(metal, ones, METAL_FLOOR, self.grid)
        # The metal leaves ions the share 1−ξ of a face, and i(1−ξ) flows there: the potential is a straight line.
        self.potential = above - (cells - METAL - 0.5)
        self.diffusivity = DIFFUSIVITY / self.units.diffusivity * ones
        self.share = (1 - TRANSFERENCE) * ones

    def step(self, salt, dt):
        """Salt after `dt` seconds."""
        return salt_step(
            salt,
            self.liquid,
            self.diffusivity,
            self.share,
            self.conductor,
            self.potential,
            jnp.asarray(dt / self.units.time),
            self.units.salt_source,
            self.has_reservoir,
            self.grid,
        )[0]

    def at_surface(self, dt, steps):
        """Concentration at the surface after every step, and the last profile."""

        def advance(salt, _):
            salt = self.step(salt, dt)
            return salt, salt[0, METAL]

        salt, surface = jax.jit(lambda s: jax.lax.scan(advance, s, None, steps))(jnp.ones(self.grid.shape))
        return np.asarray(surface), salt


def test_sand_time():
    """100 A/m² empties the surface after πD(Fc₀/2i(1−t₊))² = 570.6 s, within 1 %."""
    column = Column(3e-3, 266, 100.0, has_reservoir=True)
    dt = 2.0
    surface, _ = column.at_surface(dt, 330)
    times = dt * np.arange(1, 331)
    empty = np.interp(0.0, -surface, times)
    exact = np.pi * DIFFUSIVITY * (FARADAY * CONCENTRATION / (2 * 100.0 * (1 - TRANSFERENCE))) ** 2
    assert exact == pytest.approx(570.6, abs=0.1)
    assert empty == pytest.approx(570.6, rel=0.01)


@pytest.mark.slow
def test_concentration_follows_sands_root_law():
    """c(0, t)/c₀ = 1 − √(t/t_S), within 0.01 once diffusion has passed ten cells."""
    dt = 2.0
    surface, _ = Column(3e-3, 266, 100.0, has_reservoir=True).at_surface(dt, 270)
    times = dt * np.arange(1, 271)
    np.testing.assert_allclose(surface[20:], 1 - np.sqrt(times[20:] / 570.6), atol=0.01)


@pytest.mark.parametrize("current", [pytest.param(30.0, marks=pytest.mark.slow), 80.0])
def test_limiting_current_of_a_symmetric_cell(current):
    """1 mm between lithium and a blocking counter electrode: 93.4 A/m² would empty the surface, within 1 %."""
    surface, salt = Column(1e-3, 138, current, has_reservoir=False).at_surface(5e3, 12)
    assert current / (1 - surface[-1]) == pytest.approx(93.4, rel=0.01)
    assert pytest.approx(93.4, rel=1e-3) == 2 * FARADAY * DIFFUSIVITY * CONCENTRATION / ((1 - TRANSFERENCE) * 1e-3)
    assert float(salt[0, -1]) - 1 == pytest.approx(1 - surface[-1], rel=0.02)


def test_salt_is_conserved_between_blocking_electrodes():
    """A counter electrode gives to the liquid what the lithium takes: the salt in all cells stays."""
    column = Column(1e-3, 138, 80.0, has_reservoir=False)
    _, salt = column.at_surface(60.0, 20)
    before, after = jnp.sum(column.liquid), jnp.sum(column.liquid * salt)
    assert float(after / before) == pytest.approx(1.0, abs=1e-5)
    assert float(jnp.max(jnp.abs(salt - 1))) > 0.1


def test_nothing_happens_without_a_current():
    """A uniform concentration stays."""
    column = Column(1e-3, 74, 80.0, has_reservoir=True)
    column.potential = jnp.zeros(column.grid.shape)
    np.testing.assert_allclose(column.step(jnp.ones(column.grid.shape), 100.0), 1.0, rtol=1e-12)


def test_a_single_ion_conductor_never_empties():
    """With t₊ = 1 the salt does not move: there is no Sand's time."""
    column = Column(1e-3, 74, 80.0, has_reservoir=True)
    column.share = jnp.zeros(column.grid.shape)
    np.testing.assert_allclose(column.step(jnp.ones(column.grid.shape), 1e4), 1.0, rtol=1e-12)
