"""Fields over time: what is written is read, and a frame is there whole or not at all."""

import json

import numpy as np
import pytest
import zarr

from interphase.io.fields import FIELDS
from interphase.io.trajectory import Trajectory, TrajectoryError, TrajectoryWriter

AXES = {"x": (np.arange(6) + 0.5) * 2e-9, "z": (np.arange(4) + 0.5) * 1e-9}
NAMES = ("lithium_fraction", "potential", "plating_current")


def frame(seed):
    values = np.random.default_rng(seed).normal(size=(len(NAMES), 6, 4)).astype(np.float32)
    return dict(zip(NAMES, values, strict=True))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "fields.zarr"
    writer = TrajectoryWriter(path, AXES, {name: FIELDS[name] for name in NAMES})
    for i in range(3):
        writer.append(0.1 * i, frame(i))
    return path


def test_reading_gives_what_was_written(path):
    trajectory = Trajectory(path)
    assert len(trajectory) == 3
    assert set(trajectory.names) == set(NAMES)
    assert list(trajectory.axes) == ["x", "z"]
    np.testing.assert_array_equal(trajectory.time, [0.0, 0.1, 0.2])
    np.testing.assert_array_equal(trajectory.axes["x"], AXES["x"])
    np.testing.assert_array_equal(trajectory.field("potential", 1), frame(1)["potential"])
    np.testing.assert_array_equal(trajectory.field("potential", -1), frame(2)["potential"])
    assert trajectory.units("plating_current") == "A/m^2"
    assert trajectory.long_name("potential") == "electrolyte potential"
    assert "potential" in trajectory and "velocity_x" not in trajectory


def test_a_damaged_frame_is_named(path):
    chunk = next(file for file in (path / "potential").rglob("*") if file.name.endswith("1.0.0"))
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(TrajectoryError, match="frame 1 of potential is damaged"):
        Trajectory(path).field("potential", 1)
    np.testing.assert_array_equal(Trajectory(path).field("potential", 2), frame(2)["potential"])


def test_three_dimensional_fields_name_their_axes_for_xarray(tmp_path):
    axes = {name: np.arange(3) * 1e-9 for name in ("x", "y", "z")}
    writer = TrajectoryWriter(tmp_path / "f", axes, {"potential": FIELDS["potential"]})
    writer.append(0.0, {"potential": np.zeros((3, 3, 3))})
    group = zarr.open_group(tmp_path / "f", mode="r")
    assert group["potential"].metadata.dimension_names == ("time", "x", "y", "z")
    assert group["potential"].chunks == (1, 3, 3, 3)
    assert group["potential"].dtype == np.float32
    assert group["time"].metadata.dimension_names == ("time",)
    assert group["z"].metadata.dimension_names == ("z",)
    assert group["x"].attrs["units"] == "m"


def test_a_frame_that_was_being_written_does_not_exist(path):
    """Everything of a fourth frame is on disk except the record: readers see three, the next writer overwrites it."""
    record = (path / "zarr.json").read_bytes()
    TrajectoryWriter.resume(path, 9.0).append(0.3, frame(3))
    (path / "zarr.json").write_bytes(record)
    assert len(Trajectory(path)) == 3
    assert zarr.open_group(path, mode="r")["potential"].shape[0] == 3
    writer = TrajectoryWriter.resume(path, 9.0)
    assert writer.num_frames == 3
    writer.append(0.4, frame(4))
    trajectory = Trajectory(path)
    np.testing.assert_array_equal(trajectory.time, [0.0, 0.1, 0.2, 0.4])
    np.testing.assert_array_equal(trajectory.field("potential", 3), frame(4)["potential"])


def test_a_death_between_two_fields_leaves_the_earlier_frames(path, monkeypatch):
    writer = TrajectoryWriter.resume(path, 9.0)
    monkeypatch.setitem(writer._arrays, "plating_current", None)
    with pytest.raises(AttributeError):
        writer.append(0.3, frame(3))
    trajectory = Trajectory(path)
    assert len(trajectory) == 3
    np.testing.assert_array_equal(trajectory.field("plating_current", -1), frame(2)["plating_current"])
    writer = TrajectoryWriter.resume(path, 9.0)
    writer.append(0.3, frame(3))
    assert len(Trajectory(path)) == 4


def test_resuming_drops_later_frames(path):
    writer = TrajectoryWriter.resume(path, 0.1)
    assert writer.num_frames == 2
    assert len(list((path / "potential").glob("c.*"))) == 2
    writer.append(0.15, frame(7))
    trajectory = Trajectory(path)
    np.testing.assert_array_equal(trajectory.time, [0.0, 0.1, 0.15])
    np.testing.assert_array_equal(trajectory.field("potential", 1), frame(1)["potential"])
    np.testing.assert_array_equal(trajectory.field("potential", 2), frame(7)["potential"])


def test_a_death_while_dropping_frames_leaves_no_holes(path):
    """The record shrinks before the first chunk goes: with no chunk gone yet, the dropped frames are gone."""
    writer = object.__new__(TrajectoryWriter)
    writer._path, writer._fields = path, NAMES
    writer._commit(1)
    assert len(Trajectory(path)) == 1
    resumed = TrajectoryWriter.resume(path, 9.0)
    resumed.append(5.0, frame(5))
    assert len(Trajectory(path)) == 2


def test_the_record_is_replaced_in_one_rename(path):
    (path / "zarr.json.new").write_text("{ cut off")
    assert len(Trajectory(path)) == 3
    TrajectoryWriter.resume(path, 9.0).append(0.3, frame(3))
    assert len(Trajectory(path)) == 4
    assert not (path / "zarr.json.new").exists()
    json.loads((path / "zarr.json").read_text())


@pytest.mark.parametrize(
    ("time", "change", "message"),
    [
        (0.2, {}, "cannot follow"),
        (1.0, {"velocity_x": np.zeros((6, 4))}, "velocity_x"),
        (1.0, {"potential": np.zeros((4, 6))}, "shape"),
    ],
)
def test_odd_frames_are_refused(path, time, change, message):
    writer = TrajectoryWriter.resume(path, 9.0)
    with pytest.raises(ValueError, match=message):
        writer.append(time, frame(0) | change)
    assert len(Trajectory(path)) == 3


def test_what_is_not_there_is_said(path, tmp_path):
    with pytest.raises(TrajectoryError, match="no trajectory"):
        Trajectory(tmp_path / "nothing")
    with pytest.raises(TrajectoryError, match="no trajectory"):
        TrajectoryWriter.resume(tmp_path / "nothing", 0.0)
    with pytest.raises(KeyError, match="velocity_x"):
        Trajectory(path).field("velocity_x", 0)
    with pytest.raises(IndexError):
        Trajectory(path).field("potential", 3)


def test_a_new_trajectory_replaces_the_old(path):
    TrajectoryWriter(path, AXES, {"potential": FIELDS["potential"]})
    trajectory = Trajectory(path)
    assert len(trajectory) == 0
    assert trajectory.names == ["potential"]
