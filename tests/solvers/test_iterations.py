"""Iteration counts do not grow with the grid or the contrast: at most 20 for the charge and for the force."""

import pytest

from solvers.iterations import CHARGE_GRIDS, FORCE_GRIDS, POISSON_RATIOS, charge_reports, force_reports

LIMIT = 20
FAST_FIRST = [POISSON_RATIOS[0], pytest.param(POISSON_RATIOS[1], marks=pytest.mark.slow)]


def slow_beyond(limit, grids):
    return [pytest.param(*g, marks=pytest.mark.slow if g[0] ** g[1] > limit else ()) for g in grids]


@pytest.mark.parametrize("cells, dim", slow_beyond(128**2, CHARGE_GRIDS))
def test_charge(cells, dim):
    """Coating conductivity from 1e-7 of the electrolyte's to equal: 1e-8 within 20 iterations."""
    reports = charge_reports(cells, dim)
    assert max(float(r.residual) for r in reports.values()) <= 1e-8
    counts = {case: int(r.iterations) for case, r in reports.items()}
    assert min(counts.values()) >= 1 and max(counts.values()) <= LIMIT, counts


@pytest.mark.parametrize("poisson_ratio", FAST_FIRST)
@pytest.mark.parametrize("cells, dim", slow_beyond(128**2, FORCE_GRIDS))
def test_force_of_growth(cells, dim, poisson_ratio):
    """Stiffness contrast 2e2 to 2e6, lithium growing at its surface: 1e-6 within 20 iterations from zero."""
    check_force(cells, dim, poisson_ratio, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("poisson_ratio", POISSON_RATIOS)
@pytest.mark.parametrize("cells, dim", FORCE_GRIDS)
def test_force_at_random(cells, dim, poisson_ratio):
    """The same under a random load, which pushes the soft matrix as hard as the film."""
    check_force(cells, dim, poisson_ratio, 1.0)


def check_force(cells, dim, poisson_ratio, noise):
    reports = force_reports(cells, dim, poisson_ratio, noise)
    assert max(float(r.residual) for r in reports.values()) <= 1e-6
    counts = {case: int(r.iterations) for case, r in reports.items()}
    assert min(counts.values()) >= 1 and max(counts.values()) <= LIMIT, counts
