"""No object, error or log of this provider shows the key, whatever the service answers."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import pickle
import pprint
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import pytest
import rich.console
import rich.traceback
from airflow.sdk import DAG, serde

from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.http.uploads import MultipartStream
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.triggers import account
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger
from tests.support.jobs import MUSIC
from tests.support.secrets.awkward import CASES, LATE, AwkwardService
from tests.support.secrets.bad_connections import bad_connections
from tests.support.secrets.forms import Seeker, new_key

pytestmark = pytest.mark.secrets

PROXY_PASSWORD = new_key("proxy")
PROXY = f"http://user:{quote(PROXY_PASSWORD, safe='')}@proxy.invalid:1"
CALLBACK_SECRET = new_key("callback")
CONN_ID = "suno_marked"
CALLS: dict[str, Callable[[SunoHook], Any]] = {
    "submit": lambda hook: hook.generate_music(model="V5", prompt="rain"),
    "extend": lambda hook: hook.extend_music(source_music_task_id="job-1", prompt="more"),
    "read": lambda hook: hook.get_music_task("job-1"),
    "persona": lambda hook: hook.generate_persona(music_task_id="job", audio_id="a", name="n", description="d"),
    "upload": lambda hook: hook.upload("https://media.invalid/hum.wav"),
    "credits": lambda hook: hook.get_credits(),
}


@pytest.fixture(scope="module")
def key() -> str:
    return new_key("process")


@pytest.fixture(scope="module")
def seeker(key: str) -> Seeker:
    return Seeker({"key": key, "proxy password": PROXY_PASSWORD, "callback secret": CALLBACK_SECRET})


@pytest.fixture(scope="module")
def service() -> Iterator[AwkwardService]:
    with AwkwardService() as running:
        yield running


@pytest.fixture
def connect(key: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SunoHook]:
    """Return what makes a hook whose clients never wait between two sends."""
    monkeypatch.setattr(Cancellation, "pause", lambda *_: None)

    def make(host: str, password: str = key, **extra: Any) -> SunoHook:
        extra = {"callback_secret": CALLBACK_SECRET, "timeout": 0.3, **extra}
        connection = {"conn_type": "suno", "host": host, "password": password, "extra": extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps(connection))
        return SunoHook(CONN_ID)

    return make


def caught(call: Callable[[], Any]) -> BaseException | None:
    """Return what a call raises, with a traceback that begins here."""
    try:
        call()
    except BaseException as error:
        return error
    return None


def told_by(error: BaseException) -> Iterator[tuple[str, bytes | str]]:
    """Yield all texts that logs, error trackers and debuggers make of an error."""
    yield "str", str(error)
    yield "repr", repr(error)
    yield "traceback", "".join(traceback.format_exception(error))
    yield "locals", "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    yield "pickle", pickle.dumps(error)
    for n, link in enumerate(chain_of(error)):
        yield f"chain {n}", f"{link!r} {link.args} {vars(link)}"
        yield f"chain {n}, request", str(vars(getattr(link, "request", None) or object) or "")
        yield f"chain {n}, locals", "".join(map(repr, locals_of(link.__traceback__)))


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and all errors that it refers to, shown in a traceback or not."""
    found = [error]
    for link in found:
        nested = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        found += [other for other in nested if isinstance(other, BaseException) and other not in found]
    return found


def locals_of(frames: TracebackType | None) -> Iterator[dict[str, Any]]:
    while frames is not None:
        yield {name: value for name, value in frames.tb_frame.f_locals.items() if name != "self"}
        frames = frames.tb_next


def assert_silent(error: BaseException, seeker: Seeker) -> None:
    leaks = {place: found for place, text in told_by(error) if (found := seeker.find(text))}
    assert not leaks, f"{leaks}\n{error!r}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("case", CASES)
def test_no_error_shows_it(case: str, call: str, service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    before = len(service.seen)
    hook = connect(service.url(case))
    error = caught(lambda: CALLS[call](hook))
    assert len(service.seen) > before
    if error is None:
        assert case.startswith("record_") or case == "no_id"
        return
    assert isinstance(error, SunoError), repr(error)
    assert_silent(error, seeker)


@pytest.mark.parametrize("last", [1, 2, 4], ids="in send {}".format)
def test_an_upload_that_is_killed_while_its_file_is_sent_shows_it_nowhere(
    last: int, service: AwkwardService, connect: Any, seeker: Seeker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill comes while the HTTP library runs, whose frames hold the request; there is no fifth send."""
    file = tmp_path / "hum.wav"
    file.write_bytes(b"RIFF" + bytes(1000))
    hook = connect(service.url("key_refused"))
    sends = 0

    def killed(*_: Any) -> None:
        nonlocal sends
        sends += 1
        if sends < last:
            raise OSError("the disk is away")
        hook.client.cancellation.request()
        hook.client._stop_if_cancelled()

    monkeypatch.setattr(MultipartStream, "_read_content", killed)
    error = caught(lambda: hook.upload(str(file)))
    assert isinstance(error, SunoError)
    assert error.message.startswith("Killed")
    assert sends == last
    assert_silent(error, seeker)


@pytest.mark.parametrize("case", ["key_refused", "bad_status_line", "redirected", "slow"])
def test_no_traceback_of_a_development_deployment_shows_it(
    case: str, service: AwkwardService, connect: Any, seeker: Seeker
) -> None:
    """With ``DEV`` set, Airflow's components log what each frame holds."""
    error = caught(connect(service.url(case)).get_credits)
    assert error is not None
    console = rich.console.Console(file=io.StringIO(), width=200)
    console.print(rich.traceback.Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "settings = " in shown
    assert not seeker.find(shown), shown


@pytest.mark.parametrize("case", CASES)
def test_no_connection_test_shows_it(case: str, service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    ok, said = connect(service.url(case)).test_connection()
    assert not ok
    assert not seeker.find(said), said


def test_only_the_key_is_hidden(service: AwkwardService, connect: Any) -> None:
    error = caught(connect(service.url("broken")).get_credits)
    assert "your request had 'Authorization: Bearer ***', ?key=***, <***>, Basic" in str(error)


def test_a_key_in_a_record_is_hidden(service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    record = connect(service.url("record_finished")).get_music_task("job-1")
    assert not seeker.find(json.dumps(record.to_dict()) + repr(record))
    assert "Bearer ***" in record.tracks[0].title


@pytest.mark.parametrize("wrong", bad_connections("", "", ""))
def test_no_bad_connection_shows_it(
    wrong: str, key: str, seeker: Seeker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = bad_connections(key, CALLBACK_SECRET, PROXY_PASSWORD)[wrong]
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_BAD", json.dumps({"conn_type": "suno", **bad}))
    for use in (SunoHook("suno_bad").get_credits, lambda: asyncio.run(account.account_settings("suno_bad"))):
        error = caught(use)
        if error is None:
            assert wrong.startswith("proxy of")  # which only a request finds out
            continue
        assert isinstance(error, SunoError), repr(error)
        assert_silent(error, seeker)
    assert not seeker.find(caplog.text)


@pytest.mark.parametrize(
    "uri",
    [
        "suno://:{key}@https://h/?callback_url=https://x",
        "suno://:{key}@h:port",
        "suno://[{key}@h",
        "{{",
        '{{"password": "{key}"',
    ],
)
def test_a_connection_that_airflow_cannot_read(
    uri: str, key: str, seeker: Seeker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_BAD", uri.format(key=key))
    error = caught(lambda: SunoHook("suno_bad").get_credits())
    assert error is not None
    assert not seeker.find(str(error) + repr(error))
    assert not seeker.find(caplog.text)


def test_no_object_shows_it(service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    hook = connect(service.url("record_finished"), proxies={"https": PROXY})
    hook.get_music_task("job-1")
    client = hook.client
    shown = [hook, client, hook.settings, client.settings, client.settings.auth, client._pooled]
    for thing in [*shown, *map(vars, [hook, client, client._pooled]), *map(copy.copy, shown)]:
        console = rich.console.Console(file=io.StringIO(), width=400)
        console.print(thing)
        for text in (str(thing), repr(thing), pprint.pformat(thing), console.file.getvalue()):  # type: ignore[attr-defined]
            assert not seeker.find(text), f"{type(thing)}: {text}"
    assert {name for name, _form in seeker.find(repr(vars(client.settings)))} == {
        "proxy password"
    }  # it is a plain dict


def test_copies_and_pickles_do_not_hold_it(service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    hook = connect(service.url("record_finished"))
    hook.get_music_task("job-1")
    pickled = pickle.dumps(hook)
    assert not seeker.find(pickled)
    for copied in (pickle.loads(pickled), copy.deepcopy(hook)):
        assert copied.get_music_task("job-1") is not None
    for secretive in (hook.client, hook.settings, hook.settings.client, hook.settings.client.auth):
        error = caught(lambda: pickle.dumps(secretive))  # noqa: B023
        assert "does not leave" in str(error)
        assert caught(lambda: serde.serialize(secretive)) is not None  # noqa: B023
        assert copy.deepcopy(secretive) is not None


def test_serialized_dags_and_triggers_do_not_hold_it(service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    connect(service.url("record_finished"))
    with DAG("marked", schedule=None) as dag:
        generate = GenerateMusicOperator(task_id="generate", model="V5", prompt="rain", suno_conn_id=CONN_ID)
        sensor = MusicTaskSensor(task_id="wait", music_task_id=generate.output, suno_conn_id=CONN_ID)
        persona = GeneratePersonaOperator(
            task_id="persona", music_task_id=generate.output, name="n", description="d", suno_conn_id=CONN_ID
        )
        upload = UploadFileOperator(task_id="upload", source="/x.mp3", suno_conn_id=CONN_ID)
        GenerateMusicOperator.partial(task_id="mapped", model="V5", suno_conn_id=CONN_ID).expand(prompt=["a", "b"])
    hook = generate.open_hook()
    hook.get_music_task("job-1")
    trigger = MusicTaskTrigger.for_wait(Wait.begin(MUSIC, "job-1", now=time.time(), timeout=9), CONN_ID, 1)
    texts = [json.dumps(DagSerialization.to_dict(dag)), json.dumps(trigger.serialize()), repr(vars(trigger))]
    texts += [f"{op!r} {vars(op)}" for op in (generate, sensor, persona, upload)]
    assert not any(map(seeker.find, texts))
    assert not seeker.find(pickle.dumps(hook))


async def _events() -> list[Any]:
    trigger = MusicTaskTrigger("job-1", CONN_ID, deadline=time.time() + 0.5)
    return [event async for event in trigger.run()]


@pytest.mark.parametrize("case", ["record_finished", "record_failed", "record_rejected", "key_refused", "bad_chunk"])
def test_no_event_shows_it(
    case: str, service: AwkwardService, connect: Any, seeker: Seeker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_suno.triggers import job

    monkeypatch.setattr(job, "shortest_deferral", lambda: 0.0)
    connect(service.url(LATE + case))
    (event,) = asyncio.run(_events())
    assert not seeker.find(json.dumps(event.payload)), event


def test_a_trigger_that_breaks_shows_nothing(
    service: AwkwardService,
    connect: Any,
    seeker: Seeker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from airflow_provider_suno.triggers import job

    def break_down(*_: Any) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(job, "shortest_deferral", lambda: 0.0)
    monkeypatch.setattr(account, "poll_job", break_down)
    connect(service.url("broken"))
    (event,) = asyncio.run(_events())
    assert "unforeseen" in event.payload["error"]["message"]
    assert not seeker.find(json.dumps(event.payload) + caplog.text)


@pytest.mark.parametrize("case", ["record_finished", "broken", "redirected", "truncated", "dropped", "too_fast"])
def test_the_libraries_own_debug_logs(
    case: str, service: AwkwardService, connect: Any, seeker: Seeker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "airflow", "airflow_provider_suno"):
        caplog.set_level(logging.DEBUG, logger=name)
    caught(lambda: connect(service.url(case)).get_music_task("job-1"))
    assert "urllib3" in {record.name.split(".")[0] for record in caplog.records}
    assert not seeker.find(caplog.text + repr([vars(record) for record in caplog.records]))


class Interrupted(BaseException):
    """What Airflow's handler of SIGALRM raises, wherever the program stands."""


def test_an_interrupted_request(service: AwkwardService, connect: Any, seeker: Seeker) -> None:
    def strike(_number: int, _frame: Any) -> None:
        raise Interrupted("execution_timeout")

    hook = connect(service.url("slow"), timeout=30)
    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        error = caught(lambda: hook.generate_music(model="V5", prompt="rain"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert isinstance(error, Interrupted)
    assert_silent(error, seeker)
