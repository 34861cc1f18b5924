"""Rows and summaries: full precision, nothing half, nothing that is not a number."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from interphase.io.records import SERIES_COLUMNS, Series, append_log, read_series, write_summary


def test_rows_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "series.csv"
    series = Series(path)
    series.append({"time_s": 0.1 + 0.2, "step": 3, "residual": np.float64(1e-300), "dt_s": jnp.float32(0.1)})
    series.append({"time_s": 1.0, "overpotential_V": None, "coating_bodies": np.int32(2)})
    read = read_series(path)
    assert tuple(read) == SERIES_COLUMNS
    assert read["time_s"].tolist() == [0.1 + 0.2, 1.0]
    assert read["residual"][0] == 1e-300
    assert read["dt_s"][0] == float(np.float32(0.1))
    assert np.isnan(read["overpotential_V"]).all()
    assert path.read_text().splitlines()[2].startswith("1.0,,")


def test_the_header_is_written_once(tmp_path):
    path = tmp_path / "series.csv"
    Series(path).append({"time_s": 0.0})
    Series(path).append({"time_s": 1.0})
    assert path.read_text().count("time_s") == 1
    assert len(read_series(path)["time_s"]) == 2
    with pytest.raises(ValueError, match="the columns are"):
        Series(path, ("iteration", "cost"))


def test_truncating_drops_later_and_cut_off_rows(tmp_path):
    path = tmp_path / "series.csv"
    series = Series(path)
    for time in (0.0, 0.5, 1.0, 1.5):
        series.append({"time_s": time, "step": 1})
    with path.open("a") as file:
        file.write("0.7,3")
    assert len(read_series(path)["time_s"]) == 4
    series.truncate_after(1.0)
    series.append({"time_s": 1.2})
    assert read_series(path)["time_s"].tolist() == [0.0, 0.5, 1.0, 1.2]


@pytest.mark.parametrize("value", [np.nan, np.inf, jnp.nan])
def test_what_is_not_finite_is_refused(tmp_path, value):
    series = Series(tmp_path / "series.csv")
    with pytest.raises(ValueError, match="residual"):
        series.append({"time_s": 0.0, "residual": value})
    assert len(read_series(tmp_path / "series.csv")["time_s"]) == 0
    with pytest.raises(ValueError, match="wall_s"):
        write_summary(tmp_path / "summary.json", {"wall_s": value})
    assert not (tmp_path / "summary.json").exists()


def test_unknown_columns_and_texts_are_refused(tmp_path):
    series = Series(tmp_path / "series.csv")
    with pytest.raises(ValueError, match="potential_mV"):
        series.append({"time_s": 0.0, "potential_mV": 1.0})
    with pytest.raises(TypeError, match="status"):
        Series(tmp_path / "other.csv", ("status",)).append({"status": "finished"})


def test_summary_keeps_precision_and_null(tmp_path):
    path = tmp_path / "summary.json"
    write_summary(path, {"wall_s": 1.0})
    summary = {"overpotential_V": 1 / 3, "void_area_fraction": None, "status": "finished", "versions": {"jax": "0.12"}}
    write_summary(path, summary | {"num_steps": jnp.int32(4), "hot_spot_factor": np.float64(0.1)})
    assert json.loads(path.read_text()) == summary | {"num_steps": 4, "hot_spot_factor": 0.1}
    assert [p.name for p in tmp_path.iterdir()] == ["summary.json"]
    with pytest.raises(TypeError, match="grid"):
        write_summary(path, {"grid": object()})


def test_the_log_is_one_event_a_line(tmp_path):
    path = tmp_path / "log.jsonl"
    append_log(path, {"event": "start", "device": "cpu"})
    append_log(path, {"event": "step rejected", "dt_s": np.float32(0.5), "note": "μ\nx"})
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert events == [
        {"event": "start", "device": "cpu"},
        {"event": "step rejected", "dt_s": 0.5, "note": "μ\nx"},
    ]
