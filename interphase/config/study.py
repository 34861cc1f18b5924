"""The short way from a study file to what runs it, for scripts and notebooks."""

import pathlib

from interphase.config.build import build, controls
from interphase.config.load import read_study
from interphase.run.case import Case
from interphase.run.controls import Controls


def load(path: str | pathlib.Path, *overrides: str) -> tuple[Case, Controls]:
    """A study as objects.

    **Arguments:**

    - `path`: a TOML file, or a folder with a `study.toml`.
    - `overrides`: texts `key.path=value`, such as `coating.layers[0].modulus=10 GPa`.

    Raises `StudyError` with one sentence for the user.
    """
    study = read_study(path, overrides)
    return build(study), controls(study)
