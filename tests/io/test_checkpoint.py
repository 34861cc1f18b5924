"""Exact states: the same bits come back, and half of one is none."""

import logging
import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.io.checkpoint import CheckpointError, Checkpoints
from interphase.state import Solution


class Sample(eqx.Module):
    step: jax.Array
    closed: jax.Array
    field: jax.Array
    off: jax.Array | None
    solution: Solution
    bodies: tuple[jax.Array | None, ...]


def sample(seed=0, shape=(8, 8), off=None):
    keys = jax.random.split(jax.random.key(seed), 4)
    field = jax.random.normal(keys[0], shape)
    solution = Solution(jax.random.normal(keys[1], (2, *shape)), jnp.pi * field[0, 0], field, -field, field[1, 1])
    return Sample(jnp.int32(7 + seed), jnp.array(True), field * 1e-30, off, solution, (field[:2], None, keys[2]))


def bits(tree):
    return [
        (np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x).tobytes(), x.dtype)
        for x in jax.tree.leaves(tree)
    ]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def test_every_bit_comes_back(folder):
    state, extra = sample(), {"next_output_s": 0.1 + 0.2, "controller": {"rejected": 3, "reason": None}}
    Checkpoints(folder).save(7, state, extra)
    restored, host = Checkpoints(folder).restore(7, sample(1))
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    assert bits(restored) == bits(state)
    assert host == extra


def test_a_damaged_step_is_named_and_the_one_before_is_there(folder):
    for step in (1, 2):
        Checkpoints(folder).save(step, sample(step), {})
    for file in (folder / "2").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"2: cannot be read .*; take it away") as caught:
        Checkpoints(folder).restore(2, sample())
    assert "\n" not in str(caught.value)
    shutil.rmtree(folder / "2")
    assert Checkpoints(folder).latest() == 1
    assert bits(Checkpoints(folder).restore(1, sample())[0]) == bits(sample(1))


@pytest.mark.parametrize("wide", [False, True])
def test_either_precision_comes_back(folder, wide):
    with jax.enable_x64(wide):
        state = sample()
        assert state.field.dtype == (jnp.float64 if wide else jnp.float32)
        checkpoints = Checkpoints(folder)
        checkpoints.save(1, state, {})
        assert bits(checkpoints.restore(1, sample(1))[0]) == bits(state)


def test_another_precision_is_refused(folder):
    with jax.enable_x64(False):
        Checkpoints(folder).save(1, sample(), {})
    with pytest.raises(CheckpointError, match="field is 8×8 float32 there, 8×8 float64 in the study"):
        Checkpoints(folder).restore(1, sample())


def test_the_layout_over_devices_is_that_of_the_study(folder):
    Checkpoints(folder).save(1, sample(), {})
    device = jax.devices()[-1]
    restored, _ = Checkpoints(folder).restore(1, jax.device_put(sample(1), device))
    assert all(x.devices() == {device} for x in jax.tree.leaves(restored))


def test_only_the_last_few_are_kept(folder):
    checkpoints = Checkpoints(folder, keep=2)
    for step in (1, 5, 9, 12):
        checkpoints.save(step, sample(step), {"step": step})
    assert checkpoints.latest() == 12
    assert sorted(int(p.name) for p in folder.iterdir() if p.is_dir()) == [9, 12]
    with pytest.raises(CheckpointError, match="no checkpoint of step 1; there are steps 9, 12"):
        checkpoints.restore(1, sample())


def test_a_step_may_be_written_again(folder):
    checkpoints = Checkpoints(folder)
    checkpoints.save(4, sample(1), {"pass": 1})
    checkpoints.save(4, sample(2), {"pass": 2})
    restored, extra = checkpoints.restore(4, sample())
    assert bits(restored) == bits(sample(2))
    assert extra == {"pass": 2}


def test_a_half_written_checkpoint_is_ignored(folder):
    checkpoints = Checkpoints(folder)
    checkpoints.save(4, sample(1), {})
    checkpoints.close()
    shutil.copytree(folder / "4", folder / "8.orbax-checkpoint-tmp")
    shutil.rmtree(folder / "8.orbax-checkpoint-tmp" / "state")
    again = Checkpoints(folder)
    assert again.latest() == 4
    assert bits(again.restore(4, sample())[0]) == bits(sample(1))
    again.save(8, sample(2), {})
    assert again.latest() == 8


def test_nothing_there_is_said(folder):
    checkpoints = Checkpoints(folder)
    assert checkpoints.latest() is None
    with pytest.raises(CheckpointError, match="there are none"):
        checkpoints.restore(3, sample())
    assert not folder.exists()


def test_another_study_is_named_leaf_by_leaf(folder):
    Checkpoints(folder).save(1, sample(), {})
    with pytest.raises(CheckpointError, match="field is 8×8 float64 there, 16×16 float64 in the study"):
        Checkpoints(folder).restore(1, sample(shape=(16, 16)))
    with pytest.raises(CheckpointError, match="off is in the study but not there"):
        Checkpoints(folder).restore(1, sample(off=jnp.zeros(3)))


def test_saving_says_nothing(folder, capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        checkpoints = Checkpoints(folder)
        checkpoints.save(1, sample(), {})
        checkpoints.restore(1, sample())
        checkpoints.close()
    assert capfd.readouterr() == ("", "")
    assert not [r for r in caplog.records if r.levelno >= logging.INFO]
    assert not logging.getLogger("absl").disabled
