"""The best profile of this study against uniform coatings and straight gradings: prints a table, draws gradings.png.

Every coating is 200 nm thick and conducts as well as the frontier allows at its modulus, control point by control
point. A straight grading changes log E evenly across the film, about the modulus of the best uniform one.

python experiments/011-graded-coating/gradings.py DESIGN_FOLDER
"""

import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

from interphase.config.design import plan
from interphase.config.load import read_study
from interphase.design.analysis import Judge
from interphase.report import style

MODULI = np.geomspace(2e7, 2e10, 14)  # of uniform coatings [Pa]
DECADES = np.array([-2.0, -1.0, -0.5, -0.25, 0.25, 0.5, 1.0, 2.0])  # of modulus, inner over outer face


def main(folder: pathlib.Path) -> None:
    planned = plan(read_study(pathlib.Path(__file__).parent))
    problem = planned.problem.within(np.inf)
    judge = Judge(problem, jax.tree.map(lambda x: x[0], planned.knobs), planned.controls.tolerance, lambda *_: None)
    modulus, conductivity = problem.variables.members
    terms = [wish.name for wish in problem.wishes]
    assert problem.frontier is not None

    def point(moduli: np.ndarray) -> np.ndarray:
        attained = 10 ** np.asarray(problem.frontier.log_conductivity(jnp.asarray(moduli)))
        return problem.variables.point({modulus.path: moduli, conductivity.path: attained})

    def row(name: str, judged) -> None:
        if judged is None:
            print(f"{name:34s} not solved")
            return
        print(f"{name:34s} {judged.objective:9.4f}", *(f"{q:12.3g}" for q in judged.terms))

    print(f"{'coating':34s} {'objective':>9s}", *(f"{name[:12]:>12s}" for name in terms))
    flat = np.ones(modulus.points)
    uniform = judge(np.stack([point(E * flat) for E in MODULI]))
    objectives = np.array([np.nan if j is None else float(j.objective) for j in uniform])
    for E, judged in zip(MODULI, uniform, strict=True):
        row(f"uniform, {E / 1e9:.3g} GPa", judged)
    best = MODULI[np.nanargmin(objectives)]
    depth = np.linspace(0.0, 1.0, modulus.points)
    graded = judge(np.stack([point(best * 10 ** (d * (0.5 - depth))) for d in DECADES]))
    for d, judged in zip(DECADES, graded, strict=True):
        hard, soft = ("inner", "outer") if d > 0 else ("outer", "inner")
        row(f"{hard} hard, {soft} soft, {abs(d):.3g} decades", judged)
    found = json.loads((folder / "design.json").read_text())["ends"][0]
    (searched,) = judge(np.asarray(found["point"])[None])
    row("best profile", searched)

    figure = style.new_figure(6.6, 2.9)
    left, right = figure.subplots(1, 2, sharey=True)
    left.semilogx(MODULI / 1e9, objectives, "o-", color=style.BLUE)
    left.set_xlabel("modulus of a uniform coating (GPa)")
    left.set_ylabel("objective")
    straight = np.array([np.nan if j is None else float(j.objective) for j in graded])
    across = np.insert(DECADES, np.searchsorted(DECADES, 0.0), 0.0)
    right.plot(
        across, np.insert(straight, np.searchsorted(DECADES, 0.0), np.nanmin(objectives)), "o-", color=style.BLUE
    )
    right.set_xlabel("inner over outer modulus (decades)")
    for axes in (left, right):
        axes.axhline(found["objective"], color=style.VERMILION, linestyle="--")
    right.annotate("best profile", (DECADES[0], found["objective"]), xytext=(0, 3), textcoords="offset points",
                   color=style.VERMILION, fontsize=8)  # fmt: skip
    left.set_title("Uniform coatings")
    right.set_title("Straight gradings")
    figure.savefig(pathlib.Path(__file__).with_name("gradings.png"), dpi=style.DPI)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    with style.styled():
        main(pathlib.Path(sys.argv[1]))
