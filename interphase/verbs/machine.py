"""The machine a verb computes on: chosen before JAX's first array, named in what is written."""

import importlib.metadata
import os
import pathlib
import platform
import shutil
import subprocess
import time
from typing import Any

import jax

from interphase.config.load import StudyError

WORTH_SHARING = 40_000
"""Cells from which a step is faster on several threads. On two cores 128² takes 32 ms on one thread and 40 to 60 ms on
two, 256² 245 and 180 ms, 64³ 1.9 and 1.3 s: the many short loops of a small grid wait for one another."""


def choose_device(device: str | None, precision: str, num_cells: int | None = None, starts: int = 1) -> None:
    """Sets JAX up before its first array. Starts of a design share the cores, each a device of its own.

    **Arguments:**

    - `num_cells`: of the grid, if there is only one. Whoever sets `NPROC` chooses the number of threads himself.

    Raises `StudyError` when there is no such device.
    """
    if num_cells is not None and num_cells < WORTH_SHARING:
        os.environ.setdefault("NPROC", "1")  # read by XLA when it makes its thread pool
    # Read as SciPy's BLAS is loaded, which XLA inverts its small matrices with: a second thread of it would spin from
    # one step to the next and take a core from everybody else.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if starts > 1 and device != "gpu":
        jax.config.update("jax_num_cpu_devices", min(starts, len(os.sched_getaffinity(0))))
    jax.config.update("jax_enable_x64", precision == "float64")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "interphase"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    if device is not None:
        try:
            jax.config.update("jax_default_device", jax.devices(device)[0])
        except RuntimeError:
            raise StudyError(
                f"--device {device}: there is none here; leave it out, or install interphase[cuda]"
            ) from None


def device_name() -> str:
    """What it computes on, for people."""
    chosen = jax.config.jax_default_device or jax.devices()[0]
    if chosen.platform == "cpu":
        return f"cpu ({os.cpu_count()} cores, {platform.machine()})"
    return f"{chosen.platform} ({chosen.device_kind})"


def memory_of(devices: list[Any]) -> int:
    """Memory of each of `devices` [bytes]; those that are CPUs share the machine's."""
    if devices[0].platform == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // len(devices)
    return int(devices[0].memory_stats()["bytes_limit"])


def made_with() -> dict[str, Any]:
    """With what a run was made."""
    names = ("interphase", "jax", "jaxlib", "equinox", "numpy")
    found = None
    if shutil.which("git"):
        command, here = ["git", "describe", "--always", "--dirty"], pathlib.Path(__file__).parent
        found = subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)
    return {
        "versions": {"python": platform.python_version(), **{n: importlib.metadata.version(n) for n in names}},
        "device": device_name(),
        "git": found.stdout.strip() or None if found else None,
        "date": time.strftime("%Y-%m-%d %H:%M:%S%z"),
    }
