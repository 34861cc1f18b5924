"""The command line: `interphase VERB …`.

Exit codes: 0 good, 2 bad input, 3 a run that cannot go on, 130/143 interrupted.
"""

import contextlib
import difflib
import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
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
    from interphase.io.trajectory import TrajectoryError
    from interphase.report.run_folder import RunFolderError
    from interphase.run.simulate import RunError

    if isinstance(error, StudyError | LibraryError | CheckpointError | RunFolderError | TrajectoryError):
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
    from interphase.verbs import folders
    from interphase.verbs.machine import choose_device, device_name

    overrides = [*set_, *([f"numerics.precision={precision}"] if precision else [])]
    parsed = read_study(study, overrides)
    file = find(study)
    folder = out or file.parent / "output" / folders.run_name(overrides)
    folders.refuse_other_content(folder)
    choose_device(device, parsed.numerics.precision, math.prod(parsed.grid.cells))
    from interphase.config.build import build
    from interphase.config.load import written

    case = build(parsed)
    print(f"device: {device_name()}, {parsed.numerics.precision}", file=sys.stderr)
    with folders.held(folder):
        checkpoints = _prepare(file, folder, written(parsed))
        _go(case, parsed, folder, checkpoints, resumes=False)


@app.command
def resume(folder: tyro.conf.Positional[pathlib.Path], /, device: Device = None) -> None:
    """Goes on with a run that was stopped or killed.

    Args:
        folder: The run folder.
        device: Where to compute; the run's own device if it is to end in the same bits.
    """
    from interphase.config.load import read_study
    from interphase.verbs import folders
    from interphase.verbs.machine import choose_device, device_name

    checkpoints = folders.checkpoints_of(folder)
    parsed = read_study(folder / "study.toml")
    choose_device(device, parsed.numerics.precision, math.prod(parsed.grid.cells))
    from interphase.config.build import build

    case = build(parsed)
    print(f"device: {device_name()}, {parsed.numerics.precision}", file=sys.stderr)
    with folders.held(folder):
        _go(case, parsed, folder, checkpoints, resumes=True)


@app.command
def design(
    study: tyro.conf.Positional[pathlib.Path],
    /,
    out: Out = None,
    resume: bool = False,
    device: Device = None,
    precision: Precision = None,
    set_: Overrides = [],  # noqa: B006
) -> None:
    """Searches for a better coating by gradients through the whole run, as the study's design table says.

    Args:
        study: A folder with a study.toml, or a TOML file, with [[design.variables]].
        out: The design folder to write.
        resume: Go on with a design that was stopped or killed.
        device: Where to compute; no silent fall-back.
        precision: Overrides the study's numerics.precision.
        set_: Changes a key of the study; may be repeated.
    """
    from interphase.config.load import StudyError, find, read_study, written
    from interphase.verbs import folders
    from interphase.verbs.machine import choose_device, device_name, made_with

    overrides = [*set_, *([f"numerics.precision={precision}"] if precision else [])]
    file = find(study)
    folder = out or file.parent / "output" / folders.run_name(["design", *overrides])
    if resume and not (folder / "run.json").is_file():
        raise StudyError(f"{folder}: there is no design to go on with; leave out --resume")
    parsed = read_study(folder / "study.toml") if resume else read_study(study, overrides)
    if parsed.design is None:
        raise StudyError(f"{file}: design is missing; add [[design.variables]] with path, lower and upper")
    choose_device(device, parsed.numerics.precision, math.prod(parsed.grid.cells), parsed.design.search.starts)
    if not resume:
        from interphase.config.design import check_design

        check_design(parsed)  # says what is wrong before anything is written
        folders.refuse_other_content(folder)
    from interphase.verbs.design import INTERRUPTED, Voice, run_design

    print(f"device: {device_name()}, {parsed.numerics.precision}", file=sys.stderr)
    with (
        folders.held(folder),
        _interruptions() as signals,
        contextlib.closing(_DesignBar(parsed.design.search.evaluations)) as bar,
    ):
        checkpoints = folders.checkpoints_of(folder) if resume else _prepare(file, folder, written(parsed))
        status = run_design(
            parsed, folder, checkpoints, resume, made_with(), Voice(bar.write, bar, lambda: bool(signals))
        )
    if status == INTERRUPTED:
        print(
            f"stopped; the search is saved. Go on with:  interphase design {study} --out {folder} --resume",
            file=sys.stderr,
        )
        sys.exit(128 + signals[0])
    print(f"report: {folder / 'report.html'}\nbest design, a study of its own: {folder / 'best.toml'}")


@app.command
def report(folder: tyro.conf.Positional[pathlib.Path], /, vtk: bool = False) -> None:
    """Draws a run's figures, animation and report page again.

    Args:
        folder: The run folder.
        vtk: Also write the fields for ParaView under vtk/ (needs the extra `vtk`).
    """
    from interphase.report.design import is_design
    from interphase.report.run_folder import read_run

    if is_design(folder):
        from interphase.report.design import draw_design
        from interphase.report.design_page import write_design_page

        draw_design(folder)
        print(f"report: {write_design_page(folder)}")
        return
    read_run(folder)  # says at once when there is nothing to draw
    _report(folder)
    if vtk:
        from interphase.io.trajectory import Trajectory
        from interphase.io.vtk import export

        print(f"fields for ParaView: {export(Trajectory(folder / 'fields.zarr'), folder / 'vtk')}")


@app.command
def check(study: tyro.conf.Positional[pathlib.Path], /, gradients: bool = False, set_: Overrides = []) -> None:  # noqa: B006
    """Reads a study, checks units, resolution and memory, prints it as resolved, and runs nothing.

    Args:
        study: A folder with a study.toml, or a TOML file.
        gradients: Compare every term's gradient of the design with central differences; exit code 1 if one is off.
        set_: Changes a key of the study; may be repeated.
    """
    from interphase.config.load import read_study
    from interphase.verbs import check as checking

    parsed = read_study(study, set_)
    print(checking.described(parsed))
    if not gradients:
        return
    from interphase.config.design import section
    from interphase.verbs.gradients import compare_gradients, table, worst
    from interphase.verbs.machine import choose_device

    section(parsed)
    choose_device(None, parsed.numerics.precision, math.prod(parsed.grid.cells))
    rows, cost = compare_gradients(parsed, lambda text: print(f"{text} …", file=sys.stderr))
    print(f"\n{table(rows, cost)}")
    if (off := worst(rows)) is not None:
        sys.exit(f"interphase: d {off.term} / d {off.variable} is off by {off.error:.1e}")


@app.command
def materials(name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")] = "", /) -> None:
    """Lists the materials library, or every number of one material with its source.

    Args:
        name: A material; all of them if not given.
    """
    from interphase.config import library

    print(library.describe(name) if name else library.overview())


@app.command
def keys(table: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TABLE")] = "", /) -> None:
    """Lists the keys of a study file: what each takes, its bounds, and what holds where it is not given.

    Args:
        table: Such as coating or protocol.steps; all of them if not given.
    """
    from interphase.config.keys import described
    from interphase.config.load import StudyError

    try:
        print(described(table))
    except KeyError:
        raise StudyError(f'"{table}" is no table of a study; see "interphase keys"') from None


@app.command
def bench(device: Device = None, precision: Literal["float32", "float64"] = "float64", quick: bool = False) -> None:
    """Measures time per coupled step and per act against grid size, and prints a table.

    Args:
        device: Where to compute.
        precision: Of the fields.
        quick: Only the two smallest grids in 2-D.
    """
    from interphase.verbs.machine import choose_device, device_name, made_with

    choose_device(device, precision)
    from interphase.config.build import build
    from interphase.config.load import validated
    from interphase.run.bench import measure_case, table
    from interphase.verbs.bench import GRIDS, bench_study

    timings = []
    for cells in GRIDS[:2] if quick else GRIDS:
        print(f"{'×'.join(map(str, cells))} …", file=sys.stderr)
        study = validated(bench_study(cells, precision), "bench")
        timings.append(measure_case(build(study), precision))
    made = made_with()
    print(f"{device_name()}, {', '.join(f'{k} {v}' for k, v in made['versions'].items())}, {made['date']}\n")
    print(table(timings))


@app.command
def verify() -> None:
    """Runs the slow tests: convergence, closed forms, published numbers. Needs a checkout with its tests."""
    from interphase.config.load import StudyError

    root = pathlib.Path(__file__).parents[1]
    if not (root / "tests").is_dir():
        raise StudyError(f"{root}: there are no tests beside the package; verify from a checkout of the project")
    sys.exit(
        subprocess.run([sys.executable, "-m", "pytest", "-m", "slow and not gpu"], cwd=root, check=False).returncode
    )


# --- running ----------------------------------------------------------------------------------------------------------


def _prepare(file: pathlib.Path, folder: pathlib.Path, study: str) -> pathlib.Path:
    """Empties a run's folder and writes the study, and where its checkpoints will be: the folder that it returns."""
    from interphase.verbs import folders

    folders.clear(folder)
    (folder / "study.toml").write_text(study, encoding="utf-8")
    checkpoints = folders.checkpoint_folder(file, folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    (folder / "run.json").write_text(json.dumps({"checkpoints": os.path.relpath(checkpoints, folder)}) + "\n")
    return checkpoints


def _go(case: Any, parsed: Any, folder: pathlib.Path, checkpoints: pathlib.Path, resumes: bool) -> None:
    """Runs to the end, or to an interruption; then writes summary and report."""
    from interphase.config.build import controls, positions
    from interphase.io.checkpoint import Checkpoints
    from interphase.io.records import append_log, write_summary
    from interphase.run.cycles import record_cycles
    from interphase.run.simulate import INTERRUPTED, Run, RunError
    from interphase.run.summary import summarise
    from interphase.verbs.machine import made_with

    log, made = folder / "log.jsonl", made_with()
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
            if error.outcome is not None:
                summary = summarise(error.outcome, parsed.title, made, record_cycles(folder))
                write_summary(folder / "summary.json", summary)
            append_log(log, {"event": "failed", "reason": str(error)})
            raise RunError(f"{folder}: {error}", error.outcome) from None
        except Exception as error:
            append_log(log, {"event": "failed", "reason": str(error)})
            raise
        finally:
            saved.close()
    summary = summarise(outcome, parsed.title, made, record_cycles(folder))
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
    from interphase.report.run_folder import read_run

    print("drawing figures …", file=sys.stderr)
    draw_all(folder)
    if read_run(folder).trajectory is not None:
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


class _DesignBar:
    """The progress line of a design."""

    def __init__(self, evaluations: int):
        from tqdm import tqdm

        form = "{n}/{total} |{bar:20}| [{elapsed}<{remaining}{postfix}]"
        self._bar = tqdm(total=evaluations, bar_format=form, file=sys.stderr, mininterval=0)

    def __call__(self, progress: Any) -> None:
        from interphase.design.search import RUNNING

        searches, best = progress.searches, progress.best
        self._bar.n = progress.evaluation
        shown = {
            "J": f"{float(searches.judgement.objective[best]):.5g}",
            "|g|": f"{float(searches.norm[best]):.2e}",
            "searching": int((searches.status == RUNNING).sum()),
            "rejected": int(searches.rejected.sum()),
        }
        self._bar.set_postfix(shown, refresh=True)

    def write(self, text: str) -> None:
        self._bar.write(text, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()


def _print_summary(summary: dict[str, Any]) -> None:
    from interphase.report.numbers import GROUPS, written

    for group, members in GROUPS.items():
        lines = [(m.name, written(m, summary)) for m in members if summary.get(m.key) is not None]
        for name, text in lines:
            print(f"  {group:9s} {name:42s} {text}")
    if summary.get("warning") is not None:
        print(f"  Warning: {summary['warning']}")
