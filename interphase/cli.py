"""The command line: `interphase VERB …`. Exit codes: 0 good, 2 bad input, 3 a run that cannot go on, 130/143 interrupted."""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

import tyro

BAD_INPUT, CANNOT_GO_ON = 2, 3

Overrides = Annotated[list[str], tyro.conf.arg(name="set", metavar="KEY.PATH=VALUE"), tyro.conf.UseAppendAction]
Device = Literal["cpu", "gpu"]
Precision = Literal["float32", "float64"]

app = tyro.extras.SubcommandApp()


def main() -> None:
    """Entry point."""
    from interphase.config.library import LibraryError
    from interphase.config.load import StudyError
    from interphase.io.checkpoint import CheckpointError
    from interphase.report.run_folder import RunFolderError
    from interphase.run.simulate import RunError

    try:
        app.cli(prog="interphase", description="Lithium plating under a coating, simulated.", config=(tyro.conf.FlagConversionOff,))
    except (StudyError, LibraryError, CheckpointError, RunFolderError) as error:
        sys.exit(_failed(BAD_INPUT, error))
    except RunError as error:
        sys.exit(_failed(CANNOT_GO_ON, error))
    except BrokenPipeError:
        os._exit(0)


def _failed(code: int, error: Exception) -> int:
    print(f"interphase: {error}", file=sys.stderr)
    return code


# --- verbs ------------------------------------------------------------------------------------------------------------


@app.command
def run(
    study: tyro.conf.Positional[pathlib.Path],
    /,
    out: pathlib.Path | None = None,
    device: Device | None = None,
    precision: Precision | None = None,
    set_: Overrides = [],  # noqa: B006
) -> None:
    """Runs a study and writes numbers, fields, figures and a report.

    Args:
        study: A folder with a study.toml, or a TOML file.
        out: The run folder to write; output/NAME beside the study if not given.
        device: Where to compute; no silent fall-back.
        precision: Overrides the study's numerics.precision.
        set_: Changes a key of the study, such as coating.layers[0].modulus="10 GPa"; may be repeated.
    """
    from interphase.config.load import find, read_study

    overrides = [*set_, *([f"numerics.precision={precision}"] if precision else [])]
    parsed = read_study(study, overrides)
    _choose_device(device, parsed.numerics.precision)
    from interphase.config.build import build
    from interphase.config.load import written

    case = build(parsed)
    file = find(study)
    folder = out or file.parent / "output" / _run_name(overrides)
    _clear(folder)
    (folder / "study.toml").write_text(written(parsed), encoding="utf-8")
    checkpoints = _checkpoint_folder(file, folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    (folder / "run.json").write_text(json.dumps({"checkpoints": os.path.relpath(checkpoints, folder)}) + "\n")
    _go(case, parsed, folder, checkpoints, resumes=False)


@app.command
def resume(folder: tyro.conf.Positional[pathlib.Path], /, device: Device | None = None) -> None:
    """Goes on with a run that was stopped or killed.

    Args:
        folder: The run folder.
        device: Where to compute; the run's own device if it is to end in the same bits.
    """
    from interphase.config.load import StudyError, read_study

    if not (folder / "run.json").is_file():
        raise StudyError(f"{folder}: this is no run folder, it has no run.json; give the folder that a run wrote")
    parsed = read_study(folder / "study.toml")
    _choose_device(device, parsed.numerics.precision)
    from interphase.config.build import build

    checkpoints = (folder / json.loads((folder / "run.json").read_text())["checkpoints"]).resolve()
    _go(build(parsed), parsed, folder, checkpoints, resumes=True)


@app.command
def report(folder: tyro.conf.Positional[pathlib.Path], /, vtk: bool = False) -> None:
    """Draws a run's figures, animation and report page again.

    Args:
        folder: The run folder.
        vtk: Also write the fields for ParaView under vtk/ (needs the extra `vtk`).
    """
    _report(folder)
    if vtk:
        from interphase.io.trajectory import Trajectory
        from interphase.io.vtk import export

        print(f"fields for ParaView: {export(Trajectory(folder / 'fields.zarr'), folder / 'vtk')}")


@app.command
def check(study: tyro.conf.Positional[pathlib.Path], /, set_: Overrides = []) -> None:  # noqa: B006
    """Reads a study, checks units, resolution and memory, prints it as resolved, and runs nothing.

    Args:
        study: A folder with a study.toml, or a TOML file.
        set_: Changes a key of the study; may be repeated.
    """
    from interphase.config import checks
    from interphase.config.load import read_study, written

    parsed = read_study(study, set_)
    checks.check(parsed)
    print(written(parsed), end="")
    cells = 1
    for n in parsed.grid.cells:
        cells *= n
    thickness = sum(layer.thickness for layer in parsed.coating.layers) if parsed.coating else None
    spacing = parsed.grid.size[-1] / parsed.grid.cells[-1]
    across = f", {thickness / spacing:.1f} cells across the coating" if thickness else ""
    needed, available = checks.memory_needed(parsed) / 2**30, checks.memory_available() / 2**30
    print(f"\n# {cells:,} cells of {spacing * 1e9:.4g} nm along the normal{across}; about {needed:.2g} of {available:.3g} GiB")
    print("# this study can be run")


@app.command
def materials(name: tyro.conf.Positional[str] = "", /) -> None:
    """Lists the materials library, or every number of one material with its source.

    Args:
        name: A material; all of them if not given.
    """
    from interphase.config import library

    print(library.describe(name) if name else library.overview())


# --- running ----------------------------------------------------------------------------------------------------------


def _go(case: Any, parsed: Any, folder: pathlib.Path, checkpoints: pathlib.Path, resumes: bool) -> None:
    """Runs to the end, or to an interruption; then writes summary and report."""
    from interphase.config.build import controls, positions
    from interphase.io.checkpoint import Checkpoints
    from interphase.io.records import append_log, write_summary
    from interphase.run.simulate import Run
    from interphase.run.summary import summarise

    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, frame: signals.append(caught))
    grid = case.model.grid
    bar = _Bar(float(case.protocol.ends[-1]))
    saved = Checkpoints(checkpoints)
    simulation = Run(case, controls(parsed), positions(grid, case.model.scales), folder, saved, bar, lambda: bool(signals))
    if resumes:
        simulation.resume()
        print(f"going on from {simulation.time:.6g} s", file=sys.stderr)
    append_log(folder / "log.jsonl", {"event": "resumed" if resumes else "started", **_made()})
    print("compiling the time step …", file=sys.stderr)
    try:
        outcome = simulation.go()
    except Exception as error:
        append_log(folder / "log.jsonl", {"event": "failed", "reason": str(error)})
        raise
    finally:
        bar.close()
        saved.close()
    summary = summarise(outcome, parsed.title, _made())
    write_summary(folder / "summary.json", summary)
    append_log(folder / "log.jsonl", {"event": "ended", "status": outcome.status})
    if signals:
        print(f"\nstopped; the state is saved. Go on with:  interphase resume {folder}", file=sys.stderr)
        sys.exit(128 + signals[0])
    _report(folder)
    _print_summary(summary)


def _report(folder: pathlib.Path) -> None:
    from interphase.report.animation import animate
    from interphase.report.figures import draw_all
    from interphase.report.page import write_page

    print("drawing figures …", file=sys.stderr)
    draw_all(folder)
    animate(folder)
    print(f"report: {write_page(folder)}")


class _Bar:
    """The progress line of a run."""

    def __init__(self, end: float):
        from tqdm import tqdm

        form = "{percentage:3.0f}%|{bar:20}| {n:.4g}/{total:.4g} s [{elapsed}<{remaining}{postfix}]"
        self._bar = tqdm(total=end, bar_format=form, file=sys.stderr, mininterval=0.5)

    def __call__(self, progress: Any) -> None:
        shown = {"step": progress.step, "dt": f"{progress.dt:.3g} s", "its": progress.iterations}
        if progress.row.get("hot_spot_factor"):
            shown["i_max/i_mean"] = f"{progress.row['hot_spot_factor']:.3f}"
        if progress.row.get("coating_strain_max") is not None:
            shown["film strain"] = f"{100 * progress.row['coating_strain_max']:.2f} %"
        self._bar.n = progress.time
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(0)

    def close(self) -> None:
        self._bar.close()


def _print_summary(summary: dict[str, Any]) -> None:
    from interphase.report.numbers import GROUPS, written

    for group, members in GROUPS.items():
        lines = [(m.name, written(m, summary)) for m in members if summary.get(m.key) is not None]
        for name, text in lines:
            print(f"  {group:9s} {name:42s} {text}")


# --- where things are -------------------------------------------------------------------------------------------------


def _choose_device(device: str | None, precision: str) -> None:
    """Sets JAX up before its first array and says what computes."""
    import jax

    from interphase.config.load import StudyError

    jax.config.update("jax_enable_x64", precision == "float64")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "interphase"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    if device is not None:
        try:
            jax.config.update("jax_default_device", jax.devices(device)[0])
        except RuntimeError:
            raise StudyError(f"--device {device}: there is none here; leave it out, or install interphase[cuda]") from None
    print(f"device: {_device()}, {precision}", file=sys.stderr)


def _device() -> str:
    import jax

    chosen = jax.config.jax_default_device or jax.devices()[0]
    if chosen.platform == "cpu":
        return f"cpu ({os.cpu_count()} cores, {platform.machine()})"
    return f"{chosen.platform} ({chosen.device_kind})"


def _made() -> dict[str, Any]:
    """With what a run was made."""
    names = ("interphase", "jax", "jaxlib", "equinox", "numpy")
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=pathlib.Path(__file__).parent, check=False
    ) if shutil.which("git") else None  # fmt: skip
    return {
        "versions": {"python": platform.python_version(), **{n: importlib.metadata.version(n) for n in names}},
        "device": _device(),
        "git": found.stdout.strip() or None if found else None,
        "date": time.strftime("%Y-%m-%d %H:%M:%S%z"),
    }


def _run_name(overrides: list[str]) -> str:
    """`default`, or the overrides in a form that file systems like."""
    text = "_".join(overrides).replace("coating.", "").replace("=", "-")
    return "".join(c if c.isalnum() or c in "-_." else "" for c in text)[:120] or "default"


def _clear(folder: pathlib.Path) -> None:
    """Makes the folder ready; an earlier run in it is replaced, anything else is left alone."""
    from interphase.config.load import StudyError

    if folder.exists() and any(folder.iterdir()) and not (folder / "run.json").is_file():
        raise StudyError(f"--out {folder}: there is something else in this folder; give an empty one")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _checkpoint_folder(study: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """checkpoints/STUDY/RUN of the project that the study lies in, or a folder in the run's own."""
    for parent in study.resolve().parents:
        if (parent / "checkpoints").is_dir() and folder.resolve().is_relative_to(parent):
            name = study.parent.name if study.name == "study.toml" else study.stem
            return parent / "checkpoints" / name / folder.name
    return folder.resolve() / "checkpoints"


