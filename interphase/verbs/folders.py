"""Where runs are written and where their checkpoints lie."""

import hashlib
import json
import pathlib
import shutil

from interphase.config.load import StudyError


def run_name(overrides: list[str]) -> str:
    """`default`, or the overrides in a form that file systems like."""
    text = "_".join(overrides)
    name = text.replace("coating.", "").replace("=", "-")
    name = "".join(c if c.isalnum() or c in "-_." else "" for c in name)
    if len(name) > 100:  # two long names must differ where their overrides do
        name = f"{name[:100]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name or "default"


def refuse_other_content(folder: pathlib.Path) -> None:
    """Only an earlier run is replaced; anything else is left alone."""
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"--out {folder}: this is a file; give a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / "run.json").is_file():
        raise StudyError(f"--out {folder}: there is something else in this folder; give an empty one")


def clear(folder: pathlib.Path) -> None:
    """Makes the run folder, empty."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise StudyError(f"{folder}: cannot be written ({error.strerror}); give another folder with --out") from None


def checkpoints_of(folder: pathlib.Path) -> pathlib.Path:
    """Where a run has its checkpoints, as its run.json says."""
    try:
        return (folder / json.loads((folder / "run.json").read_text(encoding="utf-8"))["checkpoints"]).resolve()
    except FileNotFoundError:
        raise StudyError(
            f"{folder}: this is no run folder, it has no run.json; give the folder that a run wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise StudyError(f"{folder / 'run.json'}: cannot be read; start the run again with interphase run") from None


def checkpoint_folder(study: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """checkpoints/STUDY/RUN of the project that the study lies in, or a folder in the run's own."""
    for parent in study.resolve().parents:
        if (parent / "checkpoints").is_dir() and folder.resolve().is_relative_to(parent):
            name = study.parent.name if study.name == "study.toml" else study.stem
            return parent / "checkpoints" / name / folder.name
    return folder.resolve() / "checkpoints"
