"""Export for ParaView, with pyvista and without."""

import importlib.util
import sys

import numpy as np
import pytest

from interphase.io.fields import FIELDS
from interphase.io.trajectory import Trajectory, TrajectoryWriter
from interphase.io.vtk import export


@pytest.fixture
def trajectory(tmp_path):
    axes = {"x": (np.arange(5) + 0.5) * 2e-9, "z": (np.arange(3) + 0.5) * 1e-9}
    writer = TrajectoryWriter(tmp_path / "fields.zarr", axes, {"potential": FIELDS["potential"]})
    for time in (0.0, 2.5):
        writer.append(time, {"potential": np.arange(15.0).reshape(5, 3)})
    return Trajectory(tmp_path / "fields.zarr")


def test_without_pyvista_the_advice_is_given(trajectory, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(ImportError, match=r"pip install 'interphase\[vtk\]'"):
        export(trajectory, tmp_path / "vtk")
    assert not (tmp_path / "vtk").exists()


@pytest.mark.skipif(importlib.util.find_spec("pyvista") is None, reason="pyvista is optional")
def test_frames_and_times_are_exported(trajectory, tmp_path):
    import pyvista

    index = export(trajectory, tmp_path / "vtk")
    reader = pyvista.get_reader(index)
    assert reader.time_values == [0.0, 2.5]
    image = pyvista.read(tmp_path / "vtk" / "frame_00001.vti")
    assert image.dimensions == (6, 2, 4)
    np.testing.assert_allclose(image.bounds, (0, 10e-9, 0, 1e-9, 0, 3e-9))
    values = image.cell_data["potential [V]"].reshape((5, 1, 3), order="F")
    np.testing.assert_array_equal(values[:, 0], np.arange(15.0).reshape(5, 3))
