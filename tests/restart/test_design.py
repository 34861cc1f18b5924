"""A design that is killed goes on to the same history, bit for bit."""

import csv
import json
import signal
import time

import pytest

from studies import interphase, start, write_small

FREE = """
[[design.variables]]
path = "coating.layers[0].modulus"
lower = "1 GPa"
upper = "100 GPa"

[design.search]
starts = 2
evaluations = 6
checkpoint_evaluations = 2
"""


def history(folder) -> list[list[str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.slow  # compiles a gradient of a run: about three minutes, once
def test_a_killed_design_ends_in_the_same_bits(tmp_path):
    file = write_small(tmp_path)
    file.write_text(file.read_text() + FREE)
    cache = tmp_path / "cache"
    common = (file, "--set", "protocol.steps[0].duration=0.4 s")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    code, _, errors = interphase("design", *common, "--out", whole, cache=cache)
    assert code == 0, errors
    assert json.loads((whole / "design.json").read_text())["status"] == "finished"
    assert (whole / "report.html").stat().st_size > 1e5
    with start("design", *common, "--out", cut, cache=cache) as process:
        for _ in range(3000):
            if (cut / "history.csv").exists() and len(history(cut)) > 2 * 3:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert not (cut / "design.json").exists()
    code, _, errors = interphase("design", *common, "--out", cut, "--resume", cache=cache)
    assert code == 0, errors
    assert history(cut) == history(whole)
    code, _, errors = interphase("run", whole / "best.toml", "--out", tmp_path / "best", cache=cache)
    assert code == 0, errors
