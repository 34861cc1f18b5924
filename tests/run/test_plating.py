"""A run tells where lithium plates, and warns where that would change the run."""

import json

import numpy as np
import pytest

from interphase.io.records import read_series
from interphase.run.summary import MOST_LEAKED
from studies import interphase, write_small

PLACES = ("bare", "beneath", "inside", "upon")


def test_a_run_tells_where_lithium_plates(tmp_path):
    """A film that conducts electrons a tenth as well as ions is no insulator: it is said, and warned of."""
    options = ["--set", "coating.layers[0].electronic_conductivity=1e-7 S/cm",
               "--set", "protocol.steps[0].duration=0.4 s", "--set", "output.rows=2"]  # fmt: skip
    code, output, errors = interphase("run", write_small(tmp_path), "--out", tmp_path / "run", *options, cache=tmp_path)
    assert code == 0, errors
    series = read_series(tmp_path / "run/series.csv")
    bare, beneath, inside, upon = (series[f"{place}_plating_fraction"] for place in PLACES)
    np.testing.assert_allclose(bare + beneath + inside + upon, 1.0, atol=1e-12)
    # To the outer face go electrons in the ratio of the conductivities, and a little more for the reaction's drop.
    assert np.all((upon > 0.1 * beneath) & (upon < 0.12 * beneath))
    assert np.all(inside > 0)
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["upon_plating_fraction"] == pytest.approx(upon[-1], rel=1e-12)
    assert summary["leaked_plating_fraction_max_over_run"] == pytest.approx(max(inside + upon), rel=1e-12)
    assert max(inside + upon) > MOST_LEAKED
    assert summary["warning"] in output
