"""The command line: `interphase VERB …`.

Exit codes: 0 good, 2 bad input, 3 a run that cannot go on, 130/143 interrupted.
"""

import contextlib
import difflib
import hashlib
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
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import tyro

BAD_INPUT, CANNOT_GO_ON = 2, 3

Overrides = Annotated[list[str], tyro.conf.arg(name="set", metavar="KEY.PATH=VALUE"), tyro.conf.UseAppendAction]
Device = Annotated[
    Literal["cpu", "gpu"] | None,
    tyro.conf.arg(metavar="{cpu,gpu}", help_behavior_hint="(default: the first device that JAX finds)"),
]
Precision = Annotated[
    Literal["float32", "float64"] | None,
    tyro.conf.arg(metavar="{float32,float64}", help_behavior_hint="(default: as the study says)"),
]
Out = Annotated[
    pathlib.Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="(default: output/NAME beside the study)")
]


class _Verbs:
    """The verbs, which tyro parses, and their names."""

    def __init__(self):
        self.parser = tyro.extras.SubcommandApp()
        self.names: list[str] = []

    def command(self, function: Callable[..., None]) -> Callable[..., None]:
        self.names.append(function.__name__)
        return self.parser.command(function)


app = _Verbs()


def main() -> None:
    """Entry point."""
    _refuse_unknown_verb(sys.argv[1:])
    try:
        app.parser.cli(
            prog="interphase",
            description="Lithium plating under a coating, simulated.",
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        print(f"interphase: {error}", file=sys.stderr)
        sys.exit(code)


def _exit_code(error: Exception) -> int | None:
    """Of what a user can mend; `None` for a defect of the program, which shows its traceback."""
    from interphase.config.library import LibraryError
    from interphase.config.load import StudyError
    from interphase.io.checkpoint import CheckpointError
    from interphase.report.run_folder import RunFolderError
    from interphase.run.simulate import RunError

    if isinstance(error, StudyError | LibraryError | CheckpointError | RunFolderError):
        return BAD_INPUT
    return CANNOT_GO_ON if isinstance(error, RunError) else None


def _refuse_unknown_verb(arguments: list[str]) -> None:
    """Answers a misspelt verb with the nearest one."""
    if not arguments or arguments[0].startswith("-") or arguments[0] in app.names:
        return
    near = difflib.get_close_matches(arguments[0], app.names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(app.names)}"
    print(f'interphase: there is no verb "{arguments[0]}"; {hint}', file=sys.stderr)
    sys.exit(BAD_INPUT)


# --- verbs ------------------------------------------------------------------------------------------------------------


@app.command
def run(
    study: tyro.conf.Positional[pathlib.Path],
    /,
    out: Out = None,
    device: Device = None,
    precision: Precision = None,
    set_: Overrides = [],  # noqa: B006
) -> None:
    """Runs a study and writes numbers, fields, figures and a report.

    Args:
        study: A folder with a study.toml, or a TOML file.
        out: The run folder to write.
        device: Where to compute; no silent fall-back.
        precision: Overrides the study's numerics.precision.
        set_: Changes a key of the study, such as coating.layers[0].modulus="10 GPa"; may be repeated.
    """
    from interphase.config.load import find, read_study

    overrides = [*set_, *([f"numerics.precision={precision}"] if precision else [])]
    parsed = read_study(study, overrides)
    file = find(study)
    folder = out or file.parent / "output" / _run_name(overrides)
    _refuse_other_content(folder)
    _choose_device(device, parsed.numerics.precision)
    from interphase.config.build import build
    from interphase.config.load import written

    case = build(parsed)
    print(f"device: {_device()}, {parsed.numerics.precision}", file=sys.stderr)
    _clear(folder)
    (folder / "study.toml").write_text(written(parsed), encoding="utf-8")
    checkpoints = _checkpoint_folder(file, folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    (folder / "run.json").write_text(json.dumps({"checkpoints": os.path.relpath(checkpoints, folder)}) + "\n")
    _go(case, parsed, folder, checkpoints, resumes=False)


@app.command
def resume(folder: tyro.conf.Positional[pathlib.Path], /, device: Device = None) -> None:
    """Goes on with a run that was stopped or killed.

    Args:
        folder: The run folder.
        device: Where to compute; the run's own device if it is to end in the same bits.
    """
    from interphase.config.load import read_study

    checkpoints = _checkpoints_of(folder)
    parsed = read_study(folder / "study.toml")
    _choose_device(device, parsed.numerics.precision)
    from interphase.config.build import build

    case = build(parsed)
    print(f"device: {_device()}, {parsed.numerics.precision}", file=sys.stderr)
    _go(case, parsed, folder, checkpoints, resumes=True)


@app.command
def report(folder: tyro.conf.Positional[pathlib.Path], /, vtk: bool = False) -> None:
    """Draws a run's figures, animation and report page again.

    Args:
        folder: The run folder.
        vtk: Also write the fields for ParaView under vtk/ (needs the extra `vtk`).
    """
    from interphase.report.run_folder import read_run

    read_run(folder)  # says at once when there is nothing to draw
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
    memory = f"about {needed:.2g} of {available:.3g} GiB"
    print(f"\n# {cells:,} cells of {spacing * 1e9:.4g} nm along the normal{across}; {memory}")
    print("# this study can be run")


@app.command
def materials(name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")] = "", /) -> None:
    """Lists the materials library, or every number of one material with its source.

    Args:
        name: A material; all of them if not given.
    """
    from interphase.config import library

    print(library.describe(name) if name else library.overview())


BENCH_GRIDS = ((64, 64), (128, 128), (256, 256), (32, 32, 32), (64, 64, 64))


@app.command
def bench(device: Device = None, precision: Literal["float32", "float64"] = "float64", quick: bool = False) -> None:
    """Measures time per coupled step and per act against grid size, and prints a table.

    Args:
        device: Where to compute.
        precision: Of the fields.
        quick: Only the two smallest grids in 2-D.
    """
    _choose_device(device, precision)
    from interphase.config.build import build
    from interphase.config.load import validated
    from interphase.run.bench import measure_case, table

    timings = []
    for cells in BENCH_GRIDS[:2] if quick else BENCH_GRIDS:
        print(f"{'×'.join(map(str, cells))} …", file=sys.stderr)
        study = validated(_bench_study(cells, precision), "bench")
        timings.append(measure_case(build(study), precision))
    made = _made()
    print(f"{_device()}, {', '.join(f'{k} {v}' for k, v in made['versions'].items())}, {made['date']}\n")
    print(table(timings))


def _bench_study(cells: tuple[int, ...], precision: str) -> dict[str, Any]:
    return {
        "title": "bench",
        "grid": {"cells": list(cells), "size": ["1.024 um"] * len(cells)},
        "surface": {"level": "200 nm", "bumps": [{"height": "60 nm", "radius": "150 nm"}]},
        "coating": {"layers": [{"material": "lipon", "thickness": "200 nm"}]},
        "electrolyte": {"material": "lipf6-ec-dmc"},
        "protocol": {"steps": [{"duration": "10 s", "current": "1 mA/cm^2"}]},
        "numerics": {"precision": precision},
    }


# --- running ----------------------------------------------------------------------------------------------------------


def _go(case: Any, parsed: Any, folder: pathlib.Path, checkpoints: pathlib.Path, resumes: bool) -> None:
    """Runs to the end, or to an interruption; then writes summary and report."""
    from interphase.config.build import controls, positions
    from interphase.io.checkpoint import Checkpoints
    from interphase.io.records import append_log, write_summary
    from interphase.run.simulate import INTERRUPTED, Run, RunError
    from interphase.run.summary import summarise

    log, made = folder / "log.jsonl", _made()
    saved = Checkpoints(checkpoints)
    axes = positions(case.model.grid, case.model.scales)
    with _interruptions() as signals, contextlib.closing(_Bar(float(case.protocol.ends[-1]))) as bar:
        simulation = Run(case, controls(parsed), axes, folder, saved, bar, lambda: bool(signals))
        if resumes:
            simulation.resume()
            bar.write(f"going on from {simulation.time:.6g} s")
        append_log(log, {"event": "resumed" if resumes else "started", **made})
        bar.write("compiling the time step …")
        try:
            outcome = simulation.go()
        except RunError as error:
            write_summary(folder / "summary.json", summarise(error.outcome, parsed.title, made))
            append_log(log, {"event": "failed", "reason": str(error)})
            raise RunError(f"{folder}: {error}", error.outcome) from None
        except Exception as error:
            append_log(log, {"event": "failed", "reason": str(error)})
            raise
        finally:
            saved.close()
    summary = summarise(outcome, parsed.title, made)
    write_summary(folder / "summary.json", summary)
    append_log(log, {"event": "ended", "status": outcome.status})
    if outcome.status == INTERRUPTED:
        print(f"stopped; the state is saved. Go on with:  interphase resume {folder}", file=sys.stderr)
        sys.exit(128 + signals[0])
    _report(folder)
    _print_summary(summary)


@contextlib.contextmanager
def _interruptions() -> Iterator[list[int]]:
    """Gathers what asks the process to stop. A second time of asking takes effect at once, without saving."""
    signals: list[int] = []
    earlier: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: Any) -> None:
        signals.append(number)
        signal.signal(number, earlier[number])

    for number in earlier:
        signal.signal(number, note)
    try:
        yield signals
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


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

    def write(self, text: str) -> None:
        """A line above the progress line."""
        self._bar.write(text, file=sys.stderr)

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
    """Sets JAX up before its first array."""
    import jax

    from interphase.config.load import StudyError

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


def _device() -> str:
    import jax

    chosen = jax.config.jax_default_device or jax.devices()[0]
    if chosen.platform == "cpu":
        return f"cpu ({os.cpu_count()} cores, {platform.machine()})"
    return f"{chosen.platform} ({chosen.device_kind})"


def _made() -> dict[str, Any]:
    """With what a run was made."""
    names = ("interphase", "jax", "jaxlib", "equinox", "numpy")
    found = None
    if shutil.which("git"):
        command, here = ["git", "describe", "--always", "--dirty"], pathlib.Path(__file__).parent
        found = subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)
    return {
        "versions": {"python": platform.python_version(), **{n: importlib.metadata.version(n) for n in names}},
        "device": _device(),
        "git": found.stdout.strip() or None if found else None,
        "date": time.strftime("%Y-%m-%d %H:%M:%S%z"),
    }


def _run_name(overrides: list[str]) -> str:
    """`default`, or the overrides in a form that file systems like."""
    text = "_".join(overrides)
    name = text.replace("coating.", "").replace("=", "-")
    name = "".join(c if c.isalnum() or c in "-_." else "" for c in name)
    if len(name) > 100:  # two long names must differ where their overrides do
        name = f"{name[:100]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name or "default"


def _refuse_other_content(folder: pathlib.Path) -> None:
    """Only an earlier run is replaced; anything else is left alone."""
    from interphase.config.load import StudyError

    if folder.exists() and not folder.is_dir():
        raise StudyError(f"--out {folder}: this is a file; give a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / "run.json").is_file():
        raise StudyError(f"--out {folder}: there is something else in this folder; give an empty one")


def _clear(folder: pathlib.Path) -> None:
    """Makes the run folder, empty."""
    from interphase.config.load import StudyError

    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise StudyError(f"{folder}: cannot be written ({error.strerror}); give another folder with --out") from None


def _checkpoints_of(folder: pathlib.Path) -> pathlib.Path:
    """Where a run has its checkpoints, as its run.json says."""
    from interphase.config.load import StudyError

    try:
        return (folder / json.loads((folder / "run.json").read_text(encoding="utf-8"))["checkpoints"]).resolve()
    except FileNotFoundError:
        raise StudyError(
            f"{folder}: this is no run folder, it has no run.json; give the folder that a run wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise StudyError(f"{folder / 'run.json'}: cannot be read; start the run again with interphase run") from None


def _checkpoint_folder(study: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """checkpoints/STUDY/RUN of the project that the study lies in, or a folder in the run's own."""
    for parent in study.resolve().parents:
        if (parent / "checkpoints").is_dir() and folder.resolve().is_relative_to(parent):
            name = study.parent.name if study.name == "study.toml" else study.stem
            return parent / "checkpoints" / name / folder.name
    return folder.resolve() / "checkpoints"
