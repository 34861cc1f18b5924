"""A study that runs in seconds once its time step is compiled, and the command line as a user meets it."""

import os
import pathlib
import subprocess
import sys

SMALL = """\
title = "A small cell"

[grid]
cells = [16, 20]
size = ["1.024 um", "1.28 um"]

[surface]
level = "400 nm"

[[surface.bumps]]
height = "100 nm"
radius = "200 nm"

[[coating.layers]]
material = "lipon"
thickness = "400 nm"

[electrolyte]
material = "lipf6-ec-dmc"

[[protocol.steps]]
current = "1 mA/cm^2"
duration = "4 s"

[output]
rows = 4
frames = 4
checkpoint_steps = 5
"""


def write_small(folder: pathlib.Path) -> pathlib.Path:
    """The small study as a file."""
    file = folder / "small.toml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def start(*arguments, cache: pathlib.Path, **options) -> subprocess.Popen:
    """Starts `interphase …` in a process of its own; its compiled programs are kept under `cache`."""
    environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    environment["XDG_CACHE_HOME"] = str(cache)
    return subprocess.Popen(
        [sys.executable, "-m", "interphase", *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def interphase(*arguments, cache: pathlib.Path, **options) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `interphase …`."""
    with start(*arguments, cache=cache, **options) as process:
        output, errors = process.communicate(timeout=600)
    return process.returncode, output, errors
