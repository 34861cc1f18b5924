"""The training loop around the search, on a problem that costs nothing: devices, modes, saving and going on."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from interphase.design.optimise import INTERRUPTED, Design, Evaluator
from interphase.design.problem import AbstractProblem, Judgement, Knobs, Wish
from interphase.design.search import Settings
from interphase.design.variables import Variable, Variables
from interphase.io.checkpoint import CheckpointError, Checkpoints


class Valley(AbstractProblem):
    """Rosenbrock's valley in the unit cube, in place of a simulation."""

    schedule: jax.Array
    variables: Variables
    wishes: tuple[Wish, ...]

    def judge(self, point, knobs):
        x, y = 4 * point - 2
        share = jnp.stack([knobs.weights[0] * ((1 - x) ** 2 + 10 * (y - x**2) ** 2)])
        return Judgement(share[0], share, share, jnp.zeros(0), jnp.zeros(()))

    def constraint_names(self):
        return []


STARTS = np.array([[0.2, 0.3], [0.9, 0.1], [0.4, 0.8], [0.6, 0.6]])


@pytest.fixture
def valley():
    free = [Variable(name, "1", lambda case, value: case, -2.0, 2.0, False) for name in ("x", "y")]
    return Valley(jnp.zeros(1), Variables(tuple(free)), (Wish("overpotential", 1.0),))


def knobs(num):
    return Knobs(jnp.ones((num, 1)), jnp.zeros(num), jnp.zeros(num))


def designed(valley, folder=None, checkpoints=None, forward=False, devices=None, evaluations=40, stop=None):
    evaluator = Evaluator(valley, forward, devices)
    asked = iter([False] * stop + [True] * 1000) if stop is not None else None
    return Design(
        valley, evaluator, STARTS, knobs(len(STARTS)), Settings(tolerance=1e-8, evaluations=evaluations), 1e-6,
        folder, checkpoints, 5, asked_to_stop=(lambda: next(asked)) if asked else (lambda: False),
    )  # fmt: skip


def history(design):
    return np.array([[row["lagrangian"], row["x"], row["y"]] for row in design.history])


def test_every_start_ends_in_the_valley(valley):
    design = designed(valley, evaluations=120)
    assert design.go() == "finished"
    np.testing.assert_allclose(design.searches.point, np.full((4, 2), 0.75), atol=1e-4)
    ends = design.outcome()
    assert [end["status"] for end in ends] == ["converged"] * 4
    assert ends[0]["objective"] <= min(end["objective"] for end in ends) + 1e-15


def test_two_devices_write_the_history_of_one(valley):
    assert len(jax.devices()) >= 2
    one, two = designed(valley, devices=jax.devices()[:1]), designed(valley, devices=jax.devices()[:2])
    one.go(), two.go()
    np.testing.assert_allclose(history(one), history(two), rtol=1e-12)


def test_forward_mode_gives_the_gradient_of_reverse_mode(valley):
    given = (jnp.asarray(STARTS), knobs(4))
    reverse, forward = Evaluator(valley)(*given), Evaluator(valley, forward=True)(*given)
    for ours, theirs in zip(jax.tree.leaves(reverse), jax.tree.leaves(forward), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


class Fenced(Valley):
    """With a limit that comes from the run and a constraint that does not."""

    def judge(self, point, knobs):
        free = super().judge(point, knobs)
        limit = jnp.sum(point**3)[None] - 0.5
        constraints = jnp.concatenate([limit, self.direct_constraints(point, knobs)])
        return Judgement(free.objective, free.shares, free.terms, constraints, free.residual)

    def direct_constraints(self, point, knobs):
        return jnp.stack([point[0] - 0.6, point[0] * point[1] - 0.3])

    def constraint_names(self):
        return ["limit", "wall", "corner"]


def test_slopes_of_constraints(valley):
    """Those of limits and those that need no run, in reverse and in forward mode, are the derivatives."""
    fenced = Fenced(valley.schedule, valley.variables, valley.wishes)
    given = (jnp.asarray(STARTS), knobs(4))
    exact = np.stack([[3 * u**2, [1.0, 0.0], [u[1], u[0]]] for u in STARTS])
    for forward in (False, True):
        _, _, slopes = Evaluator(fenced, forward)(*given)
        np.testing.assert_allclose(slopes, exact, rtol=1e-12)


def test_a_design_that_was_stopped_goes_on_to_the_same_history(valley, tmp_path):
    (tmp_path / "whole").mkdir(), (tmp_path / "cut").mkdir()
    whole = designed(valley, tmp_path / "whole")
    whole.go()
    saved = Checkpoints(tmp_path / "states")
    assert designed(valley, tmp_path / "cut", saved, stop=7).go() == INTERRUPTED
    saved.close()
    saved = Checkpoints(tmp_path / "states")
    going_on = designed(valley, tmp_path / "cut", saved)
    going_on.resume()
    assert going_on.evaluation == 7
    assert going_on.go() == "finished"
    saved.close()
    texts = [(tmp_path / name / "history.csv").read_text() for name in ("whole", "cut")]
    assert texts[0] == texts[1]
    rows = list(csv.DictReader(texts[0].splitlines()))
    assert {row["start"] for row in rows} == {"0", "1", "2", "3"}
    events = [json.loads(line)["event"] for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert events.count("evaluated") >= 7


def test_nothing_to_go_on_with_is_said(valley, tmp_path):
    with pytest.raises(CheckpointError, match="start it again"):
        designed(valley, tmp_path, Checkpoints(tmp_path / "none")).resume()
