"""The command line under kill and interruption: what is on disk afterwards goes on to the same bits."""

import json
import pathlib
import signal
import time

import numpy as np
import pytest

from interphase.config.build import build
from interphase.config.load import read_study
from interphase.io.checkpoint import Checkpoints
from interphase.io.records import read_series
from interphase.io.trajectory import Trajectory
from studies import SMALL, interphase, start

pytestmark = pytest.mark.slow  # one compilation and half a dozen runs in processes of their own


class Project:
    """A project with one study, its runs beside it and its checkpoints in a folder of the project."""

    def __init__(self, home: pathlib.Path):
        self.study, self.cache = home / "experiments" / "one", home / "cache"
        self.study.mkdir(parents=True)
        (home / "checkpoints").mkdir()
        text = SMALL.replace('duration = "4 s"', 'duration = "12 s"')
        (self.study / "study.toml").write_text(text.replace("checkpoint_steps = 5", "checkpoint_steps = 2"))
        self.checkpoints = home / "checkpoints" / "one"

    def run(self, *arguments):
        return interphase(*arguments, cache=self.cache)

    def stopped(self, folder: pathlib.Path, number: int, step: int) -> tuple[int, str]:
        """Runs until a checkpoint of at least `step` is there, and sends a signal; exit code and standard error."""
        saved = self.checkpoints / folder.name
        with start("run", self.study, "--out", folder, cache=self.cache) as process:
            while process.poll() is None:
                done = [int(path.name) for path in saved.glob("[0-9]*") if path.name.isdigit()]
                if done and max(done) >= step:
                    break
                time.sleep(0.005)
            process.send_signal(number)
            _, errors = process.communicate(timeout=600)
        return process.returncode, errors

    def state(self, folder: pathlib.Path):
        """The last exact state and what the host saved with it."""
        like = build(read_study(folder / "study.toml")).start()
        checkpoints = Checkpoints(folder / json.loads((folder / "run.json").read_text())["checkpoints"])
        latest = checkpoints.latest()
        assert latest is not None
        return checkpoints.restore(latest, like)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def whole(project):
    """The run that nothing interrupted, where runs go by themselves."""
    code, output, errors = project.run("run", project.study)
    assert code == 0, errors
    assert errors.startswith("device: cpu")
    folder = project.study / "output" / "default"
    assert f"report: {folder / 'report.html'}" in output
    return folder


def assert_same_results(project, folder, other):
    """Exact state, series and fields agree in every bit; wall-clock times apart."""
    import jax

    (state, extra), (other_state, other_extra) = project.state(folder), project.state(other)
    for (path, a), (_, b) in zip(jax.tree.leaves_with_path(state), jax.tree.leaves_with_path(other_state), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), jax.tree_util.keystr(path)
    assert (extra["time_s"], extra["proposed_s"]) == (other_extra["time_s"], other_extra["proposed_s"])
    series, other_series = read_series(folder / "series.csv"), read_series(other / "series.csv")
    assert list(series) == list(other_series)
    for column in set(series) - {"step_wall_ms"}:
        assert series[column].tobytes() == other_series[column].tobytes(), column
    fields, other_fields = Trajectory(folder / "fields.zarr"), Trajectory(other / "fields.zarr")
    assert fields.time.tobytes() == other_fields.time.tobytes()
    for name in other_fields.names:
        for frame in range(len(other_fields)):
            assert fields.field(name, frame).tobytes() == other_fields.field(name, frame).tobytes(), (name, frame)
    summary, other_summary = (json.loads((f / "summary.json").read_text()) for f in (folder, other))
    differing = {key for key in other_summary if summary[key] != other_summary[key]}
    assert differing <= {"wall_s", "compile_s", "step_wall_ms", "date", "git"}


def test_a_run_leaves_what_scripts_rely_on(project, whole):
    names = {"study.toml", "summary.json", "series.csv", "fields.zarr", "log.jsonl", "figures", "report.html"}
    assert names <= {path.name for path in whole.iterdir()}
    assert list((whole / "figures").glob("*.png"))
    assert (project.checkpoints / "default").is_dir()
    summary = json.loads((whole / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["simulated_time_s"] == 12.0
    assert len(read_series(whole / "series.csv")["time_s"]) == 4
    events = [json.loads(line)["event"] for line in (whole / "log.jsonl").read_text().splitlines()]
    assert (events[0], events[-1]) == ("started", "ended")


@pytest.mark.parametrize("step", [4, 12])
def test_a_killed_run_resumes_to_the_same_bits(project, whole, step):
    folder = whole.parent / f"killed-{step}"
    code, _ = project.stopped(folder, signal.SIGKILL, step)
    assert code == -signal.SIGKILL
    assert not (folder / "summary.json").exists()
    code, _, errors = project.run("resume", folder)
    assert code == 0, errors
    assert "going on from" in errors
    assert_same_results(project, folder, whole)


def test_a_terminated_run_says_how_to_go_on_and_resumes_to_the_same_bits(project, whole):
    folder = whole.parent / "terminated"
    code, errors = project.stopped(folder, signal.SIGTERM, 4)
    assert code == 128 + signal.SIGTERM
    assert f"interphase resume {folder}" in errors
    assert "Traceback" not in errors
    assert json.loads((folder / "summary.json").read_text())["status"] == "stopped: interrupted"
    code, _, errors = project.run("resume", folder)
    assert code == 0, errors
    assert_same_results(project, folder, whole)


def test_two_runs_of_one_study_agree_in_every_bit(project, whole):
    folder = whole.parent / "again"
    assert project.run("run", project.study, "--out", folder)[0] == 0
    assert_same_results(project, folder, whole)


def test_a_run_that_cannot_go_on_keeps_its_state_and_says_what_to_do(project, whole):
    folder = whole.parent / "stuck"
    changes = ["--set", "numerics.stress_change=1 Pa", "--set", "numerics.smallest_step=0.01 s"]
    code, _, errors = project.run("run", project.study, "--out", folder, *changes)
    assert code == 3
    assert "Traceback" not in errors
    assert "the last good state is saved; lower numerics.smallest_step" in errors.splitlines()[-1]
    assert json.loads((folder / "summary.json").read_text())["status"].startswith("stopped: too much moves")
    assert Checkpoints(project.checkpoints / "stuck").latest() == 0
