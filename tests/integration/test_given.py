"""An argument that was given and resolved to nothing is an error: nothing is sent, nothing is charged."""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import DAG, BaseOperator, TaskGroup, task, task_group

from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.conversions import ConvertToWavOperator, GenerateMidiOperator
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import (
    ExtendMusicOperator,
    GenerateMashupOperator,
    GenerateMusicOperator,
    GenerateSoundsOperator,
    UploadAndCoverAudioOperator,
    UploadAndExtendAudioOperator,
)
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.operators.style import BoostStyleOperator
from airflow_provider_suno.operators.voice import GenerateVoiceOperator
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import RETRY, Schedule, charges

pytestmark = pytest.mark.usefixtures("short_clocks")

CUSTOM = {"model": "V5", "style": "folk", "title": "T", "prompt": "la"}
PERSONA = {"music_task_id": "song", "name": "n", "description": "d"}
CONF = "{{ dag_run.conf.get('x') }}"
EMPTY = [None, "", " ", "None", "null", "undefined", [], ()]


@task
def find(value: Any = None) -> Any:
    """Return what a search has found: by default, nothing."""
    return value


OPERATORS: list[tuple[type[BaseOperator], dict[str, Any], str]] = [
    (GenerateMusicOperator, CUSTOM, "music_task_id"),
    (GenerateMusicOperator, CUSTOM, "persona_id"),
    (GenerateMusicOperator, CUSTOM, "style"),
    (GenerateMusicOperator, CUSTOM, "style_weight"),
    (GenerateMusicOperator, CUSTOM, "custom_mode"),
    (GenerateMusicOperator, CUSTOM, "instrumental"),
    (GenerateMusicOperator, CUSTOM, "callback_url"),
    (GenerateMusicOperator, CUSTOM, "suno_conn_id"),
    (GenerateMusicOperator, CUSTOM, "poll_interval"),
    (ExtendMusicOperator, {"source_music_task_id": "song"}, "audio_id"),
    (ExtendMusicOperator, {"audio_id": "a", "model": "V5"}, "source_music_task_id"),
    (ExtendMusicOperator, {"source_music_task_id": "song"}, "track"),
    (UploadAndCoverAudioOperator, CUSTOM, "upload_url"),
    (UploadAndExtendAudioOperator, {**CUSTOM, "upload_url": "https://x/y.mp3"}, "continue_at"),
    (GeneratePersonaOperator, PERSONA, "audio_id"),
    (GeneratePersonaOperator, PERSONA, "music_task_id"),
    (GeneratePersonaOperator, PERSONA, "track"),
    (GeneratePersonaOperator, PERSONA, "vocal_start"),
    (UploadFileOperator, {"source": "https://x/y.mp3"}, "folder"),
    (UploadFileOperator, {}, "source"),
    (MusicTaskSensor, {}, "music_task_id"),
    (MusicTaskSensor, {"music_task_id": "song"}, "until"),
    (JobSensor, {"kind": "wav", "job_id": "j"}, "keep_at"),
    (ConvertToWavOperator, {"music_task_id": "song", "audio_id": "a"}, "if_exists"),
    (BoostStyleOperator, {"content": "pop"}, "on_lost_reply"),
]


def submissions(sim: RunningSimulator) -> list[str]:
    return [request["path"] for request in sim.ledger()["requests"] if request["method"] == "POST"]


def a_run(schedule: Schedule, **fields: Any) -> Any:
    """Run a generation to its end, whose Dag may render native objects."""
    native = fields.pop("native", False)
    with DAG("given", schedule=None, render_template_as_native_obj=native) as dag:
        GenerateMusicOperator(task_id="it", **{**CUSTOM, **fields})
    return schedule(dag).run()


def sent(sim: RunningSimulator) -> dict[str, Any]:
    """Return the body of the last submission, as the service keeps it."""
    record = SunoHook().get_music_task(sim.ledger()["songs"][-1]["music_task_id"])
    assert record is not None
    return record.parameters


def test_what_resolves_to_nothing_is_named_and_nothing_is_sent(
    sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    known, names = song(), dict[str, str]()
    with DAG("given", schedule=None, default_args=RETRY) as dag:
        nothing = find()
        kwargs = find.override(task_id="kwargs")

        def given(row: tuple[Any, dict[str, Any], str], how: str) -> tuple[Any, dict[str, Any], str]:
            operator, others, name = row
            task_id = f"{how}_{operator.__name__}_{name}"
            names[task_id] = name
            others = {key: known if value == "song" else value for key, value in others.items() if key != name}
            return operator, {"task_id": task_id, **others}, name

        for row in OPERATORS:
            operator, others, name = given(row, "xcom")
            operator(**others, **{name: nothing})
        for row in OPERATORS[::3]:
            operator, others, name = given(row, "template")
            operator(**others, **{name: CONF})
        for row in (OPERATORS[1], OPERATORS[14]):
            operator, others, name = given(row, "mapped")
            operator.partial(**others).expand_kwargs(kwargs([{name: None}]))
            operator, others, name = given(row, "group")

            @task_group(group_id=f"in_{name}")
            def group(value: Any) -> None:
                operator(**others, **{name: value})  # noqa: B023 - called at once

            group.expand(value=find.override(task_id=f"find_{name}")([None]))
    before = submissions(sim)
    run = schedule(dag).run()
    assert submissions(sim) == before
    for task_id, name in names.items():
        task_id = f"in_{name}.{task_id}" if task_id.startswith("group") else task_id
        template = task_id.startswith("template")
        assert (run.state(task_id), run.tries(task_id)) == (["failed"], [1]), task_id
        said = str(run.error(task_id))
        assert "Nothing was sent or charged: an argument was given, but is empty." in said
        assert f"\n  {name}: it resolved to {repr('None') if template else 'None'}. " in said
        assert (f"reads: {CONF}." if template else "It comes from task ") in said


def test_every_kind_of_nothing(sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("given", schedule=None) as dag:
        for number, value in enumerate(EMPTY):
            found = find.override(task_id=f"find_{number}")(value)
            GenerateMusicOperator(task_id=f"it_{number}", **CUSTOM, persona_id=found)
    run = schedule(dag).run()
    for number, value in enumerate(EMPTY):
        said = f"persona_id: it resolved to {value!r}. It comes from task 'find_{number}': did that fail"
        assert said in str(run.error(f"it_{number}"))
    assert not submissions(sim)


def test_an_upstream_task_that_was_skipped(sim: RunningSimulator, schedule: Schedule) -> None:
    """The everyday way to a persona that is not there: ``none_failed`` behind a persona with ``if_exists='skip'``."""

    @task
    def skip() -> None:
        raise AirflowSkipException

    with DAG("given", schedule=None) as dag:
        GenerateMusicOperator(task_id="it", **CUSTOM, persona_id=skip(), trigger_rule="none_failed")
    run = schedule(dag).run()
    assert run.state("it") == ["failed"]
    assert "It comes from task 'skip': did that fail, was it skipped" in str(run.last_error)
    assert not submissions(sim)


def test_what_is_empty_inside_of_an_argument(sim: RunningSimulator, schedule: Schedule) -> None:
    run = a_run(schedule, extra_fields={"seed": CONF, "deep": {"lyrics": find()}, "list": [CONF]})
    assert "extra_fields['seed']: it resolved to 'None'" in str(run.last_error)
    assert "extra_fields['list'][0]: it resolved to 'None'" in str(run.last_error)
    assert "extra_fields['deep']['lyrics']: it resolved to None. It comes from task 'find'" in str(run.last_error)
    for value, where in (({}, ""), ({"seed": None}, "['seed']"), ({"a": [{"b": None}]}, "['a'][0]['b']")):
        error = a_run(schedule, extra_fields=find(value)).last_error
        assert f"extra_fields{where}: it resolved to {'{}' if value == {} else None}. It comes from task" in str(error)
    assert not submissions(sim)


@pytest.mark.parametrize("template", ["{{ [] }}", "{{ {} }}", "{{ [none] }}", f"{CONF}, {CONF}", "{{ 'nan' }}"])
def test_a_text_that_is_made_of_nothing(template: str, sim: RunningSimulator, schedule: Schedule) -> None:
    assert "title: it resolved to" in str(a_run(schedule, title=template).last_error)
    assert not submissions(sim)


def test_a_text_with_a_part_of_nothing_is_warned_of(sim: RunningSimulator, schedule: Schedule) -> None:
    for expression in (CONF, "{{ dag_run.conf.get('x', None) }}"):
        said = a_run(schedule, title=f"Song: {expression}").said()
        assert f"title: {expression} resolved to nothing in 'Song: None'" in said
    whole = "{{ dag_run.conf.get('x') or 'None of us' }}"
    fine = a_run(schedule, title=whole, prompt=f"None of us, {whole}", negative_tags="a{{ '' }}").said()
    assert "resolved to nothing" not in fine
    assert charges(sim) == [1, 1, 1]


class Renaming(GenerateMusicOperator):
    """A user's operator with names of its own."""

    def __init__(self, *, voice: Any = None, **kwargs: Any) -> None:
        super().__init__(persona_id=voice, **kwargs)


class Joining(GenerateMusicOperator):
    """A user's operator that makes one of our arguments of its own, which may be empty."""

    def __init__(
        self, *, mood: Any = None, tags: Any = (), artist: Any = "us", genre: Any = None, **kwargs: Any
    ) -> None:
        style = ", ".join(filter(None, (mood, *tags))) or "folk"
        super().__init__(style=style, title=f"Song of {artist}", negative_tags=genre, **kwargs)


class Naming(GenerateMusicOperator):
    """A user's operator that writes one of its own arguments into one of ours."""

    def __init__(self, *, artist: Any = "us", genre: Any = None, **kwargs: Any) -> None:
        super().__init__(title=f"Song of {artist}", negative_tags=genre, **kwargs)


class Setting(GenerateMusicOperator):
    """A user's operator that sets a template."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.title = CONF


@pytest.mark.parametrize(
    "how", ["plain", "partial", "partial template", "expand", "expand_kwargs", "set", "set, mapped"]
)
def test_a_subclass_with_names_of_its_own(how: str, sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("given", schedule=None) as dag:
        match how:
            case "plain":
                Renaming(task_id="it", **CUSTOM, voice=find())
            case "partial":
                Renaming.partial(task_id="it", **CUSTOM, voice=find()).expand(negative_tags=["a"])
            case "partial template":
                Renaming.partial(task_id="it", **CUSTOM, voice=CONF).expand(negative_tags=["a"])
            case "expand":
                Renaming.partial(task_id="it", **CUSTOM).expand(voice=find([None]))
            case "a list":
                Renaming.partial(task_id="it", **CUSTOM).expand(voice=[find()])
            case "expand_kwargs":
                Renaming.partial(task_id="it", **CUSTOM).expand_kwargs(find([{"voice": None}]))
            case "set":
                Setting(task_id="it", **CUSTOM)
            case "set, mapped":
                Setting.partial(task_id="it", **CUSTOM).expand(negative_tags=["a"])
    run = schedule(dag).run()
    assert run.state("it") == ["failed"]
    assert re.search("(voice|persona_id|title): it resolved to ('None'|None)", str(run.last_error))
    assert not submissions(sim)


def test_what_a_subclass_does_with_its_own_arguments_is_its_own_affair(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    absent = "{{ params.get('g') or '' }}"
    with DAG("given", schedule=None) as dag:
        rows = find.override(task_id="rows")([{"prompt": "la", "mood": None, "tags": []}])
        Joining.partial(task_id="joining", model="V5").expand_kwargs(rows)
        Naming.partial(task_id="naming", model="V5", style="folk", genre=absent).expand(prompt=["la"])
        Naming.partial(task_id="none", model="V5", style="folk", prompt="la").expand(artist=[CONF])
    run = schedule(dag).run()
    assert [run.state(name) for name in ("joining", "naming", "none")] == [["success"]] * 3
    assert f"title: {CONF} resolved to nothing in 'Song of None'" in run.said()


def test_a_callable_is_rendered_and_may_come_up_empty(sim: RunningSimulator, schedule: Schedule) -> None:
    assert a_run(schedule, title=lambda context, jinja_env: "Called").state("it") == ["success"]
    assert sent(sim)["title"] == "Called"
    error = a_run(schedule, persona_id=lambda context, jinja_env: None).last_error
    assert "persona_id: it resolved to None. Check what the Dag gives it" in str(error)
    with DAG("given", schedule=None) as dag:
        partial = GenerateMusicOperator.partial(task_id="it", **CUSTOM, persona_id=lambda context, jinja_env: None)
        partial.expand(negative_tags=["a"])
    assert "persona_id: it resolved to None" in str(schedule(dag).run().last_error)
    assert charges(sim) == [1]


def test_a_text_that_may_be_absent_is_written_as_such(sim: RunningSimulator, schedule: Schedule) -> None:
    absent = "{{ dag_run.conf.get('x') or '' }}"
    run = a_run(schedule, style=absent, title=absent, negative_tags=absent, prompt="rain")
    assert run.state("it") == ["success"]
    assert "style" not in sent(sim)
    assert sent(sim)["customMode"] is False
    for name in ("persona_id", "music_task_id", "vocal_gender"):
        assert f"{name}: it resolved to ''" in str(a_run(schedule, **{name: absent}).last_error)
    assert charges(sim) == [1]


def test_a_literal_none_is_not_given_and_a_literal_blank_is_wrong(sim: RunningSimulator, schedule: Schedule) -> None:
    with pytest.raises(SunoValidationError, match=r"negative_tags: must not be empty\. Leave it out or pass None"):
        a_run(schedule, negative_tags=" ")
    run = a_run(schedule, persona_id=None, music_task_id=None, negative_tags=None, title="None")
    assert run.state("it") == ["success"]
    assert "personaId" not in sent(sim)
    assert sent(sim)["title"] == "None"


AS_TEXT = [
    ("title", "1984", "1984"),
    ("title", "'Heroes'", "'Heroes'"),
    ("prompt", "1989", "1989"),
    ("prompt", "1, 2, 3", "1, 2, 3"),
    ("prompt", "[1]", "[1]"),
    ("style", "{{ 3.10 }}", "3.1"),
    ("title", "{{ '0x10' }}", "0x10"),
    ("negative_tags", "{{ 'None of that' }}", "None of that"),
    ("style_weight", "{{ 0.5 }}", 0.5),
    ("extra_fields", {"seed": "{{ 5 }}"}, 5),
    ("extra_fields", "{{ {'seed': 5} }}", 5),
]


def test_text_is_text_in_a_dag_that_renders_native_objects(sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("given", schedule=None, render_template_as_native_obj=True) as dag:
        for number, (name, written, _) in enumerate(AS_TEXT):
            GenerateMusicOperator(task_id=f"it_{number}", **{**CUSTOM, name: written})
    run = schedule(dag).run()
    for number, (name, written, in_body) in enumerate(AS_TEXT):
        assert run.state(f"it_{number}") == ["success"], run.error(f"it_{number}")
        record = SunoHook().get_music_task(run.xcom(f"it_{number}"))
        assert record is not None
        in_api = {"style_weight": "styleWeight", "negative_tags": "negativeTags", "extra_fields": "seed"}
        assert record.parameters[in_api.get(name, name)] == in_body, written


@pytest.mark.usefixtures("sim", "short_clocks")
def test_an_id_of_digits_is_text_in_a_dag_that_renders_native_objects(schedule: Schedule) -> None:
    """Native rendering reads 123e123 as a float, and 32 digits as a number."""
    ids = ["12345678901234567890123456789012", "123e123", "1_000"]

    @task
    def find_id(number: int) -> str:
        """Return an id that was no argument of this task, as native rendering would have read it here already."""
        return ids[number]

    with DAG("given", schedule=None, render_template_as_native_obj=True) as dag:
        for number, music_task_id in enumerate(ids):
            found = find_id.override(task_id=f"find_{number}")(number)
            ways = [f"{{{{ ti.xcom_pull('find_{number}') }}}}", music_task_id, found]
            # Each id in each of the ways, in turn to the operator and to the sensor.
            of_the_operator, of_the_sensor, another = ways[number:] + ways[:number]
            found >> GenerateMusicOperator(task_id=f"it_{number}", music_task_id=of_the_operator)
            found >> MusicTaskSensor(task_id=f"wait_{number}", music_task_id=of_the_sensor)
            found >> GenerateMusicOperator(task_id=f"other_{number}", music_task_id=another)
    run = schedule(dag).run()
    for number, music_task_id in enumerate(ids):
        for name in (f"it_{number}", f"wait_{number}", f"other_{number}"):
            assert f"does not know music task {music_task_id}, and did not for" in str(run.error(name))


def test_what_native_rendering_has_spoilt_for_good_names_the_flag(sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("given", schedule=None, render_template_as_native_obj=True) as dag:
        GenerateMusicOperator(task_id="it", **{**CUSTOM, "title": find("123e123")})  # native in the task upstream
    run = schedule(dag).run()
    assert run.state("it") == ["failed"]
    assert "title: must be one string, not float" in run.said()
    assert "render_template_as_native_obj" in run.said()
    assert charges(sim) == []


def test_lyrics_may_stand_in_a_file(sim: RunningSimulator, schedule: Schedule, tmp_path: Path) -> None:
    (tmp_path / "lyrics.txt").write_text("[Verse]\nThe {{ 1 + 1 }} of us\n")
    for native in (False, True):
        with DAG(
            "given", schedule=None, template_searchpath=[str(tmp_path)], render_template_as_native_obj=native
        ) as dag:
            GenerateMusicOperator(task_id="it", **{**CUSTOM, "prompt": "lyrics.txt"})
        schedule(dag).run()
        assert sent(sim)["prompt"] == "[Verse]\nThe 2 of us"
    (tmp_path / "empty.txt").write_text(CONF)
    with DAG("given", schedule=None, template_searchpath=[str(tmp_path)]) as dag:
        GenerateMusicOperator(task_id="it", **{**CUSTOM, "prompt": "empty.txt"})
    assert "prompt: it resolved to 'None'" in str(schedule(dag).run().last_error)
    for missing in ("other.lrc", "other.md"):
        with DAG("given", schedule=None, template_searchpath=[str(tmp_path)]) as dag:
            GenerateMusicOperator(task_id="it", **{**CUSTOM, "prompt": missing})
        run = schedule(dag).run()
        assert run.state("it") == ["failed"]
        assert missing in str(run.last_error)
    assert charges(sim) == [1, 1]


def test_a_music_task_that_is_handed_in_has_to_be_known(
    sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    run = a_run(schedule, music_task_id="anything")
    assert (run.state("it"), run.tries("it")) == (["failed"], [1])
    assert "does not know music task anything" in str(run.last_error)
    known = song()
    reads = sum(request["method"] == "GET" for request in sim.ledger()["requests"])
    assert a_run(schedule, music_task_id=f" {known}\n").xcom("it") == known
    assert sum(request["method"] == "GET" for request in sim.ledger()["requests"]) == reads + 1
    assert charges(sim) == [1]


def test_a_wrong_field_is_said_once_and_without_our_own_frames(sim: RunningSimulator, schedule: Schedule) -> None:
    run = a_run(schedule, prompt="{{ 'x' * 501 }}", style=None, title=None)
    error = run.last_error
    assert isinstance(error, AirflowFailException)
    cause = error.__cause__
    assert isinstance(cause, SunoValidationError)
    assert cause.message == str(error)
    shown = "".join(traceback.format_exception(error))
    assert shown.count("prompt: 501 characters; model V5 takes at most 500") == 1
    ours = [
        frame.name for frame in traceback.extract_tb(error.__traceback__) if "airflow_provider_suno" in frame.filename
    ]
    assert ours == ["with_errors_for_airflow"]
    assert cause.__traceback__ is None
    assert not submissions(sim)


VOICE = {"phrase_job_id": "p", "verify_url": "https://x/a.wav"}
MASHUP = {"model": "V5", "prompt": "both"}
WRONG: list[tuple[type[BaseOperator], dict[str, Any], str]] = [
    (GenerateMusicOperator, {"prompt": "rain"}, "model: required"),
    (GenerateMusicOperator, {"model": "V5", "prompt": "x" * 501}, "prompt: 501 characters; model V5 takes at most 500"),
    (GenerateMusicOperator, {"model": "{{ x }}", "prompt": "x" * 3001}, "prompt: 3001 characters; any model takes"),
    (GenerateMusicOperator, {**CUSTOM, "until": "some"}, "until: must be 'all' or 'first', got 'some'"),
    (GenerateMusicOperator, {**CUSTOM, "on_lost_reply": "retry"}, "on_lost_reply: must be one of"),
    (GenerateMusicOperator, {**CUSTOM, "custom_mode": False}, "style: works only in custom mode"),
    (GenerateMusicOperator, {**CUSTOM, "wait_timeout": "soon"}, "wait_timeout: must be a number of seconds"),
    (UploadAndCoverAudioOperator, {**CUSTOM, "upload_url": "/tmp/x.mp3"}, "upload_url: must be an http or https URL"),
    (ExtendMusicOperator, {"audio_id": "a", "model": "V5", "style": "folk"}, "title: needed with default_param_flag"),
    (ExtendMusicOperator, {"source_music_task_id": "m", "track": "x"}, "track: must be a whole number"),
    (ExtendMusicOperator, {"model": "V5"}, "audio_id: required"),
    (GeneratePersonaOperator, {**PERSONA, "name": " "}, "name: must not be empty"),
    (GeneratePersonaOperator, {**PERSONA, "if_exists": "replace"}, "if_exists: must be one of ('fail', 'skip')"),
    (GeneratePersonaOperator, {**PERSONA, "vocal_start": 5, "vocal_end": 9}, "vocal_end: the window"),
    (GeneratePersonaOperator, {**PERSONA, "track": -1}, "track: must be a whole number"),
    (GeneratePersonaOperator, {**PERSONA, "music_task_id": ["a", "b"]}, "music_task_id: must be one string, not list"),
    (UploadFileOperator, {"source": "/a.mp3", "method": "s3"}, "method: must be one of ('stream', 'base64', 'url')"),
    (UploadFileOperator, {"source": "{{ x }}", "method": "s3"}, "method: must be one of ('stream', 'base64', 'url')"),
    (UploadFileOperator, {"source": "https://x/a.mp3", "method": "stream"}, "method: 'stream' sends a file"),
    (UploadFileOperator, {"source": " "}, "source: must not be empty"),
    (UploadFileOperator, {"source": "https://x:port/"}, "source: must be an http or https URL"),
    (UploadFileOperator, {"source": find(), "folder": 7}, "folder: must be text, got 7"),
    (MusicTaskSensor, {"music_task_id": "m", "poke_interval": 0}, "poke_interval: must be a number of seconds above 0"),
    (MusicTaskSensor, {"music_task_id": "m", "until": "some"}, "until: must be 'all' or 'first', got 'some'"),
    (MusicTaskSensor, {"music_task_id": " "}, "music_task_id: must not be empty"),
    (MusicTaskSensor, {"music_task_id": "m", "deferrable": "False"}, "deferrable: must be True or False"),
    (GenerateMusicOperator, {**CUSTOM, "wait_for_completion": "{{ x }}"}, "wait_for_completion: must be True or False"),
    (GenerateMusicOperator, {**CUSTOM, "suno_conn_id": None}, "suno_conn_id: must be the id of a connection"),
    (ExtendMusicOperator, {"source_music_task_id": "undefined"}, "source_music_task_id: is not an id"),
    (GenerateMusicOperator, {**CUSTOM, "wait_for_completion": "False"}, "wait_for_completion: must be True or False"),
    (GenerateMusicOperator, {**CUSTOM, "persona_id": "None"}, "persona_id: is not an id: a value that it was made"),
    (GenerateMusicOperator, {**CUSTOM, "extra_fields": {"persona_id": "a"}}, "'persona_id' is a parameter"),
    (GenerateMusicOperator, {"model": "V5", "prompt": "la", "title": ""}, "title: must not be empty"),
    (GeneratePersonaOperator, {**PERSONA, "audio_id": "a", "track": 1}, "track: 1 beside audio_id='a'"),
    (ExtendMusicOperator, {"source_music_task_id": "m", "audio_id": "a", "track": 1}, "track: 1 beside audio_id='a'"),
    (
        GenerateMidiOperator,
        {"stems_job_id": {"vocal": "u"}},
        "must be one string, not dict; the id is the XCom of that",
    ),
    (
        GenerateMidiOperator,
        {"stems_job_id": "https://x/a.mp3"},
        "stems_job_id: is a URL, not an id; the id is the XCom",
    ),
    (
        GenerateVoiceOperator,
        {**VOICE, "phrase_job_id": "Sing of rain"},
        "phrase_job_id: is a text, not an id; the id is",
    ),
    (
        GenerateVoiceOperator,
        {**VOICE, "verify_url": "a.wav"},
        "URL (UploadFileOperator uploads a local file and returns",
    ),
    (
        GenerateMashupOperator,
        {**MASHUP, "upload_url_list": ["https://x/a"]},
        "upload_url_list: 1 URLs; a mashup",
    ),
    (GenerateSoundsOperator, {"prompt": ["a", "b"]}, "for several, map the task over them with expand(), or"),
    (GenerateSoundsOperator, {"prompt": "bell", "sound_key": "Db"}, "with m after it for minor (no flats: C# for Db)"),
    (
        GenerateSoundsOperator,
        {"prompt": "bell", "sound_loop": "maybe"},
        "sound_loop: must be True or False, got 'maybe'",
    ),
]


@pytest.mark.parametrize(("operator", "fields", "problem"), WRONG)
def test_wrong_literals_are_refused_when_the_dag_is_parsed(operator: Any, fields: dict[str, Any], problem: str) -> None:
    with DAG("given", schedule=None), pytest.raises(SunoValidationError, match=re.escape(problem)):
        operator(task_id="it", **fields)


@pytest.mark.parametrize(
    ("operator", "partial", "expand", "problem"),
    [
        (GenerateMusicOperator, {}, {"prompt": ["rain"]}, "model: required"),
        (GenerateMusicOperator, {"model": "V5"}, {"prompt": ["rain", "x" * 501]}, "prompt: 501 characters"),
        (
            GenerateMusicOperator,
            {"model": "V5", "until": "some"},
            {"prompt": find()},
            "until: must be 'all' or 'first'",
        ),
        (GenerateMusicOperator, CUSTOM, {"persona_id": ["a", ""]}, "persona_id: must not be empty"),
        (GenerateMusicOperator, CUSTOM, [{"style_weight": 0.5}, {"style_weight": 3}], "style_weight: must be less"),
        (ExtendMusicOperator, {}, {"audio_id": ["a", "b"]}, "model: required"),
        (
            UploadAndCoverAudioOperator,
            {"model": "V5", "prompt": "x"},
            {"upload_url": ["/a.mp3"]},
            "upload_url: must be",
        ),
        (GeneratePersonaOperator, {**PERSONA, "if_exists": "x"}, {"audio_id": find()}, "if_exists: must be one of"),
        (GeneratePersonaOperator, PERSONA, {"track": [0, -1]}, "track: must be a whole number"),
        (UploadFileOperator, {"method": "s3"}, {"source": find()}, "method: must be one of"),
        (MusicTaskSensor, {"timeout": -3}, {"music_task_id": find()}, "timeout: must be a number of seconds"),
        (MusicTaskSensor, {}, {"music_task_id": ["m", " "]}, "music_task_id: must not be empty"),
    ],
)
def test_wrong_literals_of_mapped_tasks_are_refused_when_the_dag_is_parsed(
    operator: Any, partial: dict[str, Any], expand: Any, problem: str
) -> None:
    with DAG("given", schedule=None):
        mapped = operator.partial(task_id="it", **partial)
        with pytest.raises(SunoValidationError, match=re.escape(problem)):
            mapped.expand_kwargs(expand) if isinstance(expand, list) else mapped.expand(**expand)


def test_default_args_that_airflow_would_leave_out_of_a_mapped_task_are_refused() -> None:
    with DAG("given", schedule=None):
        GenerateMusicOperator.partial(task_id="a", **CUSTOM, default_args={"retries": 3}).expand(persona_id=find())
        with pytest.raises(SunoValidationError, match="until: must be 'all' or 'first'"):
            GenerateMusicOperator.partial(task_id="d", until="some").expand_kwargs(find())
        with pytest.raises(ValueError, match="Airflow drops wait_for_completion from the default_args"):
            GenerateMusicOperator.partial(task_id="c", **CUSTOM, default_args={"wait_for_completion": True})
        with pytest.raises(ValueError, match="Airflow drops persona_id from the default_args of a mapped"):
            GenerateMusicOperator.partial(task_id="b", model="V5", default_args={"persona_id": find(), "retries": 3})


def test_what_is_not_known_when_the_dag_is_parsed_is_left_for_the_run() -> None:
    with DAG("given", schedule=None):
        GenerateMusicOperator(task_id="a", model="{{ x }}", prompt="x" * 501)
        GenerateMusicOperator(task_id="b", **{**CUSTOM, "custom_mode": "{{ x }}"})
        GenerateMusicOperator(task_id="c", music_task_id="{{ x }}")
        UploadAndCoverAudioOperator(task_id="d", model="V5", prompt="rain", upload_url=find())
        ExtendMusicOperator(task_id="e", source_music_task_id="{{ x }}")
        GenerateMusicOperator.partial(task_id="f").expand(model=["V5"], prompt=["rain"])
        GenerateMusicOperator.partial(task_id="l").expand_kwargs(find())
        ExtendMusicOperator.partial(task_id="m").expand(source_music_task_id=find())
        GeneratePersonaOperator.partial(task_id="n", **PERSONA).expand(audio_id=["{{ x }}", "b"])
        MusicTaskSensor.partial(task_id="o", poke_interval=30).expand(music_task_id=find())
        GeneratePersonaOperator(
            task_id="h", **{**PERSONA, "music_task_id": find()}, vocal_end="{{ x }}", vocal_start=25
        )
        UploadFileOperator(task_id="i", source=find(), method="url")
        UploadFileOperator(task_id="k", source="/not/there.mp3", folder="{{ x }}")
        UploadFileOperator.partial(task_id="q").expand_kwargs([{"name": "x.mp3", "source": "{{ x }}"}])
        GenerateMusicOperator(task_id="r", **CUSTOM, deferrable=None, wait_for_completion=None)
        MusicTaskSensor(task_id="j", music_task_id=find(), until="{{ x }}")

    class Ours(GenerateMusicOperator):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.model = "V5"

    with DAG("given", schedule=None):
        Ours(task_id="g", prompt="rain")
        Ours.partial(task_id="h").expand(prompt=["rain"])
    with DAG("given", schedule=None, default_args={"model": "V5", "style": "{{ x }}"}):
        GenerateMusicOperator.partial(task_id="a").expand(prompt=["x" * 501])


def test_deferrable_without_waiting_is_warned_of_when_the_dag_is_parsed() -> None:
    with DAG("given", schedule=None):
        with pytest.warns(UserWarning, match="it: deferrable=True has no effect, since this task does not wait"):
            GenerateMusicOperator(task_id="it", **CUSTOM, deferrable=True)
        with pytest.warns(UserWarning, match="on: deferrable=True has no effect, since this task does not wait"):
            GenerateMusicOperator.partial(task_id="on", **CUSTOM, deferrable=True).expand(persona_id=["p"])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            GenerateMusicOperator(task_id="that", **CUSTOM, deferrable=True, wait_for_completion=True)


@pytest.mark.parametrize(
    ("operator", "fields", "hint"),
    [
        (GenerateMusicOperator, {**CUSTOM, "conn_id": "x"}, "conn_id: did you mean suno_conn_id?"),
        (GenerateMusicOperator, {**CUSTOM, "promt": "x", "retries": 1}, "promt: did you mean prompt?"),
        (GeneratePersonaOperator, {**PERSONA, "connection_id": "x"}, "connection_id: did you mean suno_conn_id?"),
        (
            GenerateMidiOperator,
            {"stems_job_id": "s", "music_task_id": "m"},
            "music_task_id: did you mean stems_job_id?",
        ),
        (BoostStyleOperator, {"style": "pop"}, "style: did you mean content?"),
        (UploadFileOperator, {"source": "x", "http_conn_id": "x"}, "http_conn_id: did you mean suno_conn_id?"),
        (MusicTaskSensor, {"music_task_id": "m", "conn_id": "x"}, "conn_id: did you mean suno_conn_id?"),
        (MusicTaskSensor, {"musicTaskId": "m", "music_task_id": "m"}, "musicTaskId: did you mean music_task_id?"),
        (GenerateMusicOperator, {**CUSTOM, "deferable": "task_id"}, "deferable: did you mean deferrable?"),
        (GenerateMusicOperator, {**CUSTOM, "voice": "x"}, "voice: did you mean persona_id?"),
        (UploadFileOperator, {"source": "x", "path": "x"}, "path: did you mean source?"),
    ],
)
def test_an_unknown_argument_gets_a_hint_and_a_known_one_none(operator: Any, fields: dict[str, Any], hint: str) -> None:
    with pytest.raises(TypeError) as caught:
        operator(task_id="it", **fields)
    assert str(caught.value).endswith(f"}} {hint}")
    with pytest.raises(TypeError) as caught:
        operator.partial(task_id="it", **fields)
    assert str(caught.value).endswith(f"' {hint}")


def test_mapping_over_a_named_key_gets_a_hint() -> None:
    with DAG("given", schedule=None):
        generate = GenerateMusicOperator(task_id="generate", **CUSTOM)
        for mapped, name in (
            (GeneratePersonaOperator.partial(task_id="a", **PERSONA), "audio_id"),
            (MusicTaskSensor.partial(task_id="b"), "music_task_id"),
        ):
            with pytest.raises(ValueError, match=r"custom key 'audio_ids'.*\.expand\(audio_id=wait\.output\)"):
                mapped.expand(**{name: generate.output["audio_ids"]})
            with pytest.raises(ValueError, match=r"custom key 'fields'.*\.expand\(audio_id=wait\.output\)"):
                mapped.expand_kwargs(generate.output["fields"])
            with pytest.raises(TypeError, match="conn_id: did you mean suno_conn_id"):
                mapped.expand(conn_id=["a"])
            assert repr(copy(mapped)) == repr(mapped._partial)
            mapped._partial._expand_called = True  # so that Airflow does not warn of it


def test_several_music_tasks_for_one_sensor_get_a_hint(sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("given", schedule=None) as dag:
        songs = GenerateMusicOperator.partial(task_id="songs", model="V5").expand(prompt=["rain", "snow"])
        MusicTaskSensor(task_id="wait", music_task_id=songs.output)
    run = schedule(dag).run()
    assert run.state("wait") == ["failed"]
    assert "must be one string, not several values (of a mapped task); for several, map the task" in run.said()
    assert ".expand(music_task_id=songs.output) where songs is a mapped task" in run.said()


def test_one_bad_prompt_leaves_the_other_songs_waited_for(sim: RunningSimulator, schedule: Schedule) -> None:
    """In the shape that the guide and the album example show: a mapped group of a submission and its wait."""
    with DAG("given", schedule=None) as dag:

        @task_group
        def song(prompt: str) -> None:
            generate = GenerateMusicOperator(task_id="generate", model="V5", prompt=prompt)
            MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)

        song.expand(prompt=["rain", "x" * 501, "snow"])
    run = schedule(dag).run()
    assert run.state("song.generate") == ["success", "failed", "success"]
    assert run.state("song.wait") == ["success", "upstream_failed", "success"]
    assert charges(sim) == [1, 1]


@pytest.mark.parametrize("where", ["Dag", "group"])
def test_default_args_of_a_mapped_task_are_given_too(where: str, sim: RunningSimulator, schedule: Schedule) -> None:
    """Airflow gives them to the task only when it is built for one of several."""
    defaults = {"style": CONF, "title": CONF}
    in_the_dag, in_the_group = (defaults, {}) if where == "Dag" else ({}, defaults)
    with (
        DAG("given", schedule=None, default_args=in_the_dag) as dag,
        TaskGroup("group", default_args=in_the_group),
    ):
        GenerateMusicOperator.partial(task_id="it", model="V5").expand(prompt=["rain"])
    run = schedule(dag).run()
    assert run.state("group.it") == ["failed"]
    assert "style: it resolved to 'None'" in str(run.last_error)
    assert charges(sim) == []


@pytest.mark.parametrize("name", ["persona_id", "music_task_id"])
def test_a_blank_literal_leaves_no_id_out(name: str, sim: RunningSimulator, schedule: Schedule) -> None:
    """As in ``persona_id=os.environ.get("PERSONA", "")``."""

    class Ours(GenerateMusicOperator):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    with DAG("given", schedule=None), pytest.raises(SunoValidationError, match=f"{name}: must not be empty"):
        GenerateMusicOperator(task_id="it", **CUSTOM, **{name: ""})
    with DAG("given", schedule=None) as dag:
        Ours(task_id="it", **CUSTOM, **{name: ""})
    run = schedule(dag).run()
    assert f"{name}: must not be empty. Leave it out" in str(run.last_error)
    assert charges(sim) == []


@pytest.mark.parametrize("operator", [ExtendMusicOperator, GeneratePersonaOperator])
def test_a_blank_literal_is_not_track_0(operator: Any) -> None:
    fields = PERSONA if operator is GeneratePersonaOperator else {"source_music_task_id": "m"}
    with DAG("given", schedule=None), pytest.raises(SunoValidationError, match="audio_id: must not be empty"):
        operator(task_id="it", **fields, audio_id="")


def test_a_literal_none_among_values_to_map_over_is_not_given(sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("given", schedule=None) as dag:
        GenerateMusicOperator.partial(task_id="it", **CUSTOM).expand(persona_id=[None, CONF])
    assert schedule(dag).run().state("it") == ["success", "failed"]
    assert charges(sim) == [1]


def test_text_to_map_over_is_text_in_a_dag_that_renders_native_objects(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    titles = ["1_000", "0x10", "None", "True", "1.5", "123e123", "'quoted'", "{{ '007' }}"]
    with DAG("given", schedule=None, render_template_as_native_obj=True) as dag:
        GenerateMusicOperator.partial(task_id="it", model="V5", style="folk", prompt="la").expand(title=titles)
    schedule(dag).run()
    records = [SunoHook().get_music_task(song["music_task_id"]) for song in sim.ledger()["songs"]]
    assert sorted(record.parameters["title"] for record in records if record) == sorted([*titles[:-1], "007"])
