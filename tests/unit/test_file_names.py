"""Names of kept files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_suno.api.file_names import check_name, file_name, job_file_name, with_id
from airflow_provider_suno.exceptions import SunoValidationError


@pytest.mark.parametrize(
    ("template", "fields", "name"),
    [
        ("{title}-{audio_id}", {"title": "A song", "audio_id": "a1"}, "A song-a1"),
        ("{title}", {"title": 'a/b\\c:d*e?f"g<h>i|j#k%l&m'}, "a_b_c_d_e_f_g_h_i_j_k_l_m"),
        ("{title}", {"title": "  ... hidden ... "}, "hidden"),
        ("{title}", {"title": "CON"}, "_CON"),
        ("{title}", {"title": "con .x"}, "_con .x"),
        ("{title}", {"title": "COM¹"}, "_COM¹"),
        ("{title}", {"title": "\u200b\u200d"}, "untitled"),
        ("{title}", {"title": "-rf"}, "_-rf"),
        ("{title}", {"title": "tab\tand\nline\u202e"}, "tab_and_line"),
        ("{title}", {"title": "Größe 🎵 日本"}, "Größe 🎵 日本"),
        ("{title}", {"title": "e\u0301"}, "é"),
        ("{title}", {"title": None}, "untitled"),
        ("{title}", {"title": "???"}, "___"),
        ("{model}/{track}/{duration}", {"track": 0, "duration": 61.4}, "unknown/0/61"),
        ("{title}-{audio_id}", {"title": "x" * 500, "audio_id": "a1"}, "x" * 100 + "-a1"),
        ("{{x}} {audio_id}", {"audio_id": "a1"}, "_x_ a1"),
    ],
)
def test_names(template: str, fields: dict[str, Any], name: str) -> None:
    assert file_name(check_name(template), fields) == name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("j1",), "j1"),
        (("j1", "Backing Vocals"), "j1-Backing Vocals"),
        (("../a:b", "c/d"), "_a_b-c_d"),
        (("nul",), "_nul"),
        (("-rf", "x"), "_-rf-x"),
        (("j1", "\u200b"), "j1-unknown"),
        (("x" * 255, "y" * 255), "x" * 80 + "-" + "y" * 80),
    ],
)
def test_names_of_the_files_of_jobs(words: tuple[str, ...], name: str) -> None:
    assert job_file_name(*words) == name


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (7, "must be text such as '{title}-{audio_id}'"),
        (" ", "must be text"),
        ("{title", "is not a template"),
        ("{titel}", "is not a field of a name"),
        ("{title!r}", "is not a field of a name"),
        ("{title:>9}", "is not a field of a name"),
        ("/{title}", "must be a path within the destination"),
        ("a/../{title}", "must be a path within the destination"),
        ("a\\{title}", "must be a path within the destination"),
    ],
)
def test_templates_that_are_refused(template: Any, said: str) -> None:
    with pytest.raises(SunoValidationError) as raised:
        check_name(template)
    assert said in str(raised.value)


@given(st.text(), st.text(min_size=1), st.sampled_from(["{title}", "{title}-{audio_id}", "{tags}/{title}"]))
def test_any_text_becomes_a_name_that_every_store_takes(title: str, audio_id: str, template: str) -> None:
    name = file_name(template, {"title": title, "audio_id": audio_id, "tags": title})
    for part in (*name.split("/"), *with_id(name, audio_id).split("/")):
        assert part
        assert len(part.encode()) <= 195
        assert part.strip(" .") == part
        assert not set(part) & set('\\:*?"<>|#%\0\n')
    assert name.count("/") == template.count("/")
