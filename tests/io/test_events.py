"""Event files for TensorBoard: what is written can be read, and a resumed run strikes out what it repeats."""

import struct

from tensorboardX.proto import event_pb2

from interphase.io.events import Events


def read(folder):
    """(step, name, value) of every scalar, and the steps from which on things were struck out."""
    scalars, struck = [], []
    for file in sorted(folder.glob("events.out.tfevents.*")):
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length  # a record lies between its length and two checksums
            scalars += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
            if event.HasField("session_log"):
                struck.append(event.step)
    return scalars, struck


def test_every_start_is_a_run_and_what_is_missing_is_left_out(tmp_path):
    events = Events(tmp_path)
    events.append("start 0", 1, {"objective": 2.5, "limit": None})
    events.append("start 1", 1, {"objective": 3.5})
    events.close()
    assert read(tmp_path / "start 0")[0] == [(1, "objective", 2.5)]
    assert read(tmp_path / "start 1")[0] == [(1, "objective", 3.5)]


def test_a_resumed_run_strikes_out_what_it_repeats(tmp_path):
    events = Events(tmp_path, after=5)
    events.append("start 0", 6, {"objective": 1.0})
    events.close()
    scalars, struck = read(tmp_path / "start 0")
    assert scalars == [(6, "objective", 1.0)]
    assert struck == [6]
