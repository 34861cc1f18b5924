"""Where runs are written and where their checkpoints lie."""

import contextlib
import hashlib
import json
import pathlib
import shutil
from collections.abc import Iterator

import filelock

from interphase.config.load import StudyError

LOCK = ".lock"


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
    if folder.exists() and any(p.name != LOCK for p in folder.iterdir()) and not (folder / "run.json").is_file():
        raise StudyError(f"--out {folder}: there is something else in this folder; give an empty one")


@contextlib.contextmanager
def held(folder: pathlib.Path) -> Iterator[None]:
    """Makes the run folder if need be and keeps other runs out of it; the system lets go of it when a process dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK, blocking=False)
        lock.acquire()
    except filelock.Timeout:
        raise StudyError(
            f"{folder}: another run is writing to this folder; wait until it has ended, or give another with --out"
        ) from None
    except OSError as error:
        raise _cannot_be_written(folder, error) from None
    with lock:
        yield


def clear(folder: pathlib.Path) -> None:
    """Empties a run folder that is held."""
    try:
        for path in folder.iterdir():
            if path.name == LOCK:
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise _cannot_be_written(folder, error) from None


def _cannot_be_written(folder: pathlib.Path, error: OSError) -> StudyError:
    return StudyError(f"{folder}: cannot be written ({error.strerror}); give another folder with --out")


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
