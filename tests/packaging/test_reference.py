"""The reference pages are those that the docstrings make."""

from __future__ import annotations

import pytest

from airflow_provider_suno.operators.submit_music import SubmitMusicOperator
from docs import make_reference

PAGES = make_reference.pages()


def test_there_is_a_page_for_each_class_and_no_other() -> None:
    assert {path.name for path in make_reference.FOLDER.iterdir()} == set(PAGES), "run `make reference`"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    path = make_reference.FOLDER / name
    assert path.exists(), "run `make reference`"
    assert path.read_text() == PAGES[name], "run `make reference`"


def test_a_page_says_what_a_user_needs() -> None:
    page = PAGES["ConvertToWavOperator.md"]
    assert "from airflow_provider_suno.operators.conversions import ConvertToWavOperator" in page
    assert "Calls `POST /api/v1/wav/generate`." in page
    rows = dict(line.strip("| ").split(" | ", 1) for line in page.splitlines() if line.startswith("| `"))
    assert rows["`audio_id`"].startswith("required | yes | one of its tracks.")
    assert rows["`wait_for_completion`"].startswith("`True` | no | wait for the job")
    assert rows["`extra_fields`"] == "`None` | yes | further fields under the API's own names, sent unchecked."
    assert "## Returns and pushes\n\nReturns the file's URL and pushes `wav`" in page
    assert "see [`SubmitJobOperator`](SubmitJobOperator.md)" in page


def test_a_sensor_has_only_its_own_parameters() -> None:
    page = PAGES["MusicTaskSensor.md"]
    assert "| `poke_interval` |" in page
    assert "| `kind` |" not in page
    assert "| `job_id` |" not in page


def test_a_parameter_without_a_line_is_an_error() -> None:
    class Undescribed(SubmitMusicOperator):
        def __init__(self, *, volume: int = 1, **arguments: object) -> None:
            """Take one more."""

    Undescribed.__module__ = SubmitMusicOperator.__module__
    with pytest.raises(ValueError, match="no docstring has a line for the parameter 'volume'"):
        make_reference._parameter_table(Undescribed)
