"""Empty sites of lithium's lattice on their own: Sand's time, a steady profile, sinks, what closes and fills them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cells import scales
from interphase.config.build import build
from interphase.config.load import StudyError, validated
from interphase.grid.grid import Grid
from interphase.physics import mixture
from interphase.physics.interface import Look
from interphase.physics.reaction import Kinetics
from interphase.physics.start import step_down
from interphase.physics.vacancies import Lattice, Sites, held_in, surface_share
from interphase.solvers.krylov import SolveReport

DIFFUSIVITY, FARADAY, MOLAR_VOLUME = 5.6e-15, 96485.33212, 13e-6
STUDY = {
    "title": "a column",
    "grid": {"cells": [2, 32], "size": ["1 um", "16 um"]},
    "surface": {"level": "10 um"},
    "solid_electrolyte": {"material": "lpscl"},
    "vacancies": {},
    "cell": {"pressure": "3 MPa", "top": "plate"},
    "protocol": {"steps": [{"current": "-1 mA/cm^2", "duration": "10 s"}]},
}


class Column:
    """Lithium whose surface lies `depth` above the lower wall, stripped at a uniform current; SI."""

    def __init__(self, depth: float, cells: int, current: float, goes_on: bool = False, sinks: float = 1e9):
        self.spacing = depth / (cells - 12)
        self.units = scales(self.spacing, current)
        self.grid = Grid((2, cells), (1.0, 1.0))
        number, diffusivity = jnp.asarray, DIFFUSIVITY / self.units.diffusivity
        self.lattice = Lattice(
            number(diffusivity), number(2e-9), number(0.5), number(0.0), number(5.0), number(1.0), number(0.0),
            number(diffusivity * (self.spacing / sinks) ** 2), goes_on,
        )  # fmt: skip
        self.lithium = step_down(self.grid.cell_centres()[1] - (cells - 12), 1.0)
        self.look = Look.at(self.lithium, 1.0, self.grid)
        self.stress = jnp.zeros((4, *self.grid.shape))

    def stripped(self, dt: float, steps: int):
        """Occupancy of the surface after every step, empty sites at the end, and lithium from below per area."""
        step = jnp.asarray(dt / self.units.time)

        @jax.jit
        def course():
            def advance(carry, _):
                vacant, below = carry
                sites = Sites.at(
                    self.lattice, vacant, self.lithium, self.lithium, self.stress, self.look, self.look.area,
                    self.look.area, step, 1.0, self.grid,
                )  # fmt: skip
                vacant = vacant + step * self.look.area - self.lithium * sites.closing - sites.sinking
                vacant, supplied = self.lattice.spread(vacant, self.lithium, jnp.zeros_like(vacant), step, self.grid)
                share = surface_share(vacant, self.lithium, self.look, self.grid)[0, -12]
                return (vacant, below + supplied), 1 - share

            empty = (2e-9 * self.lithium, jnp.zeros(()))
            return jax.lax.scan(advance, empty, None, steps)

        (vacant, below), occupancy = course()
        return np.asarray(occupancy), vacant, float(below)


def test_sand_time_of_vacancies():
    """10 A/m² takes the last atom of the surface after πD(F/2Ωi)² = 2.42e3 s, within 2 %."""
    exact = np.pi * DIFFUSIVITY * (FARADAY / (2 * MOLAR_VOLUME * 10.0)) ** 2
    assert exact == pytest.approx(2.423e3, rel=1e-3)
    occupancy, vacant, _ = (column := Column(16e-6, 116, 10.0)).stripped(12.0, 220)
    times = 12.0 * np.arange(1, 221)
    assert np.interp(0.0, -occupancy, times) == pytest.approx(exact, rel=0.02)
    np.testing.assert_allclose(occupancy[40:200], 1 - np.sqrt(times[40:200] / exact), atol=0.015)
    stripped = 220 * 12.0 / column.units.time * float(jnp.sum(column.look.area))
    assert float(jnp.sum(vacant)) == pytest.approx(stripped, rel=1e-8)


def test_critical_current_above_a_full_lattice():
    """50 µm above a full lattice 83 µA/cm² would empty the surface, within 3 %; then all lithium comes from below."""
    column = Column(50e-6, 76, 0.5, goes_on=True)
    occupancy, _, below = column.stripped(4e4, 60)
    assert 0.5 / (1 - occupancy[-1]) == pytest.approx(0.8313, rel=0.03)
    _, _, less = column.stripped(4e4, 59)
    assert (below - less) * column.spacing == pytest.approx(4e4 * 0.5 * MOLAR_VOLUME / FARADAY, rel=1e-3)


def test_sinks_keep_the_surface_from_emptying():
    """With sinks Λ apart the share of empty sites stays at Ωi Λ/FD, within 3 %."""
    occupancy, _, _ = Column(20e-6, 140, 1.0, sinks=3e-6).stripped(100.0, 900)
    assert 1 - occupancy[-1] == pytest.approx(MOLAR_VOLUME * 1.0 / FARADAY * 3e-6 / DIFFUSIVITY, rel=0.03)


def test_what_a_uniform_current_leaves_is_foreseen():
    """The occupancy with which the balance reckons is the one that comes out."""
    column = Column(8e-6, 44, 10.0)
    step = jnp.asarray(30.0 / column.units.time)
    vacant = 2e-9 * column.lithium + 0.3 * column.lithium**2
    sites = Sites.at(
        column.lattice, vacant, column.lithium, column.lithium, column.stress, column.look, column.look.area,
        column.look.area, step, 1.0, column.grid,
    )  # fmt: skip
    assert float(sites.report.residual) < 1e-7
    after, _ = column.lattice.spread(
        vacant - column.lithium * sites.closing - sites.sinking + step * column.look.area, column.lithium,
        jnp.zeros_like(vacant), step, column.grid,
    )  # fmt: skip
    came_out = 1 - surface_share(after, column.lithium, column.look, column.grid)
    foreseen = sites.occupancy - sites.depletion
    np.testing.assert_allclose(foreseen[0, 30:34], came_out[0, 30:34], atol=1e-5)


def test_no_current_takes_atoms_that_are_not_there():
    """However hard the surface is driven, stripping stays below what empties it by the end of the step."""
    number = jnp.asarray
    law = Kinetics(number(5.0), number(0.5), number(0.0), number(0.0), number(0.2), number(0.4))
    affinity = jnp.linspace(-40.0, 5.0, 200)
    current = law.current(affinity)
    assert jnp.all(0.2 + 0.4 * current >= -1e-12)
    assert float(current[0]) == pytest.approx(-0.5, rel=1e-6)
    assert jnp.all(jnp.diff(current) > 0)
    assert float(law.current(jnp.log(number(0.2)))) == pytest.approx(0.0, abs=1e-12)  # at rest: 𝒜/RT = ln c


def test_plating_fills_empty_sites_first():
    """In short steps all of it, while there are any; on a full surface it lays down new lattice, and stripping none."""
    full, half, ones = jnp.zeros(3), 0.5 * jnp.ones(3), jnp.ones(3)
    current = jnp.asarray([-1.0, 1e-6, 2.0])
    solved = SolveReport(jnp.asarray(0), jnp.asarray(0.0))
    emptied, whole = Sites(1 - half, ones, full, full, solved), Sites(ones, ones, full, full, solved)
    np.testing.assert_allclose(emptied.renewed(current), [0, 0, 2 * 2 / 2.5], atol=1e-11)
    np.testing.assert_allclose(whole.renewed(current), [0, 1e-6, 2.0], rtol=1e-5)


def test_pores_close_as_round_voids_do():
    """At 3 MPa a pore's radius falls by 1/e in 7.7e3 s in steady Anand–Narayan flow, its volume three times as fast."""
    case = build(validated(STUDY, "column"))
    units = case.model.scales
    lattice = mixture.lattice(case.model.stack, units)
    assert lattice is not None
    rates = [float(lattice.closing_at(jnp.asarray(p / units.stress))) / units.time for p in (-3e6, 0.0, 3e6, 6e6)]
    assert max(rates[:2]) < 1e-30
    assert rates[2] == pytest.approx(3 / 7.7e3, rel=0.02)
    assert rates[3] / rates[2] == pytest.approx(2**5, rel=1e-9)


def test_diffusing_sites_are_neither_made_nor_lost():
    column = Column(8e-6, 44, 10.0)
    vacant = column.lithium * (0.1 + 0.1 * jnp.sin(jnp.arange(88.0)).reshape(2, 44))
    moved, below = column.lattice.spread(vacant, column.lithium, 0 * vacant, jnp.asarray(3.0), column.grid)
    assert float(jnp.sum(moved)) == pytest.approx(float(jnp.sum(vacant)), rel=1e-13)
    assert float(below) == 0.0
    share = (moved / held_in(column.lithium))[:, :30]
    assert float(jnp.std(share)) < 0.1 * float(jnp.std((vacant / held_in(column.lithium))[:, :30]))


def test_slope_of_the_surface_by_diffusivity():
    """Reverse mode through the implicit diffusion against a central difference, within 1e-6."""
    column = Column(8e-6, 44, 10.0)
    step = jnp.asarray(30.0 / column.units.time)

    @jax.jit
    def occupancy(factor):
        lattice = eqx.tree_at(lambda k: k.diffusivity, column.lattice, column.lattice.diffusivity * factor)
        vacant = 2e-9 * column.lithium
        for _ in range(3):
            vacant, _ = lattice.spread(vacant + step * column.look.area, column.lithium, 0 * vacant, step, column.grid)
        return surface_share(vacant, column.lithium, column.look, column.grid)[0, 32]

    slope = jax.grad(occupancy)(1.0)
    central = (occupancy(1 + 1e-4) - occupancy(1 - 1e-4)) / 2e-4
    assert float(slope) == pytest.approx(float(central), rel=1e-6)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"solid_electrolyte": None, "electrolyte": {"material": "lipf6-ec-dmc"}}, "vacancies: under a liquid"),
        ({"numerics": {"precision": "float32"}}, "vacancies: in single precision"),
        ({"vacancies": {"sink_spacing": "0.3 um"}}, "vacancies.sink_spacing = 300 nm is under-resolved"),
    ],
)
def test_studies_that_cannot_have_vacancies(changes, words):
    data = {key: value for key, value in (STUDY | changes).items() if value is not None}
    if "electrolyte" in data:
        data["cell"] = {"pressure": "1 bar"}
    with pytest.raises(StudyError, match=words):
        build(validated(data, "column"))
