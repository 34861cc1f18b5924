"""Run folders: who may write to them."""

import pytest

from interphase.config.load import StudyError
from interphase.verbs.folders import clear, held, refuse_other_content


def test_a_folder_is_one_run_s_at_a_time(tmp_path):
    folder = tmp_path / "run"
    with held(folder):
        with pytest.raises(StudyError, match="another run is writing to this folder"), held(folder):
            pass
        (folder / "run.json").write_text("{}")
        (folder / "figures").mkdir()
        clear(folder)
        with pytest.raises(StudyError, match="another run is writing to this folder"), held(folder):
            pass
    refuse_other_content(folder)  # what is left of the lock is no content
    with held(folder):
        assert not (folder / "run.json").exists() and not (folder / "figures").exists()


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(StudyError, match="cannot be written .*; give another"), held(tmp_path / "file" / "run"):
        pass
