"""Call the Suno API over HTTP: send, retry where that is safe, read the reply. Knows nothing of Airflow."""

from __future__ import annotations

import base64
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from airflow_provider_suno.api.endpoints.credits import read_credits
from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest, Persona
from airflow_provider_suno.api.endpoints.uploads import UploadedFile, read_uploaded_file
from airflow_provider_suno.api.jobs import JobRef, job_kind
from airflow_provider_suno.api.profiles import PROFILES
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.api.request import JobRequest, SunoRequest
from airflow_provider_suno.exceptions import (
    SunoConflictError,
    SunoError,
    SunoJournalError,
    SunoNotFoundError,
    SunoUnavailableError,
)
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.http.exchange import exchange
from airflow_provider_suno.http.retry import Call, delay_before_next_send, final_error, may_have_happened
from airflow_provider_suno.http.session import BoundedSession
from airflow_provider_suno.http.settings import ClientSettings
from airflow_provider_suno.http.uploads import LocalFile, MultipartStream, unreadable

_STREAM_UPLOAD_PATH = "/api/file-stream-upload"
_BASE64_UPLOAD_PATH = "/api/file-base64-upload"
_URL_UPLOAD_PATH = "/api/file-url-upload"

_UPLOAD_TIMEOUT = 60.0
"""Seconds without progress: the service may take 30 to fetch and store a file before it replies."""

_NO_JOURNAL = nullcontext()
_NO_END = "attempts end with a result or an error"

T = TypeVar("T")


class Attempt:
    """One send of a call, as a context manager that keeps the error for :meth:`SunoClient.attempts`."""

    def __init__(self) -> None:
        self.error: SunoError | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Keep an error of the send. An error of the journal ends the call: nothing was sent."""
        if isinstance(error, SunoError) and not isinstance(error, SunoJournalError):
            self.error = error
        return self.error is not None


class SunoClient:
    """
    Call the API as one account; close it, or use it as a context manager.

    Several threads may read at once, over pooled connections. Each call that makes something uses a fresh connection:
    if it went over a stale one from the pool, its reply would seem lost.

    Once its cancellation is requested it sends nothing more and breaks off uploads. A call that may be charged, once
    sent, still waits for its reply.

    :param settings: the account.
    :param cancellation: stops the client.
    :param draw: gives random numbers from 0 to 1.
    :param new_session: makes an HTTP session.
    :param on_resend: called once for each call that has to be sent again, with its path and the error.
    :param on_existing: called when what was asked for exists already, with the request's name and what exists.
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        cancellation: Cancellation | None = None,
        draw: Callable[[], float] = random.random,
        new_session: Callable[[], BoundedSession] = BoundedSession,
        on_resend: Callable[[str, SunoError], None] | None = None,
        on_existing: Callable[[str, Any], None] | None = None,
    ) -> None:
        self.settings = settings
        self.cancellation = cancellation or Cancellation()
        self._draw = draw
        self._new_session = new_session
        self._on_resend = on_resend
        self._on_existing = on_existing
        self._pooled = new_session()

    def __enter__(self) -> SunoClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self._pooled.close()

    def submit(self, request: JobRequest, around: AbstractContextManager[Any] = _NO_JOURNAL) -> str:
        """
        Send a request that starts a paid job and return the id of the job.

        :param around: entered for each send; an error on entering ends the call, and nothing is sent.
        :raises SunoLostReplyError: when the job may have been started and charged all the same.
        :raises SunoError: when the service surely refused it.
        """
        return str(self.send(request, around))

    def generate_persona(
        self,
        request: GeneratePersonaRequest,
        around: AbstractContextManager[Any] = _NO_JOURNAL,
        *,
        reply_lost: bool = False,
    ) -> Persona:
        """
        Make a persona; sent once more after one lost reply, since a track can have only one persona.

        :param around: entered for each send; an error on entering ends the call, and nothing is sent.
        :param reply_lost: whether the reply to an earlier send of the same request is lost already.
        :raises SunoConflictError: when the track has one; with ``after_lost_reply`` our own lost request made it.
        :raises SunoLostReplyError: when both replies are lost.
        """
        persona: Persona = self.send(request, around, lost_replies=int(reply_lost))
        return persona

    def send(
        self, request: SunoRequest, around: AbstractContextManager[Any] = _NO_JOURNAL, *, lost_replies: int = 0
    ) -> Any:
        """
        Send a request, again where its effect allows that, and return what the reply holds.

        :param around: entered for each send; an error on entering ends the call, and nothing is sent.
        :param lost_replies: how many replies to earlier sends of the same request are lost.
        :raises SunoLostReplyError: when the service may have carried it out, and charged it, all the same.
        :raises SunoError: when the service surely refused it, or cannot be read.
        """
        call = Call(request.effect)
        id_parameter = job_kind(request.kind).id_parameter if isinstance(request, JobRequest) else None
        for attempt in self.attempts(call, request.path, lost_replies=lost_replies, id_parameter=id_parameter):
            with attempt, around, self._explaining_not_found(request.path):
                return self._answer(call, request)
        raise AssertionError(_NO_END)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """
        Call any path and return the ``data`` of the reply; ``GET`` is a read, everything else a submission.

        :param body: the JSON body, of a ``GET`` the query.
        """
        reads = method == "GET"
        call = Call.READ if reads else Call.SUBMIT
        url = self.settings.base_url + path
        query, content = (body, None) if reads else (None, body)
        for attempt in self.attempts(call, path, id_parameter=None, method=method):
            with attempt, self._explaining_not_found(path), self._new_session() as fresh:
                self._stop_if_cancelled(call)
                return exchange(fresh, self.settings, method, url, params=query, json=content)
        raise AssertionError(_NO_END)

    def _answer(self, call: Call, request: SunoRequest) -> Any:
        try:
            return request.read(self._post(call, request))
        except SunoError as refusal:
            existing = request.existing(refusal)
            if existing is not None and self._may_be_known(request, existing):
                if self._on_existing is not None:
                    self._on_existing(request.call, existing)
                return existing
            if isinstance(refusal, SunoConflictError):
                raise request.on_conflict(refusal) from None
            raise

    def _may_be_known(self, request: SunoRequest, job_id: Any) -> bool:
        """Return whether the service knows the job that a refusal names, or cannot tell for now."""
        if not isinstance(request, JobRequest):
            return True
        try:
            return self.get_record(JobRef(job_kind(request.kind), job_id), resend=False) is not None
        except SunoError as problem:
            return not problem.fatal

    @contextmanager
    def _explaining_not_found(self, path: str) -> Iterator[None]:
        """Say that the host may not have a call, when it answers 404 and its pages do not confirm the call."""
        try:
            yield
        except SunoNotFoundError as refusal:
            profile = self.settings.profile
            if profile.confirms(path):
                raise
            what = f"{self.settings.base_url} does not have {path}"
            if not profile.lacks(path):
                what = (
                    f"{self.settings.base_url} answered {path} with 404: perhaps this host does not have it, since no "
                    f"page of {profile.name} confirms it"
                )
            others = ", ".join(name for name, other in PROFILES.items() if other.confirms(path))
            message = f"{what}; nothing is charged. These hosts have it: {others}. ({refusal.message})"
            raise SunoNotFoundError(message, code=refusal.code) from None

    def get_record(self, job: JobRef, *, resend: bool = True) -> JobRecord | None:
        """
        Return the record of a job; ``None`` when the service does not know the id (yet).

        :param resend: send again after a failure; ``False`` if the caller polls again anyway.
        """
        kind = job.kind

        def send() -> JobRecord | None:
            try:
                with self._explaining_not_found(kind.record_path):
                    data = self._get(kind.record_path, {kind.id_in_query: job.id})
            except SunoError as error:
                if kind.says_unknown(error):
                    return None
                if (record := kind.record_in(error, job.id)) is not None:
                    return record
                raise
            return kind.read(data, job.id)

        return self._call(Call.READ, kind.record_path, send) if resend else send()

    def get_credits(self, *, resend: bool = True, timeout: float | None = None) -> Decimal:
        """
        Return the balance, free of charge.

        :param resend: send again after a failure.
        :param timeout: seconds to connect, and seconds without a byte; the account's by default.
        """
        path = self.settings.profile.credit_path

        def send() -> Decimal:
            return read_credits(self._get(path, timeout=timeout))

        return self._call(Call.READ, path, send) if resend else send()

    def upload(self, file: LocalFile, folder: str, report: Callable[[int], None]) -> UploadedFile:
        """
        Send a file while it is read, free of charge; a retry sends it from its beginning.

        :param folder: where to put it; a file of the same name there is overwritten.
        :param report: called with the bytes sent so far, every 10 MB.
        """

        def send() -> UploadedFile:
            fields = {"uploadPath": folder, "fileName": file.name}
            with MultipartStream(file, fields, report, self._stop_if_cancelled) as body:
                return self._upload(_STREAM_UPLOAD_PATH, data=body, headers={"Content-Type": body.content_type})

        return self._call(Call.UPLOAD, _STREAM_UPLOAD_PATH, send)

    def upload_base64(self, file: LocalFile, folder: str) -> UploadedFile:
        """Send a small file inside JSON, all of it in memory; otherwise like :meth:`upload`."""
        try:
            with file.path.open("rb") as content:
                text = base64.b64encode(content.read()).decode()
        except Exception as error:
            raise unreadable(file.name, error) from error
        body = {"base64Data": text, "uploadPath": folder, "fileName": file.name}
        return self._call(Call.UPLOAD, _BASE64_UPLOAD_PATH, lambda: self._upload(_BASE64_UPLOAD_PATH, json=body))

    def upload_url(self, url: str, folder: str, name: str | None) -> UploadedFile:
        """Let the service fetch a file from a public URL, free of charge: within 30 s, and at most about 100 MB."""
        body = {"fileUrl": url, "uploadPath": folder, **({"fileName": name} if name else {})}
        return self._call(Call.UPLOAD, _URL_UPLOAD_PATH, lambda: self._upload(_URL_UPLOAD_PATH, json=body))

    def _upload(self, path: str, **content: Any) -> UploadedFile:
        settings = self.settings
        url = (settings.upload_url or settings.profile.upload_base(settings.base_url)) + path
        patient = max(settings.read_timeout, _UPLOAD_TIMEOUT)
        with self._new_session() as fresh, self.cancellation.breaking_off(fresh.break_off):
            self._stop_if_cancelled()
            fresh.send_within(patient)
            timeout = (settings.connect_timeout, patient)
            return read_uploaded_file(exchange(fresh, settings, "POST", url, timeout=timeout, **content))

    def _stop_if_cancelled(self, call: Call = Call.UPLOAD) -> None:
        if self.cancellation.requested:
            raise _cancelled(call)

    def _call(self, call: Call, path: str, send: Callable[[], T]) -> T:
        """Send until there is a result, or until the call must not be sent again."""
        for attempt in self.attempts(call, path):
            with attempt:
                return send()
        raise AssertionError(_NO_END)

    def attempts(
        self,
        call: Call,
        path: str,
        *,
        lost_replies: int = 0,
        id_parameter: str | None = "music_task_id",
        method: str = "POST",
    ) -> Iterator[Attempt]:
        """
        Yield an attempt for each send of a call, and pause between two of them.

        ``for attempt in client.attempts(...): with attempt: return ...`` sends again where that is safe.

        :param call: what the call does.
        :param path: its path, for messages.
        :param lost_replies: how many replies to earlier sends are lost.
        :param id_parameter: the parameter that takes the id of such a job, if it is one.
        :param method: its HTTP method, for messages.
        :raises SunoError: that of the last attempt, when the call must not be sent again.
        """
        sent = f"{method} {self.settings.base_url}{path}, sent at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        waited = 0.0
        for sends in itertools.count(1):
            if self.cancellation.requested:
                raise final_error(
                    call, _cancelled(call), lost_replies=lost_replies, sent=sent, id_parameter=id_parameter
                )
            attempt = Attempt()
            yield attempt
            error = attempt.error
            if error is None:
                return
            lost_replies += may_have_happened(call, error)
            delay = delay_before_next_send(
                call,
                error,
                sends=sends,
                lost_replies=lost_replies,
                waited=waited,
                jitter=self._draw(),
                limits=self.settings.retry_limits,
            )
            if delay is None:
                final = final_error(call, error, lost_replies=lost_replies, sent=sent, id_parameter=id_parameter)
                raise final from (None if final is error else error)
            if self._on_resend is not None and sends == 1 and not self.cancellation.requested:
                self._on_resend(path, error)
            self.cancellation.pause(delay)
            waited += delay

    def _get(self, path: str, params: Mapping[str, str] | None = None, *, timeout: float | None = None) -> Any:
        settings = self.settings
        own = (settings.connect_timeout, settings.read_timeout)
        seconds = own if timeout is None else (min(timeout, own[0]), min(timeout, own[1]))
        return exchange(self._pooled, settings, "GET", settings.base_url + path, params=params, timeout=seconds)

    def _post(self, call: Call, request: SunoRequest) -> Any:
        self._stop_if_cancelled(call)
        with self._new_session() as fresh:
            url = self.settings.base_url + request.path
            return exchange(fresh, self.settings, "POST", url, json=request.body())


def _cancelled(call: Call) -> SunoUnavailableError:
    message = "Killed before it was sent; nothing was done, and nothing is charged for it."
    if call is Call.UPLOAD:
        message = (
            "Killed before the file was uploaded. Nothing is charged; the service deletes what arrived after 3 days."
        )
    return SunoUnavailableError(message, refused=True)
