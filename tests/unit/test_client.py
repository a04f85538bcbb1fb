"""The client without a socket: an adapter answers in the place of the network."""

from __future__ import annotations

import base64
import copy
import http.client
import io
import json
import re
import ssl
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from airflow_provider_suno.api.endpoints.cover_art import GenerateCoverArtRequest
from airflow_provider_suno.api.endpoints.download_url import DownloadUrlRequest
from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest
from airflow_provider_suno.api.endpoints.recovery import KIND as RECOVERY
from airflow_provider_suno.api.endpoints.recovery import RecoverMusicRequest
from airflow_provider_suno.api.endpoints.stems import KIND as STEMS
from airflow_provider_suno.api.endpoints.style import BoostStyleRequest
from airflow_provider_suno.api.endpoints.video import CreateMusicVideoRequest
from airflow_provider_suno.api.endpoints.voice import KIND as VOICE
from airflow_provider_suno.api.endpoints.voice import CheckVoiceRequest
from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.api.profiles import APIKLEY, KIE, SUNOAPI, HostProfile
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoConflictError,
    SunoError,
    SunoJournalError,
    SunoLostReplyError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.retry import (
    Call,
    delay_before_next_send,
    delay_before_resubmission,
    final_error,
    may_have_happened,
)
from airflow_provider_suno.http.session import BoundedSession, never_sent
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from tests.support.jobs import music

KEY = "sk-very-secret-key"
MUSIC = GenerateMusicRequest.build({"model": "V5", "prompt": "rain"})
PERSONA = GeneratePersonaRequest.build({"music_task_id": "m", "audio_id": "a", "name": "n", "description": "d"})
OK = (200, {"code": 200, "data": {"taskId": "m"}})
PERSONA_OK = (200, {"code": 200, "data": {"personaId": "p"}})
RATE = (200, {"code": 429, "msg": "too many requests"})
BROKEN = (200, {"code": 500, "msg": "oops"})
NEVER_SENT = never_sent(requests.exceptions.ConnectTimeout("no route"))
DROPPED = requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted."))
SLOW = requests.exceptions.ReadTimeout("slow")


class Network(BaseAdapter):
    """Answer with the replies of a test, and record the requests."""

    def __init__(self, *replies: Any) -> None:
        super().__init__()
        self.replies = list(replies)
        self.sent: list[requests.PreparedRequest] = []
        self.options: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        self.sent.append(request)
        self.options.append(options)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, body = reply
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = requests.Response()
        response.status_code = status
        response.raw = urllib3.HTTPResponse(io.BytesIO(raw), preload_content=False)
        response.request = request
        response.headers.update(self.headers)
        return response

    def close(self) -> None:
        pass


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def make(slept: list[float]) -> Callable[..., tuple[SunoClient, Network]]:
    def make_client(
        *replies: Any, profile: HostProfile = APIKLEY, on_existing: Any = None
    ) -> tuple[SunoClient, Network]:
        network = Network(*replies)

        def session() -> BoundedSession:
            made = BoundedSession()
            made.mount("https://", network)
            return made

        settings = ClientSettings(auth=BearerAuth(KEY), base_url="https://api.example", profile=profile)
        client = SunoClient(settings, draw=lambda: 0.5, new_session=session, on_existing=on_existing)
        client.cancellation.pause = slept.append  # type: ignore[method-assign]
        return client, network

    return make_client


def test_a_submit_carries_the_key_a_name_and_timeouts(make: Any) -> None:
    client, network = make(OK)
    assert client.submit(MUSIC) == "m"
    (request,) = network.sent
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["User-Agent"].startswith("airflow-provider-suno/")
    assert request.headers["Accept-Encoding"] == "gzip, deflate"
    assert json.loads(request.body) == MUSIC.body()
    assert network.options[0]["timeout"] == (10.0, 30.0)
    assert network.options[0]["verify"] not in (False, None)


def test_retry_after_is_read_from_the_headers(make: Any) -> None:
    client, network = make((503, b"down"))
    network.headers = {"Date": "Fri, 27 Nov 2026 10:00:00 GMT", "Retry-After": "Fri, 27 Nov 2026 10:00:30 GMT"}
    with pytest.raises(SunoUnavailableError) as caught:
        client.get_record(music("m"), resend=False)
    assert caught.value.retry_after == 30


def test_a_copy_works(make: Any) -> None:
    client, _ = make()
    copied = copy.deepcopy(client._pooled)
    assert copied.merge_environment_settings("https://api.example/x", {}, True, False, None)["verify"] is False


@pytest.mark.parametrize("refusal", [RATE, NEVER_SENT, (200, {"code": 455}), (200, {"code": 430})])
def test_a_surely_refused_submit_is_sent_again(make: Any, slept: list[float], refusal: Any) -> None:
    client, network = make(refusal, OK)
    assert client.submit(MUSIC) == "m"
    assert len(network.sent) == 2
    assert len(slept) == 1


@pytest.mark.parametrize(
    "doubt",
    [BROKEN, SLOW, DROPPED, (502, b"<html>"), (200, b"garbage"), (200, {"code": 200, "data": {}}), (200, {"code": 408}),
     (200, {"code": 799}), (302, b"")],
)  # fmt: skip
def test_a_submit_that_may_have_happened_is_never_sent_again(make: Any, doubt: Any) -> None:
    client, network = make(doubt, OK)
    with pytest.raises(SunoLostReplyError, match=r"may exist and be charged\. Look at the service"):
        client.submit(MUSIC)
    assert len(network.sent) == 1


@pytest.mark.parametrize("code", [400, 401, 402, 404, 409, 413, 422, 433, 451])
def test_a_submit_refused_for_good_is_sent_once(make: Any, code: int) -> None:
    client, network = make((200, {"code": code, "msg": "no"}), OK)
    with pytest.raises(SunoError, match="no") as caught:
        client.submit(MUSIC)
    assert caught.value.fatal
    assert not isinstance(caught.value, SunoLostReplyError)
    assert len(network.sent) == 1


def test_a_rate_limited_call_gives_up_after_two_minutes(make: Any, slept: list[float]) -> None:
    client, _ = make(*[RATE] * 100)
    with pytest.raises(SunoRateLimitError):
        client.submit(MUSIC)
    assert 80 < sum(slept) <= 120


@pytest.mark.parametrize("retry_after", [0.0, 0.01])
def test_a_retry_after_of_zero_does_not_shorten_the_backoff(retry_after: float) -> None:
    busy = SunoRateLimitError("busy", retry_after=retry_after)
    delays = [
        delay_before_next_send(Call.SUBMIT, busy, sends=sends, lost_replies=0, waited=0, jitter=0)
        for sends in (1, 2, 3)
    ]
    assert delays == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 60), (5, 60), (90, 90), (3600, 120)])
def test_the_delay_before_a_lost_submission_is_made_again(retry_after: Any, seconds: float) -> None:
    assert delay_before_resubmission(SunoLostReplyError("lost", retry_after=retry_after)) == seconds


def test_a_lost_reply_keeps_retry_after() -> None:
    lost = final_error(
        Call.SUBMIT, SunoUnavailableError("503", retry_after=7), lost_replies=1, sent="it", id_parameter="job_id"
    )
    assert (type(lost), lost.retry_after) == (SunoLostReplyError, 7)


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (requests.exceptions.SSLError("WRONG_VERSION_NUMBER"), True),
        (requests.exceptions.SSLError(never_sent(ssl.SSLError("WRONG_VERSION_NUMBER"))), False),
        (requests.exceptions.ReadTimeout("late"), True),
        (requests.exceptions.ReadTimeout(never_sent(TimeoutError("late"))), False),
        (requests.exceptions.InvalidHeader("two lengths"), True),
        (urllib3.exceptions.LocationParseError("no host"), False),
    ],
)
def test_a_reply_is_lost_only_if_the_request_may_have_been_sent(make: Any, error: Any, left: bool) -> None:
    client, network = make(*[error] * 4)
    with pytest.raises(SunoError) as caught:
        client.submit(MUSIC)
    assert isinstance(caught.value, SunoLostReplyError) == left
    assert len(network.sent) == 1 or not left


def test_a_call_is_sent_five_times_during_maintenance(make: Any) -> None:
    client, network = make(*[(200, {"code": 455, "msg": "later"})] * 10)
    with pytest.raises(SunoError, match="under maintenance"):
        client.submit(MUSIC)
    assert len(network.sent) == 5


def test_reads_are_sent_four_times(make: Any) -> None:
    client, network = make(BROKEN, DROPPED, (200, b"garbage"), (200, {"code": 200, "data": 12.5}))
    assert str(client.get_credits()) == "12.5"
    assert len(network.sent) == 4
    client, network = make(*[BROKEN] * 9)
    with pytest.raises(SunoUnavailableError):
        client.get_credits()
    assert len(network.sent) == 4


def test_a_persona_is_requested_once_more_after_a_lost_reply(make: Any) -> None:
    client, network = make(DROPPED, PERSONA_OK)
    assert client.generate_persona(PERSONA).persona_id == "p"
    assert len(network.sent) == 2


def test_a_conflict_after_a_lost_reply_means_that_our_request_made_the_persona(make: Any) -> None:
    client, _ = make(DROPPED, (200, {"code": 409, "msg": "exists"}))
    with pytest.raises(SunoConflictError, match="Our own lost request made the persona") as caught:
        client.generate_persona(PERSONA)
    assert caught.value.after_lost_reply


def test_a_conflict_without_a_lost_reply_is_not_ours(make: Any) -> None:
    client, _ = make((200, {"code": 409, "msg": "exists"}))
    with pytest.raises(SunoConflictError) as caught:
        client.generate_persona(PERSONA)
    assert not caught.value.after_lost_reply


def test_a_persona_is_not_requested_a_third_time(make: Any) -> None:
    client, network = make(DROPPED, SLOW, PERSONA_OK)
    with pytest.raises(SunoLostReplyError, match="persona may exist"):
        client.generate_persona(PERSONA)
    assert len(network.sent) == 2


def test_the_key_shows_nowhere(make: Any) -> None:
    client, _ = make((200, {"code": 401, "msg": f"bad key {KEY}"}))
    with pytest.raises(SunoAuthError) as caught:
        client.get_credits()
    seen = [
        repr(client.settings),
        repr(vars(client)),
        repr(vars(client.settings)),
        repr(vars(client.settings.auth)),
        str(caught.value),
    ]
    assert not any(KEY in text for text in seen)


@pytest.mark.parametrize("key", ["", "  ", "kéy", "two\nlines"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(SunoAuthError) as caught:
        BearerAuth(key)
    assert not key.strip() or key not in str(caught.value)


def test_a_reply_that_is_too_long_is_cut_off(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_suno.http.exchange.LARGEST_REPLY", 10)
    client, _ = make((200, b"x" * 100))
    with pytest.raises(SunoProtocolError, match="longer than 10 bytes"):
        client.get_credits(resend=False)


class Watched:
    """Record each send and its result."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __enter__(self) -> None:
        self.heard.append("about to send")

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, SunoError):
            self.heard.append("lost" if may_have_happened(Call.SUBMIT, error) else "refused")


@pytest.mark.parametrize(
    ("replies", "heard"),
    [
        ([OK], ["about to send"]),
        ([RATE, NEVER_SENT, OK], ["about to send", "refused", "about to send", "refused", "about to send"]),
        ([(200, {"code": 402})], ["about to send", "refused"]),
        ([BROKEN], ["about to send", "lost"]),
        ([RATE, DROPPED], ["about to send", "refused", "about to send", "lost"]),
    ],
)
def test_each_send_is_entered(make: Any, replies: list[Any], heard: list[str]) -> None:
    client, _ = make(*replies)
    watch = Watched()
    with suppress(SunoError):
        client.submit(MUSIC, watch)
    assert watch.heard == heard


class Refusing(Watched):
    """A journal that cannot be written."""

    def __enter__(self) -> None:
        raise SunoJournalError("no")


def test_a_journal_that_cannot_be_written_stops_the_call(make: Any) -> None:
    client, network = make(OK)
    with pytest.raises(SunoJournalError, match="no"):
        client.submit(MUSIC, Refusing())
    assert network.sent == []


class Killing(Watched):
    """Cancel the client while the intent is written."""

    def __init__(self, client: SunoClient) -> None:
        super().__init__()
        self.client = client

    def __enter__(self) -> None:
        super().__enter__()
        self.client.cancellation.request()


def test_a_cancelled_client_sends_nothing(make: Any) -> None:
    client, network = make(OK)
    watch = Killing(client)
    for heard in (["about to send", "refused"], []):
        watch.heard.clear()
        with pytest.raises(SunoUnavailableError, match="Killed before it was sent"):
            client.submit(MUSIC, watch)
        assert (network.sent, watch.heard) == ([], heard)


def everything_of(error: BaseException) -> str:
    """Return all text of an error, its cause and its context."""
    led_here = [error, error.__cause__, error.__context__]
    told = [f"{shown!s} {shown!r} {vars(shown)}" for shown in led_here if shown is not None]
    return "\n".join([*told, *traceback.format_exception(error)])


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        base64.b64encode(KEY.encode()).decode(),
        KEY.encode().hex(),
        "".join(f"\\u{ord(character):04x}" for character in KEY),
    ],
)
@pytest.mark.parametrize("body", ['{"code": 401, "msg": "bad key %s"}', '{"code": 200, "data": "%s"}', "<html>%s"])
def test_the_key_is_hidden_however_it_comes_back(make: Any, body: str, echo: str) -> None:
    client, _ = make((200, (body % echo).encode()))
    with pytest.raises(SunoError) as caught:
        client.get_credits(resend=False)
    told = everything_of(caught.value)
    assert "***" in told
    assert KEY not in told
    assert echo not in told


def test_an_error_has_no_context_since_that_may_repeat_the_key(make: Any) -> None:
    aborted = urllib3.exceptions.ProtocolError("Connection aborted.", http.client.BadStatusLine(f"{KEY}\r\n"))
    client, _ = make(requests.exceptions.ConnectionError(aborted))
    with pytest.raises(SunoUnavailableError, match=r"broke before the reply was whole.*\*\*\*\\r") as caught:
        client.get_credits(resend=False)
    assert KEY not in everything_of(caught.value)
    assert caught.value.__context__ is None


def test_the_target_of_a_redirect_is_not_parsed(make: Any) -> None:
    client, network = make((302, b"x" * 100))
    with pytest.raises(SunoProtocolError, match="redirects to 'http://\\["):
        network.headers = {"Location": "http://[\xff"}
        client.get_credits(resend=False)
    assert len(network.sent) == 1


def test_a_foreign_error_keeps_a_note_of_its_frames_but_not_the_frames(make: Any) -> None:
    client, _ = make(RuntimeError("a bug"))
    with pytest.raises(RuntimeError) as caught:
        client.submit(MUSIC)
    assert any("was raised in" in note and "test_client.py" in note for note in caught.value.__notes__)
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "send" not in frames[frames.index("exchange") + 1 :]


@pytest.mark.parametrize("value", [float("nan"), 10**5000], ids=["NaN", "too many digits"])
def test_a_field_that_is_not_json_is_not_sent(value: Any, make: Any) -> None:
    client, network = make(OK)
    request = GenerateMusicRequest.build({"model": "V5", "prompt": "rain"}).model_copy(
        update={"extra_fields": {"x": value}}
    )
    with pytest.raises(SunoError, match="cannot be written as JSON") as caught:
        client.submit(request)
    assert caught.value.refused
    assert network.sent == []


TRACK = {"music_task_id": "m", "audio_id": "a"}
COVER_ART = GenerateCoverArtRequest.build({"music_task_id": "m"})
WAV = ConvertToWavRequest.build(TRACK)
VIDEO = CreateMusicVideoRequest.build(TRACK)
BOOST = BoostStyleRequest.build({"content": "folk"})
CHECK = CheckVoiceRequest.build({"voice_job_id": "j"})
RECOVER = RecoverMusicRequest.build({"music_task_id": "m"})
LINK = DownloadUrlRequest.build({"url": "https://files.example/a.mp3"})
NOT_FOUND = (404, {"code": 404, "msg": "Not Found"})


EXISTING = (200, {"code": 200, "msg": "ok", "data": {"taskId": "first", "successFlag": "PENDING"}})
UNKNOWN = (200, {"code": 200, "msg": "ok", "data": None})


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (WAV, (200, {"code": 409, "msg": "exists", "data": {"taskId": "first"}})),
        (VIDEO, (409, {"code": 409, "msg": "exists", "data": {"task_id": "first"}})),
        (COVER_ART, (200, {"code": 400, "msg": "exists", "data": {"taskId": "first"}})),
        (COVER_ART, (200, {"code": 409, "msg": "exists", "data": {"task_id": "first"}})),
        (COVER_ART, (400, {"code": 400, "msg": "exists", "data": '{"taskId": "first"}'})),
    ],
)
@pytest.mark.parametrize("record", [EXISTING, (500, {"code": 500, "msg": "down"})])
def test_the_id_of_what_exists_already_is_the_result(make: Any, refusal: Any, record: Any, asked: SunoRequest) -> None:
    told: list[Any] = []
    client, network = make(refusal, record, on_existing=lambda *existing: told.append(existing))
    watch = Watched()
    assert client.send(asked, watch) == "first"
    assert (len(network.sent), told, watch.heard) == (2, [(asked.call, "first")], ["about to send"])


@pytest.mark.parametrize(("asked", "code"), [(WAV, 409), (COVER_ART, 400)])
@pytest.mark.parametrize("record", [UNKNOWN, (401, {"code": 401, "msg": "bad key"})])
def test_an_id_that_the_service_does_not_know_is_no_existing_job(
    make: Any, asked: SunoRequest, code: int, record: Any
) -> None:
    client, _ = make((200, {"code": code, "msg": "so it says", "data": {"taskId": "request-77"}}), record)
    with pytest.raises(SunoError, match="so it says"):
        client.send(asked)


@pytest.mark.parametrize("data", [None, "x", {}, {"taskId": " "}, {"taskId": "m"}])
def test_a_refusal_of_cover_art_that_names_no_job_is_an_error(make: Any, data: Any) -> None:
    client, _ = make((200, {"code": 400, "msg": "no such task", "data": data}))
    with pytest.raises(SunoValidationError, match="no such task"):
        client.send(COVER_ART)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (WAV, "The track was already converted, and the service does not tell the id of that conversion: use the"),
        (VIDEO, "The track has a video already, and the service does not tell the id of that job: use the job_id"),
        (COVER_ART, "The music task has cover art already, and the service does not tell the id of that job: use"),
        (PERSONA, "Track a cannot get a second persona: It exists already, and the API cannot read its id back."),
        (MUSIC, "It exists already, and the API cannot read its id back. (code 409: exists)"),
    ],
)
def test_a_conflict_says_what_to_do(make: Any, asked: SunoRequest, said: str) -> None:
    client, network = make((200, {"code": 409, "msg": "exists"}))
    with pytest.raises(SunoConflictError) as caught:
        client.send(asked)
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("(code 409: exists)")
    assert (caught.value.code, caught.value.fatal, len(network.sent)) == (409, True, 1)


@pytest.mark.parametrize(
    ("profile", "path", "send", "others"),
    [
        (APIKLEY, RECOVER.path, lambda client: client.send(RECOVER), "kie, sunoapi"),
        (APIKLEY, CHECK.path, lambda client: client.send(CHECK), "kie, sunoapi"),
        (APIKLEY, VOICE.record_path, lambda client: client.get_record(JobRef(VOICE, "j")), "kie, sunoapi"),
        (APIKLEY, VOICE.record_path, lambda client: client.call("GET", VOICE.record_path), "kie, sunoapi"),
        (APIKLEY, WAV.path, lambda client: client.send(WAV), "kie, sunoapi"),
        (APIKLEY, LINK.path, lambda client: client.send(LINK), "kie"),
        (SUNOAPI, LINK.path, lambda client: client.send(LINK), "kie"),
    ],
)
def test_a_call_that_the_host_may_not_have_names_hosts_that_do(
    make: Any, profile: HostProfile, path: str, send: Callable[[SunoClient], Any], others: str
) -> None:
    client, network = make(NOT_FOUND, profile=profile)
    with pytest.raises(SunoNotFoundError) as caught:
        send(client)
    assert str(caught.value).startswith(
        f"https://api.example does not have {path}; nothing is charged. These hosts have it: {others}. ("
        if profile.lacks(path)
        else f"https://api.example answered {path} with 404: perhaps this host does not have it, since no page of "
        f"{profile.name} confirms it; nothing is charged. These hosts have it: {others}. (The service does not know "
    )
    assert (caught.value.code, len(network.sent)) == (404, 1)


@pytest.mark.parametrize(("asked", "profile"), [(RECOVER, KIE), (WAV, SUNOAPI)])
def test_another_404_keeps_its_words(make: Any, asked: SunoRequest, profile: HostProfile) -> None:
    client, _ = make(NOT_FOUND, profile=profile)
    with pytest.raises(SunoNotFoundError, match="The service does not know this: check each id given"):
        client.send(asked)


def test_a_read_by_post_is_sent_again(make: Any, slept: list[float]) -> None:
    client, network = make(BROKEN, DROPPED, (200, {"code": 200, "data": {"isAvailable": False}}))
    assert client.send(CHECK) is False
    assert (len(network.sent), len(slept)) == (3, 2)
    client, _ = make((200, {"code": 200, "data": "https://direct.example/a.mp3"}))
    assert client.send(LINK) == "https://direct.example/a.mp3"


@pytest.mark.parametrize("data", [None, "", "a.mp3", {"url": "https://x"}])
def test_a_reply_without_a_link_is_not_the_apis(make: Any, data: Any) -> None:
    client, network = make(*[(200, {"code": 200, "data": data})] * 4)
    with pytest.raises(SunoProtocolError, match="The reply has no link: "):
        client.send(LINK)
    assert len(network.sent) == 4


@pytest.mark.parametrize("doubt", [BROKEN, SLOW, DROPPED, (502, b"<html>"), (200, {"code": 200, "data": {}})])
def test_a_lost_answer_cannot_be_read_again_and_says_so(make: Any, doubt: Any) -> None:
    client, network = make(doubt)
    with pytest.raises(SunoLostReplyError) as caught:
        client.send(BOOST)
    assert str(caught.value).startswith("The reply to POST https://api.example/api/v1/style/generate, sent at ")
    assert str(caught.value).endswith(
        "The request may have been carried out and charged. Its answer cannot be read again: clear the task to send it "
        "once more, which may pay twice."
    )
    assert len(network.sent) == 1


def test_an_accepted_request_without_a_result_is_sent_once_since_it_may_be_charged(make: Any) -> None:
    client, network = make((200, {"code": 200, "data": {"successFlag": "2", "errorMessage": "no luck"}}))
    watch = Watched()
    with pytest.raises(SunoLostReplyError, match="could not enlarge the style: no luck"):
        client.send(BOOST, watch)
    assert (watch.heard, len(network.sent)) == (["about to send", "lost"], 1)


@pytest.mark.parametrize(("asked", "parameter"), [(MUSIC, "music_task_id"), (WAV, "job_id")])
def test_a_lost_reply_names_the_parameter_that_takes_the_id(make: Any, asked: SunoRequest, parameter: str) -> None:
    client, _ = make(DROPPED)
    with pytest.raises(SunoLostReplyError, match=rf"if the job is there, set {parameter}=\.\.\. to resume it"):
        client.send(asked)


def test_a_record_may_be_told_by_the_envelopes_code(make: Any) -> None:
    recovery = JobRef(RECOVERY, "j")
    client, network = make((200, {"code": 201, "msg": "processing"}), (200, {"code": 500, "msg": "gone"}))
    assert client.get_record(recovery).status == "PENDING"
    assert network.sent[0].url == "https://api.example/api/v1/suno/recovery/record-info?task_id=j"
    assert client.get_record(recovery).status == "RECOVERY_FAILED"


def test_an_error_that_passes_is_polled_again(make: Any) -> None:
    client, network = make((200, {"code": 500, "msg": "Internal Error"}), (200, {"code": 201}))
    assert client.get_record(JobRef(RECOVERY, "j")).status == "PENDING"
    assert len(network.sent) == 2


def test_an_unknown_id_is_no_error(make: Any) -> None:
    client, _ = make((200, {"code": 422, "msg": "Record does not exist"}))
    assert client.get_record(JobRef(STEMS, "j")) is None


class TestAnyPath:
    """``call`` takes what has no model."""

    def test_a_get_is_sent_again_with_its_query(self, make: Any) -> None:
        client, network = make(BROKEN, (200, {"code": 200, "data": [1]}))
        assert client.call("GET", "/api/v1/new/record-info", {"taskId": "j"}) == [1]
        assert [sent.url for sent in network.sent] == ["https://api.example/api/v1/new/record-info?taskId=j"] * 2
        assert network.sent[0].body is None

    def test_a_post_carries_the_body_and_the_key(self, make: Any) -> None:
        client, network = make(RATE, (200, {"code": 200, "data": {"taskId": "j"}}))
        assert client.call("POST", "/api/v1/new", {"prompt": "rain"}) == {"taskId": "j"}
        assert len(network.sent) == 2
        assert json.loads(network.sent[1].body) == {"prompt": "rain"}
        assert network.sent[1].headers["Authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    @pytest.mark.parametrize("doubt", [BROKEN, DROPPED, (200, b"garbage")])
    def test_whatever_is_no_get_is_sent_once(self, make: Any, method: str, doubt: Any) -> None:
        client, network = make(doubt, OK)
        with pytest.raises(SunoLostReplyError, match="may have been carried out and charged") as caught:
            client.call(method, "/api/v1/new")
        assert [sent.method for sent in network.sent] == [method]
        assert f"The reply to {method} https://api.example/api/v1/new, sent at" in str(caught.value)

    @pytest.mark.parametrize(
        ("method", "path", "said"),
        [
            ("GET", "api/v1/new", "path: must be a path such as /api/v1/generate, got 'api/v1/new'."),
            ("GET", "//evil.example/x", "path: must be a path such as"),
            ("GET", "/a b", "path: must be a path such as"),
            ("GET", "/a\nb", "path: must be a path such as"),
            ("GET", None, "path: must be a path such as"),
            ("GET /x", "/api/v1/new", "method: must be GET, POST or the like, got 'GET /x'."),
            ("", "/api/v1/new", "method: must be GET, POST or the like"),
            (None, "/api/v1/new", "method: must be GET, POST or the like"),
        ],
    )
    def test_the_hook_refuses_what_is_no_path_and_no_method(self, method: Any, path: Any, said: str) -> None:
        with pytest.raises(SunoValidationError, match=re.escape(said)):
            SunoHook("no_such_connection").call(method, path)

    def test_a_cancelled_client_sends_nothing(self, make: Any) -> None:
        client, network = make(OK)
        client.cancellation.request()
        with pytest.raises(SunoUnavailableError, match="Killed before it was sent"):
            client.call("POST", "/api/v1/new", {})
        assert network.sent == []
