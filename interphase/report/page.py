"""`report.html`: one file with everything in it, to read, to send, to print."""

import base64
import os
import pathlib
from html import escape
from string import Template
from typing import Any

from interphase.report import style
from interphase.report.cycles import cycles_table
from interphase.report.numbers import GROUPS, written
from interphase.report.run_folder import RunFolder, read_run

_CAPTIONS = {
    "animation.gif": "Deposit and coating over time, beside the stress it causes, or else the potential.",
    "overview.png": "The last frame: what drives the current, what it does to the solids, and their outlines.",
    "evolution.png": "The deposit and its coating at a few moments; white lines move with the material of the coating.",
    "series.png": "What the cell, the deposit and the coating went through over time.",
    "cycles.png": "The same from cycle to cycle: extremes, and what each cycle left.",
    "budget.png": "What must be conserved, and by how much it is not.",
    "solver.png": "How hard the solvers worked at each recorded step.",
}
"""Figure → its sentence, in the order of the page."""

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.5rem 4rem; background: #fff; color: #1c2733;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { margin: 0 0 .3rem; font-size: 1.7rem; line-height: 1.25; }
h2 { margin: 2.5rem 0 .8rem; font-size: 1.15rem; border-bottom: 1px solid #d8dee6; padding-bottom: .3rem; }
.lead { margin: 0 0 1.5rem; color: #51606f; }
.status { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .9rem; font-weight: 600; }
.finished { background: #dff2e7; color: #0b5d3b; }
.stopped { background: #fdebd3; color: #7d4200; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 0 2.5rem; }
table { width: 100%; border-collapse: collapse; margin-bottom: 1rem; font-size: .92rem; break-inside: avoid; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; color: #0072b2; }
th, td { padding: .22rem 0; border-bottom: 1px solid #eef1f5; vertical-align: top; }
th { text-align: left; font-weight: 400; color: #42505e; padding-right: 1rem; }
td { text-align: right; font-variant-numeric: tabular-nums; }
td.off { color: #93a0ad; }
figure { margin: 0 0 2rem; break-inside: avoid; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { margin-top: .4rem; color: #51606f; font-size: .92rem; }
pre { background: #f5f7fa; border: 1px solid #e3e8ee; border-radius: 4px; padding: .9rem 1rem; overflow-x: auto;
  font: 13px/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.cycles { overflow-x: auto; }
.cycles th, .cycles td { text-align: right; padding: .22rem .6rem; white-space: nowrap; }
.cycles thead th { white-space: normal; vertical-align: bottom; }
.made td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.made th { width: 12rem; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } pre { white-space: pre-wrap; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="lead">$lead</p>
<div class="numbers">
$numbers
</div>
$cycles
<h2>Figures</h2>
$figures
$study
$made
</body>
</html>
""")


def write_page(run_folder: str | os.PathLike[str]) -> pathlib.Path:
    """Writes `report.html` from what the run folder holds, figures that were drawn included, and returns it.

    Raises `RunFolderError` when the folder holds no run.
    """
    run = read_run(run_folder)
    return assemble(
        run.path,
        title=run.title,
        lead=_lead(run),
        numbers="\n".join(_table(name, run) for name in GROUPS),
        cycles=cycles_table(run),
        captions=_CAPTIONS,
        study=run.study,
        summary=run.summary,
    )


def assemble(
    folder: pathlib.Path,
    title: str,
    lead: str,
    numbers: str,
    captions: dict[str, str],
    study: str,
    summary: dict,
    cycles: str = "",
) -> pathlib.Path:
    """Writes a folder's `report.html`.

    **Arguments:**

    - `lead`, `numbers`: HTML; `captions`: figure under `figures/` → its sentence, in the order of the page.
    - `study`: text of the study file; `summary`: with what it was made; `cycles`: HTML, or empty.
    """
    page = _PAGE.substitute(
        title=escape(title),
        lead=lead,
        numbers=numbers,
        cycles=cycles,
        figures="\n".join(_figure(folder / "figures" / name, caption) for name, caption in captions.items()),
        study=f"<h2>Study as resolved</h2>\n<pre>{escape(study)}</pre>" if study else "",
        made=_made(summary),
    )
    path = folder / "report.html"
    temporary = path.with_name("report.html.new")
    temporary.write_text(page, encoding="utf-8")
    os.replace(temporary, path)
    return path


def _lead(run: RunFolder) -> str:
    status = str(run.summary.get("status", "no summary yet"))
    kind = "finished" if status == "finished" else "stopped"
    time = run.summary.get("simulated_time_s")
    if time is None and "time_s" in run.series:
        time = float(run.series["time_s"][-1])
    parts = [f'<span class="status {kind}">{escape(status)}</span>']
    if time is not None:
        parts.append(f"{style.readable_time(float(time))} simulated")
    if run.trajectory is not None:
        parts.append(" × ".join(str(len(axis)) for axis in run.trajectory.axes.values()) + " cells")
    warning = run.summary.get("warning")
    return " &nbsp; ".join(parts) + ("" if warning is None else f"<br>Warning: {escape(warning)}")


def _table(group: str, run: RunFolder) -> str:
    rows = []
    for number in GROUPS[group]:
        text = written(number, run.summary)
        if text is not None:
            kind = ' class="off"' if run.summary[number.key] is None else ""
            rows.append(f"<tr><th>{escape(number.name)}</th><td{kind}>{escape(text)}</td></tr>")
    return f"<table><caption>{escape(group)}</caption>\n{'\n'.join(rows)}\n</table>" if rows else ""


def _figure(path: pathlib.Path, about: str) -> str:
    if not path.exists():
        return ""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    caption = escape(about)
    source = f"data:image/{path.suffix[1:]};base64,{data}"
    return f'<figure><img src="{source}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


def _made(summary: dict[str, Any]) -> str:
    """With what the run was made: device, precision, versions, revision."""
    facts = {key: summary[key] for key in ("device", "precision", "git") if summary.get(key) is not None}
    versions = summary.get("versions")
    if isinstance(versions, dict):
        facts["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    elif versions is not None:
        facts["versions"] = versions
    rows = [f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in facts.items()]
    return f'<h2>Made with</h2>\n<table class="made">\n{"\n".join(rows)}\n</table>' if rows else ""
