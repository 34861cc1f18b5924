"""What the pages of documentation tell one to type."""

import pathlib
import re

import pytest

from studies import write_small

PAGES = pathlib.Path(__file__).parents[2] / "docs" / "pages"


@pytest.mark.slow
def test_the_page_on_python_runs_from_top_to_bottom(tmp_path, monkeypatch):
    write_small(tmp_path).rename(tmp_path / "study.toml")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / "how-to" / "use-from-python.md").read_text(), flags=re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "use-from-python.md", "exec"), names)
    assert names["outcome"].status == "finished"
    assert float(names["measures"].coating_strain) == pytest.approx(names["outcome"].last["coating_strain_max"])
    assert names["slopes"].shape == (2,) and all(abs(names["slopes"]) > 0)
    assert len(names["states"].time) == 3
