"""Fields over time in a zarr v3 group that xarray opens as it is.

One chunk holds one frame of one field. The group's own `zarr.json` carries the consolidated metadata of all arrays and
is the single record of how many frames there are: it is replaced in one atomic rename after every chunk of a frame is
on disk, and before any chunk of a dropped frame is removed. So a frame is complete or absent whenever a process dies.
"""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr

_RECORD = "zarr.json"
_TIMES_PER_CHUNK = 1024


class TrajectoryError(Exception):
    """The folder holds no trajectory, or one of another kind than asked for."""


class TrajectoryWriter:
    """Appends frames; an existing trajectory at `path` is replaced (see `resume` to go on with one).

    **Arguments:**

    - `path`: the folder to make, by custom `fields.zarr`.
    - `axes`: cell centres along every grid axis [m], in the order of the array axes: `x`, `y` in 3-D, `z`.
    - `fields`: name → (unit, long name) of every field a frame will hold.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        axes: Mapping[str, np.ndarray],
        fields: Mapping[str, tuple[str, str]],
    ):
        self._path = pathlib.Path(path)
        group = zarr.open_group(self._path, mode="w", zarr_format=3)
        shape = tuple(len(axis) for axis in axes.values())
        _make_array(group, "time", (0,), (_TIMES_PER_CHUNK,), ("time",), "float64", "s", "simulated time")
        for name, axis in axes.items():
            array = _make_array(
                group, name, (len(axis),), (len(axis),), (name,), "float64", "m", f"cell centres, {name}"
            )
            array[:] = np.asarray(axis, dtype=np.float64)
        for name, (units, long_name) in fields.items():
            _make_array(group, name, (0, *shape), (1, *shape), ("time", *axes), "float32", units, long_name)
        self._fields = tuple(fields)
        self._commit(0)
        self._open()

    @classmethod
    def resume(cls, path: str | os.PathLike[str], last_time_s: float) -> "TrajectoryWriter":
        """Opens an existing trajectory for appending and drops the frames later than `last_time_s` [s].

        Raises `TrajectoryError` when there is none.
        """
        writer = object.__new__(cls)
        writer._path = pathlib.Path(path)
        trajectory = Trajectory(path)
        writer._fields = tuple(trajectory.names)
        num_kept = int(np.count_nonzero(trajectory.time <= last_time_s))
        writer._commit(num_kept)
        writer._open()
        for array in writer._arrays.values():
            array.resize((num_kept, *array.shape[1:]))
        return writer

    def append(self, time_s: float, values: Mapping[str, Any]) -> None:
        """Adds one frame.

        **Arguments:**

        - `time_s`: later than every earlier frame [s].
        - `values`: name → array in the unit of the field, exactly the fields the trajectory was made with.
        """
        if set(values) != set(self._fields):
            odd = ", ".join(sorted(set(values) ^ set(self._fields)))
            raise ValueError(f"a frame must hold the fields of its trajectory, no fewer and no more; at odds: {odd}")
        times = self._arrays["time"]
        earlier = np.asarray(times[: self.num_frames])
        if self.num_frames and not time_s > earlier[-1]:
            raise ValueError(f"a frame at {time_s!r} s cannot follow one at {float(earlier[-1])!r} s")
        frame = self.num_frames
        for name in self._fields:
            array, value = self._arrays[name], np.asarray(values[name], dtype=np.float32)
            if value.shape != array.shape[1:]:
                raise ValueError(f"{name} has shape {value.shape}, its trajectory {array.shape[1:]}")
            array.resize((frame + 1, *array.shape[1:]))
            array[frame] = value
        times.resize((frame + 1,))
        times[frame] = time_s
        self._commit(frame + 1)

    def _open(self) -> None:
        group = zarr.open_group(self._path, mode="r+", use_consolidated=False)
        self._arrays: dict[str, zarr.Array] = {name: _array(group, name) for name in ("time", *self._fields)}

    def _commit(self, num_frames: int) -> None:
        """Makes `num_frames` the number of frames that exist, in one rename."""
        record = json.loads((self._path / _RECORD).read_text())
        members = sorted(p.parent.name for p in self._path.glob(f"*/{_RECORD}"))
        metadata = {name: json.loads((self._path / name / _RECORD).read_text()) for name in members}
        for member in metadata.values():
            if member["dimension_names"][0] == "time":
                member["shape"][0] = num_frames
        record["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": metadata}
        temporary = self._path / f"{_RECORD}.new"
        temporary.write_text(json.dumps(record, indent=2))
        os.replace(temporary, self._path / _RECORD)
        self.num_frames = num_frames


class Trajectory:
    """Reads what a `TrajectoryWriter` wrote, at any moment, also while a run is going on.

    **Arguments:**

    - `path`: the folder. Raises `TrajectoryError` when it holds no trajectory.
    """

    def __init__(self, path: str | os.PathLike[str]):
        try:
            self._group = zarr.open_group(path, mode="r", use_consolidated=True)
            times = _array(self._group, "time")
        except (FileNotFoundError, KeyError, ValueError) as error:
            raise TrajectoryError(f"{os.fspath(path)}: no trajectory here") from error
        self._path = os.fspath(path)
        self.time: np.ndarray = np.asarray(times[:], dtype=np.float64)
        """Times of the frames [s]."""
        self.names: list[str] = [name for name, array in self._group.arrays() if len(array.shape) > 1]
        dimensions = _dimensions(_array(self._group, self.names[0]))[1:] if self.names else ()
        self.axes: dict[str, np.ndarray] = {name: np.asarray(_array(self._group, name)[:]) for name in dimensions}
        """Cell centres by axis name [m], in the order of the array axes."""

    def __len__(self) -> int:
        return len(self.time)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def units(self, name: str) -> str:
        """The unit of a field, such as `A/m^2`."""
        return str(self._field(name).attrs["units"])

    def long_name(self, name: str) -> str:
        """What a field is, in words."""
        return str(self._field(name).attrs["long_name"])

    def field(self, name: str, frame: int) -> np.ndarray:
        """One field at one frame (negative: counted from the last), in its unit, axes as in `axes`."""
        if not -len(self) <= frame < len(self):
            raise IndexError(f"frame {frame} of {len(self)}")
        try:
            return np.asarray(self._field(name)[frame % len(self)])
        except RuntimeError as error:  # of what undoes the compression
            raise TrajectoryError(
                f"{self._path}: frame {frame % len(self)} of {name} is damaged ({error}); start the run again"
            ) from None

    def _field(self, name: str) -> zarr.Array:
        if name not in self.names:
            raise KeyError(f"no field {name!r} in this run; it has {', '.join(self.names)}")
        return _array(self._group, name)


def _array(group: zarr.Group, name: str) -> zarr.Array:
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise KeyError(name)
    return array


def _dimensions(array: zarr.Array) -> tuple[str, ...]:
    return tuple(str(name) for name in getattr(array.metadata, "dimension_names", None) or ())


def _make_array(group, name, shape, chunks, dimensions, dtype, units, long_name) -> zarr.Array:
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        dimension_names=dimensions,
        fill_value=np.nan,
        chunk_key_encoding={"name": "default", "separator": "."},
        attributes={"units": units, "long_name": long_name},
    )
