"""A coating that breaks over a deposit: through, at one place, and a native film on the lithium below."""

import numpy as np
import pytest

from interphase import load, simulate

STUDY = "experiments/032-crack-expose-regrow"


@pytest.mark.slow
def test_a_coating_breaks_through_over_a_deposit_and_a_film_grows_there():
    """The first cycle of study 032 on a quarter of its cells, ℓ twice as long at the same strength."""
    coarser = (
        "grid.cells=[32, 32]", "coating.layers[0].toughness=0.05 J/m^2", "coating.layers[0].thickness=210 nm",
        "coating.fracture.length=64 nm", "protocol.cycles=1", "output.rows=28",
    )  # fmt: skip
    case, controls = load(STUDY, *coarser)
    rows = []
    outcome = simulate(case, controls, tell=lambda progress: rows.append(progress.row))
    assert outcome.status == "finished"
    state, film = outcome.state, case.model.stack.film
    coating = np.asarray(state.coating.fraction)
    damage = np.where(coating > 0.6, np.asarray(state.coating.damage), np.nan)
    assert np.nanmin(damage[16]) > 0.95  # where the coating conducts best
    assert np.nanmax(damage[0]) < 0.05
    surface = np.argmin(np.abs(np.asarray(state.lithium) - 0.5), axis=1)
    thickness = np.asarray(state.film.inner + film.swelling * state.film.outer)[np.arange(32), surface]
    assert thickness[16] > 20 * thickness[0]
    assert outcome.last["lithium_budget_relative_error"] < 1e-6
    hot_spots = [row["hot_spot_factor"] for row in rows if row and row["time_s"] < 28]
    assert max(hot_spots) > 1.3 * hot_spots[0]
