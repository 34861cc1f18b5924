"""A run that goes on from a checkpoint ends in the same bits as one that was never stopped."""

import csv
import dataclasses
import json
import pathlib

import equinox as eqx
import jax
import numpy as np
import pytest

from interphase.config.build import build, controls, positions
from interphase.config.load import read_study
from interphase.io.checkpoint import CheckpointError, Checkpoints
from interphase.io.records import write_summary
from interphase.io.trajectory import Trajectory
from interphase.run.simulate import INTERRUPTED, Run, RunError
from interphase.run.summary import summarise
from studies import write_small

# What scripts rely on.
SUMMARY_KEYS = {
    "simulated_time_s", "num_steps", "wall_s", "compile_s", "step_wall_ms", "charge_C_per_m2", "plated_thickness_nm",
    "lithium_budget_relative_error", "charge_closure_relative_error", "coating_volume_relative_change",
    "coating_bodies", "overpotential_V", "hot_spot_factor", "roughness_peak_to_valley_nm", "coating_strain_max",
    "coating_stress_max_MPa", "elastic_energy_J_per_m2", "elastic_energy_over_resilience_max", "void_area_fraction",
    "contact_fraction", "damage_area_fraction", "dead_lithium_nm", "coulombic_efficiency", "status", "versions",
    "device", "git",
}  # fmt: skip


class Killed(BaseException):
    """Stands for a kill: nothing after it is executed."""


class SmallRun:
    """Runs of the small study; all of them share one compiled step."""

    def __init__(self, home: pathlib.Path):
        study = read_study(write_small(home))
        self.home, self.case, self.controls = home, build(study), controls(study)

    def new(self, name: str, **options) -> Run:
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        changes = options.pop("controls", {})
        axes = positions(self.case.model.grid, self.case.model.scales)
        checkpoints = Checkpoints(folder / "checkpoints")
        return Run(self.case, dataclasses.replace(self.controls, **changes), axes, folder, checkpoints, **options)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return SmallRun(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def whole(small):
    """The run that nothing interrupted."""
    run = small.new("whole")
    return run, run.go()


def rows(folder):
    """The rows of `series.csv` as text, without the wall-clock column."""
    with (folder / "series.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    return [{key: text for key, text in row.items() if key != "step_wall_ms"} for row in table]


def assert_same_bits(state, other):
    leaves, others = jax.tree.leaves_with_path(state), jax.tree.leaves_with_path(other)
    assert [path for path, _ in leaves] == [path for path, _ in others]
    for (path, a), (_, b) in zip(leaves, others, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), jax.tree_util.keystr(path)


def assert_same_run(folder, other):
    """Series and fields agree in every bit."""
    assert rows(folder) == rows(other)
    mine, theirs = Trajectory(folder / "fields.zarr"), Trajectory(other / "fields.zarr")
    assert mine.time.tobytes() == theirs.time.tobytes()
    assert sorted(mine.names) == sorted(theirs.names)
    for name in mine.names:
        for frame in range(len(mine)):
            assert mine.field(name, frame).tobytes() == theirs.field(name, frame).tobytes(), (name, frame)


@pytest.mark.parametrize("killed_after", [6, 13])
def test_a_killed_run_goes_on_to_the_same_bits(small, whole, killed_after):
    """Rows and frames that were written after the last checkpoint are taken back and written again."""
    whole_run, outcome = whole
    name = f"killed_{killed_after}"

    def kill(progress):
        if progress.step == killed_after:
            raise Killed

    with pytest.raises(Killed):
        small.new(name, tell=kill).go()
    run = small.new(name)
    run.resume()
    assert int(run.state.step) == 5 * (killed_after // 5)
    resumed = run.go()
    assert resumed.status == outcome.status == "finished"
    assert resumed.num_steps == outcome.num_steps
    assert_same_bits(resumed.state, outcome.state)
    assert_same_run(run.folder, whole_run.folder)
    assert resumed.worst.charge_closure == outcome.worst.charge_closure


def test_a_run_that_was_asked_to_stop_goes_on_to_the_same_bits(small, whole):
    whole_run, outcome = whole
    asked = []
    run = small.new("stopped", tell=asked.append, asked_to_stop=lambda: len(asked) == 8)
    first = run.go()
    assert first.status == INTERRUPTED
    assert first.num_steps == 8
    run = small.new("stopped")
    run.resume()
    second = run.go()
    assert_same_bits(second.state, outcome.state)
    assert_same_run(run.folder, whole_run.folder)
    assert second.wall_s > first.wall_s
    assert second.compile_s > first.compile_s


def test_two_runs_of_one_study_agree_in_every_bit(small, whole):
    whole_run, outcome = whole
    run = small.new("again")
    assert_same_bits(run.go().state, outcome.state)
    assert_same_run(run.folder, whole_run.folder)


def test_resuming_a_finished_run_changes_nothing(small, whole):
    whole_run, outcome = whole
    run = small.new("whole")
    run.resume()
    again = run.go()
    assert_same_bits(again.state, outcome.state)
    assert (again.status, again.step_wall_ms, again.last) == ("finished", outcome.step_wall_ms, outcome.last)


def test_a_run_whose_protocol_has_changed_does_not_go_on(small, whole):
    run = small.new("whole")
    longer = 2 * run.case.protocol.duration
    run.case = eqx.tree_at(lambda case: case.protocol.duration, run.case, longer)
    with pytest.raises(CheckpointError, match="the steps of the protocol have changed"):
        run.resume()


def test_a_run_whose_rows_are_damaged_says_so(small, whole):
    whole_run, _ = whole
    rows = whole_run.folder / "series.csv"
    text = rows.read_text()
    try:
        for damaged in (text.replace("time_s", "zeit", 1), text.replace(",1,1,", ",eins,1,")):
            rows.write_text(damaged)
            with pytest.raises(CheckpointError, match=r"series.csv: cannot be read .*; put it back"):
                small.new("whole").resume()
    finally:
        rows.write_text(text)


def test_a_run_killed_before_its_first_checkpoint_says_to_start_again(small):
    with pytest.raises(CheckpointError, match="start it again with interphase run"):
        small.new("nothing").resume()


def test_fields_killed_while_they_were_made_are_made_again(small, whole):
    """A folder of fields without a record of its frames has none."""
    run = small.new("half", controls={"checkpoint_steps": 1}, asked_to_stop=lambda: int(run.state.step) == 1)
    run.go()
    (run.folder / "fields.zarr" / "time").mkdir(parents=True)
    run = small.new("half")
    run.resume()
    run.go()
    assert_same_run(run.folder, whole[0].folder)


def test_a_step_that_is_never_accepted_ends_the_run_with_advice(small):
    """The good state before it is saved, and the outcome until then is in the error."""
    run = small.new("stuck", controls={"stress_change": 1.0, "smallest_step": 0.01})
    with pytest.raises(RunError, match="the last good state is saved; lower numerics.smallest_step") as caught:
        run.go()
    assert caught.value.outcome.status.startswith("stopped: too much moves")
    assert run.checkpoints is not None
    assert run.checkpoints.latest() == 0


def test_a_solver_that_fails_ends_the_run_with_advice(small):
    run = small.new("unsolved", controls={"tolerance": 1e-30, "smallest_step": 0.01})
    with pytest.raises(RunError, match="does not converge .* raise numerics.tolerance, lower numerics.smallest_step"):
        run.go()


def test_a_summary_has_the_numbers_that_scripts_rely_on(small, whole):
    """Physics that is off is null, never zero."""
    run, outcome = whole
    summary = summarise(outcome, "a title", {"versions": {}, "device": "cpu", "git": None})
    write_summary(run.folder / "summary.json", summary)
    stored = json.loads((run.folder / "summary.json").read_text())
    assert set(stored) >= SUMMARY_KEYS
    # The lithium of this study does not part from what is on it, its coating does not break, and it is not cycled.
    off = {"void_area_fraction", "contact_fraction", "damage_area_fraction", "coulombic_efficiency"}
    assert {key: stored[key] for key in off} == dict.fromkeys(off)
    for key in SUMMARY_KEYS - off - {"git", "elastic_energy_over_resilience_max"}:
        assert stored[key] is not None, key
    assert stored["simulated_time_s"] == 4.0
    assert stored["plated_thickness_nm"] == pytest.approx(4 * 10 * 1.3e-5 / 96485.33 * 1e9, rel=2e-3)
    assert stored["coating_bodies"] == 1
    assert float(rows(run.folder)[-1]["charge_C_per_m2"]) == stored["charge_C_per_m2"]
