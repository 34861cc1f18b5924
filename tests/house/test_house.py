"""The house itself: setting up, import of the core alone, and an import that changes nothing."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run_python(code: str) -> str:
    """Standard output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def bare_machine(tmp_path):
    """A copy of what `make install` reads, and an environment whose path holds no Python."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on this machine")
    for name in ["Makefile", "pyproject.toml", ".ci/constraints.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / "programs"
    programs.mkdir()

    def run(*arguments):
        environment = {"PATH": str(programs), "HOME": str(tmp_path)}
        return subprocess.run([make, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)

    return programs, run


@pytest.mark.parametrize("target", ["install", "run", "test"])
def test_without_python_make_says_what_to_install(bare_machine, target):
    _, run = bare_machine
    done = run("PYTHON=/nonexistent", target)
    assert done.returncode != 0
    assert "needs Python 3.12 or newer" in done.stderr
    assert f"make PYTHON=/path/to/python3.12 {target}" in done.stderr
    assert "Installing" not in done.stdout


def test_a_python_that_does_not_run_is_passed_over(bare_machine):
    """Version managers put commands on the path that only say that their version is not active."""
    programs, run = bare_machine
    for name, body in {
        "python3.12": "exit 127",
        "python3.13": "exit 1",
        "python3": 'echo "chosen $*" >&2; exit 0',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    done = run("install")
    assert "chosen -m venv" in done.stderr
    assert "needs Python" not in done.stderr


def test_constraints_name_every_direct_dependency():
    project = PYPROJECT["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    pinned = {line.split("==")[0].lower() for line in (ROOT / ".ci/constraints.txt").read_text().splitlines()}
    missing = {re.split(r"[\[><=]", line)[0].lower() for line in wanted} - pinned
    assert not missing


def test_core_reaches_no_heavy_library():
    """The contract in pyproject.toml reads the import statements; this watches what importing does."""
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    heavy = next(set(c["forbidden_modules"]) for c in contracts if c["type"] == "forbidden")
    loaded = json.loads(run_python("import interphase.model, json, sys; print(json.dumps(sorted(sys.modules)))"))
    assert not {name.split(".")[0] for name in loaded} & heavy


def test_import_sets_no_flag_and_no_environment_variable():
    changed = run_python(
        """
import importlib, os, pkgutil
import jax

flags, environment = dict(jax.config.values), dict(os.environ)
import interphase

for module in pkgutil.walk_packages(interphase.__path__, "interphase."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print([key for key in jax.config.values if jax.config.values[key] != flags.get(key)])
print([key for key in os.environ.keys() | environment.keys() if os.environ.get(key) != environment.get(key)])
"""
    )
    assert changed.split() == ["[]", "[]"]
