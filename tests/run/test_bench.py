"""`interphase bench` measures what a step does; how long it takes is nobody's test."""

from interphase.config.build import build
from interphase.config.load import validated
from interphase.run.bench import measure_case, table
from interphase.verbs.bench import bench_study


def test_every_act_of_a_step_is_timed():
    """On a small grid: a row for the table, with an act for every act of `Model.step`."""
    timing = measure_case(build(validated(bench_study((32, 32), "float64"), "bench")), "float64")
    assert list(timing.acts) == ["look and mix", "force, charge, rate", "salt", "carry"]
    assert all(ms > 0 for ms in timing.acts.values())
    assert timing.newton >= 1
    assert timing.iterations >= 1
    header, rule, row = table([timing]).splitlines()
    assert row.startswith("| 32×32 | float64 |")
    assert header.count("|") == row.count("|") == rule.count("|")
