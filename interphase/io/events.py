"""Metrics of a design for TensorBoard, beside `history.csv`; written where `tensorboardX` is installed."""

import importlib.util
import pathlib
from collections.abc import Mapping
from typing import Any


class Events:
    """Scalars under `folder`, one run of TensorBoard for every start; without `tensorboardX` nothing is written.

    **Arguments:**

    - `folder`: where the event files lie.
    - `after`: steps later than this, of a run that was cut off, are struck out.
    """

    def __init__(self, folder: pathlib.Path, after: int = 0):
        self._folder, self._after = folder, after
        self._writers: dict[str, Any] = {}
        self._is_there = importlib.util.find_spec("tensorboardX") is not None

    def append(self, run: str, step: int, values: Mapping[str, Any]) -> None:
        """The numbers of a step; what is `None` is left out."""
        if not self._is_there:
            return
        if run not in self._writers:
            from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]  (an optional extra)

            purged = self._after + 1 if self._after else None
            self._writers[run] = SummaryWriter(str(self._folder / run), purge_step=purged, flush_secs=5)
        for name, value in values.items():
            if value is not None:
                self._writers[run].add_scalar(name, float(value), step)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
