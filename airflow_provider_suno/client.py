"""Talk to the Suno API over HTTP: send, send again where that is safe, decipher. Knows nothing of Airflow."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from airflow_provider_suno.api.models import MusicTask, Persona, UploadedFile
from airflow_provider_suno.api.request_model import SunoRequest
from airflow_provider_suno.api.requests import GeneratePersonaRequest
from airflow_provider_suno.api.responses import (
    read_credits,
    read_music_task,
    read_music_task_id,
    read_persona,
    read_uploaded_file,
)
from airflow_provider_suno.api.retry import Call, delay_before_next_send, final_error, may_have_happened
from airflow_provider_suno.api.shown import shown
from airflow_provider_suno.exceptions import SunoConflictError, SunoError, SunoUnavailableError
from airflow_provider_suno.sessions import BoundedSession
from airflow_provider_suno.transport import ClientSettings, exchange
from airflow_provider_suno.upload import LocalFile, MultipartStream

_RECORD_PATH = "/api/v1/generate/record-info"
_STREAM_UPLOAD_PATH = "/api/file-stream-upload"
_BASE64_UPLOAD_PATH = "/api/file-base64-upload"
_URL_UPLOAD_PATH = "/api/file-url-upload"

_LONGEST_NAP = 1.0
_UPLOAD_TIMEOUT = 60.0
"""Seconds without progress: the service fetches and stores for up to 30 before it answers an upload."""

T = TypeVar("T")


class Watch(Protocol):
    """Who has to know of each send of a call that makes something."""

    def about_to_send(self) -> None:
        """Hear that it will be sent next; what is raised here stops it."""

    def refused(self) -> None:
        """Hear that the service surely did not take the last send, or that it was not made."""

    def lost(self) -> None:
        """Hear that the last send may have done its work, though there is no answer."""


class SunoClient:
    """
    Call the API as one account; close it, or use it as a context manager.

    Reads may be made from several threads. They go over pooled connections; each call that makes something goes over
    a fresh one, so that a connection which went stale in the pool cannot make its reply look lost.

    :param settings: how to reach the account.
    :param sleep: waits between two sends.
    :param draw: gives random numbers from 0 to 1.
    :param new_session: makes an HTTP session.
    :param held_up: called once for each call that has to be sent again: with its path, and why.
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
        new_session: Callable[[], BoundedSession] = BoundedSession,
        held_up: Callable[[str, SunoError], None] | None = None,
    ) -> None:
        self.settings = settings
        self._sleep = sleep
        self._draw = draw
        self._new_session = new_session
        self._held_up = held_up
        self._pooled = new_session()
        self._uploading: BoundedSession | None = None
        self._cancelled = False

    def __enter__(self) -> SunoClient:
        """Return itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the pooled connections."""
        self.close()

    def cancel(self) -> None:
        """
        Send nothing any more, and break off an upload; a call that is about to be sent ends as one that was refused.

        A call that may have been charged, once sent, goes on to its reply.
        """
        self._cancelled = True
        if self._uploading is not None:
            self._uploading.break_off()

    def pause(self, seconds: float) -> None:
        """
        Wait, but no longer once the client is cancelled: in naps, since a signal handler cannot end a sleep.

        :param seconds: how long.
        """
        while seconds > 0 and not self._cancelled:
            nap = min(seconds, _LONGEST_NAP)
            self._sleep(nap)
            seconds -= nap

    def _stop_if_cancelled(self) -> None:
        if self._cancelled:
            raise _cancelled(Call.UPLOAD)

    def close(self) -> None:
        """Close the pooled connections."""
        self._pooled.close()

    def submit(self, request: SunoRequest, *, watch: Watch | None = None) -> str:
        """
        Send a request that starts a paid job and return its ``music_task_id``.

        :param watch: who hears of each send.
        :raises SunoLostReplyError: when the job may have been started and charged all the same.
        :raises SunoError: when the service surely refused it.
        """
        return self._call(Call.SUBMIT, request.path, lambda: read_music_task_id(self._post(request)), watch=watch)

    def generate_persona(
        self, request: GeneratePersonaRequest, *, watch: Watch | None = None, in_doubt: bool = False
    ) -> Persona:
        """
        Make a persona; sent once more if the first reply is lost, since a track has one persona, ever.

        :param watch: who hears of each send.
        :param in_doubt: whether the reply to an earlier send of the same request is lost already.
        :raises SunoConflictError: when the track has one; ``after_doubt`` tells that our own lost send made it.
        :raises SunoLostReplyError: when both replies are lost.
        """

        def send() -> Persona:
            try:
                return read_persona(self._post(request), request.music_task_id, request.audio_id)
            except SunoConflictError as conflict:
                said = f"Track {request.audio_id} cannot get a second persona: {conflict.message}"
                raise SunoConflictError(said, code=conflict.code, music_task_id=request.music_task_id) from None

        return self._call(Call.PERSONA, request.path, send, watch=watch, doubts=int(in_doubt))

    def get_music_task(self, music_task_id: str, *, resend: bool = True) -> MusicTask | None:
        """
        Return the record of a music task; ``None`` when the service does not know the id (yet).

        :param resend: send again after a failure; a caller that looks again anyway says ``False``.
        """

        def send() -> MusicTask | None:
            return read_music_task(self._get(_RECORD_PATH, taskId=music_task_id), music_task_id)

        return self._call(Call.READ, _RECORD_PATH, send) if resend else send()

    def get_credits(self, *, resend: bool = True) -> Decimal:
        """
        Return the balance; free of charge.

        :param resend: send again after a failure.
        """
        path = self.settings.profile.credit_path

        def send() -> Decimal:
            return read_credits(self._get(path))

        return self._call(Call.READ, path, send) if resend else send()

    def upload(self, file: LocalFile, folder: str, report: Callable[[int], None]) -> UploadedFile:
        """
        Send a file as it is read, free of charge; the whole of it again when that failed.

        :param file: what to send.
        :param folder: where to put it; a file of the same name there is overwritten.
        :param report: called with the bytes sent so far, every 10 MB.
        """

        def send() -> UploadedFile:
            fields = {"uploadPath": folder, "fileName": file.name}
            with MultipartStream(file, fields, report, self._stop_if_cancelled) as body:
                headers = {"Content-Type": body.content_type}
                return read_uploaded_file(self._post_upload(_STREAM_UPLOAD_PATH, data=body, headers=headers))

        return self._call(Call.UPLOAD, _STREAM_UPLOAD_PATH, send)

    def upload_base64(self, file: LocalFile, folder: str) -> UploadedFile:
        """
        Send a small file inside JSON, free of charge; it is whole in memory.

        :param file: what to send.
        :param folder: where to put it; a file of the same name there is overwritten.
        """
        try:
            with file.path.open("rb") as content:
                text = base64.b64encode(content.read()).decode()
        except OSError as error:
            raise SunoUnavailableError(f"{file.name} cannot be read just now: {shown(error, 300)}.") from error
        body = {"base64Data": text, "uploadPath": folder, "fileName": file.name}
        return self._upload_json(_BASE64_UPLOAD_PATH, body)

    def upload_url(self, url: str, folder: str, name: str | None) -> UploadedFile:
        """
        Let the service fetch a file, free of charge; it gives up after 30 s and wants at most about 100 MB.

        :param url: where it is; must be public.
        :param folder: where to put it; a file of the same name there is overwritten.
        :param name: what to call it.
        """
        body = {"fileUrl": url, "uploadPath": folder, **({"fileName": name} if name else {})}
        return self._upload_json(_URL_UPLOAD_PATH, body)

    def _upload_json(self, path: str, body: dict[str, str]) -> UploadedFile:
        return self._call(Call.UPLOAD, path, lambda: read_uploaded_file(self._post_upload(path, json=body)))

    def _post_upload(self, path: str, **content: Any) -> Any:
        settings = self.settings
        base_url = settings.upload_url or settings.profile.upload_base(settings.base_url)
        with self._new_session() as fresh:
            self._uploading = fresh
            self._stop_if_cancelled()
            patient = max(settings.read_timeout, _UPLOAD_TIMEOUT)
            fresh.send_within(patient)
            timeout = (settings.connect_timeout, patient)
            try:
                return exchange(fresh, settings, "POST", base_url + path, timeout=timeout, **content)
            finally:
                self._uploading = None

    def _call(self, call: Call, path: str, send: Callable[[], T], *, watch: Watch | None = None, doubts: int = 0) -> T:
        """Send until there is an answer, or until it must not be sent again."""
        sent = f"POST {self.settings.base_url}{path}, sent at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        watch = watch or _NobodyWatches()
        sends = 0
        waited = 0.0
        while True:
            sends += 1
            if not self._cancelled:
                watch.about_to_send()
            if self._cancelled:
                watch.refused()
                raise final_error(call, _cancelled(call), doubts=doubts, sent=sent)
            try:
                return send()
            except SunoError as error:
                doubtful = may_have_happened(call, error)
                doubts += doubtful
                watch.lost() if doubtful else watch.refused()
                delay = delay_before_next_send(
                    call, error, sends=sends, doubts=doubts, waited=waited, jitter=self._draw()
                )
                if delay is None:
                    final = final_error(call, error, doubts=doubts, sent=sent)
                    raise final from (None if final is error else error)
                if self._held_up is not None and sends == 1 and not self._cancelled:
                    self._held_up(path, error)
            self.pause(delay)
            waited += delay

    def _get(self, path: str, **params: str) -> Any:
        return exchange(self._pooled, self.settings, "GET", self.settings.base_url + path, params=params)

    def _post(self, request: SunoRequest) -> Any:
        with self._new_session() as fresh:
            url = self.settings.base_url + request.path
            return exchange(fresh, self.settings, "POST", url, json=request.body())


def _cancelled(call: Call) -> SunoUnavailableError:
    if call is Call.UPLOAD:
        said = "Killed before the file was uploaded. Nothing is charged; the service deletes what arrived after 3 days."
    else:
        said = "Killed before it was sent; nothing was done, and nothing is charged for it."
    cancelled = SunoUnavailableError(said)
    cancelled.refused = True
    return cancelled


class _NobodyWatches:
    def about_to_send(self) -> None:
        pass

    refused = lost = about_to_send
