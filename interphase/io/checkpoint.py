"""Exact states on disk, from which a run goes on bit for bit.

Orbax writes a step into a temporary folder and renames it when it is complete, so a step that was being written when
the process died does not exist. Beside the arrays a step holds what the host needs to go on, as JSON.
"""

import contextlib
import logging
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import orbax.checkpoint as ocp
from jaxtyping import PyTree


class CheckpointError(Exception):
    """There is no such checkpoint, or it holds another structure than the study has."""


class Checkpoints:
    """The last few exact states of one run.

    **Arguments:**

    - `directory`: made by the first `save`.
    - `keep`: how many steps stay on disk.
    """

    def __init__(self, directory: str | os.PathLike[str], keep: int = 3):
        self._directory = pathlib.Path(directory).resolve()
        self._keep = keep
        self._manager: ocp.CheckpointManager | None = None

    def save(self, step: int, state: PyTree, extra: dict[str, Any]) -> None:
        """Writes one step and returns when it is complete; a step of that number is replaced.

        **Arguments:**

        - `state`: a pytree of jax arrays; `None` leaves are kept.
        - `extra`: what JSON can say.
        """
        with _silence():
            manager = self._opened()
            if step in manager.all_steps():
                manager.delete(step)
            manager.save(
                step,
                args=ocp.args.Composite(state=ocp.args.StandardSave(state), extra=ocp.args.JsonSave(extra)),
                force=True,
            )
            manager.wait_until_finished()

    def latest(self) -> int | None:
        """The last complete step, or `None` when there is none."""
        if not self._directory.is_dir():
            return None
        with _silence():
            return self._opened().latest_step()

    def restore(self, step: int, like: PyTree) -> tuple[PyTree, dict[str, Any]]:
        """The state and the host's part of a step.

        **Arguments:**

        - `like`: a state of the study that is to go on; gives structure, shapes, types and sharding.

        Raises `CheckpointError` when the step is missing or was written by another study.
        """
        with _silence():
            if not self._directory.is_dir() or step not in self._opened().all_steps():
                raise CheckpointError(f"{self._directory}: no checkpoint of step {step}; {self._what_there_is()}")
            manager = self._opened()
            with self._told(step):
                differences = _differences(manager.item_metadata(step)["state"], like)
            if differences:
                raise CheckpointError(
                    f"{self._directory / str(step)}: written by another study than the one that is to go on:\n  "
                    + "\n  ".join(differences)
                )
            wanted = ocp.args.StandardRestore(jax.tree.map(_abstract, like))
            with self._told(step):
                restored = manager.restore(step, args=ocp.args.Composite(state=wanted, extra=ocp.args.JsonRestore()))
        return restored["state"], restored["extra"]

    @contextlib.contextmanager
    def _told(self, step: int) -> Iterator[None]:
        """Says of a damaged step which it is; Orbax lets all kinds of inner errors through."""
        try:
            yield
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise CheckpointError(
                f"{self._directory / str(step)}: cannot be read ({reason}); take it away to go on from the step before"
            ) from error

    def close(self) -> None:
        """Ends the threads behind the folder; the object may be used again."""
        if self._manager is not None:
            with _silence():
                self._manager.close()
            self._manager = None

    def _opened(self) -> ocp.CheckpointManager:
        if self._manager is None:
            self._manager = ocp.CheckpointManager(
                self._directory,
                item_handlers={"state": ocp.StandardCheckpointHandler(), "extra": ocp.JsonCheckpointHandler()},
                options=ocp.CheckpointManagerOptions(
                    max_to_keep=self._keep, create=True, enable_async_checkpointing=False
                ),
            )
        return self._manager

    def _what_there_is(self) -> str:
        steps = [str(s) for s in self._opened().all_steps()] if self._directory.is_dir() else []
        return f"there are steps {', '.join(steps)}" if steps else "there are none at all"


def _abstract(array: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=getattr(array, "sharding", None))


def _signature(tree: PyTree) -> dict[str, str]:
    """Path of every leaf → its shape and type in words; a random key counts as the integers it is stored as."""
    signature = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.eval_shape(jax.random.key_data, leaf)
        size = "×".join(map(str, leaf.shape)) or "a scalar"
        signature[jax.tree_util.keystr(path, simple=True, separator=".")] = f"{size} {leaf.dtype}"
    return signature


def _differences(stored: PyTree, like: PyTree) -> list[str]:
    """What a reader must know about leaves at odds; empty when the structures agree."""
    there, here = _signature(getattr(stored, "tree", stored)), _signature(like)
    lines = [f"{name} is there but not in the study" for name in there if name not in here]
    lines += [f"{name} is in the study but not there" for name in here if name not in there]
    lines += [
        f"{name} is {there[name]} there, {here[name]} in the study"
        for name in there
        if name in here and there[name] != here[name]
    ]
    return lines


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps the library's chatter from the user; its errors still come through as exceptions."""
    logger = logging.getLogger("absl")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
