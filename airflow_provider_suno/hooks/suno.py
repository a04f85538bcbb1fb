"""The hook: calls of the Suno API through an Airflow connection."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_suno.api.fields import checked_id, why_no_json
from airflow_provider_suno.api.jobs import JobRef, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.compat import connection_form_widgets, ui_field_behaviour
from airflow_provider_suno.exceptions import SunoError, SunoNotFoundError, SunoValidationError
from airflow_provider_suno.hooks.api_calls import ApiCalls
from airflow_provider_suno.hooks.files import DEFAULT_NAME, MOST_BYTES
from airflow_provider_suno.http.cancellation import Cancellation

if TYPE_CHECKING:
    from decimal import Decimal

    from airflow_provider_suno.api.endpoints.music import MusicTask
    from airflow_provider_suno.api.endpoints.music_requests import ExtendMusicRequest
    from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest, Persona
    from airflow_provider_suno.api.endpoints.section import ReplaceSectionRequest
    from airflow_provider_suno.api.endpoints.uploads import UploadedFile
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.api.request import JobRequest, SunoRequest
    from airflow_provider_suno.hooks.connection import ConnectionSettings
    from airflow_provider_suno.hooks.files import FileSource
    from airflow_provider_suno.hooks.keep_items import Item
    from airflow_provider_suno.hooks.keep_options import KeepOptions, KeptFile, Overwrite
    from airflow_provider_suno.hooks.storage import Destination, Folder
    from airflow_provider_suno.http.client import SunoClient

    Request = TypeVar("Request", bound=SunoRequest)


_BALANCE_TIMEOUT = 5.0
"""Seconds: the balance is only shown, so a submission does not wait longer for it."""


class SunoHook(ApiCalls, BaseHook):
    """
    Call the Suno API (docs.apikley.ru) with the account of an Airflow connection.

    The connection is looked up at the first call. Errors are :class:`~airflow_provider_suno.exceptions.SunoError`s
    that say what to do next. A wrong request raises before anything is sent.

    One call is charged at most once: a submission is sent again only when the service surely refused it. A task that
    calls it again in a retry pays again, since only the operators keep a journal. The API cannot cancel jobs: when the
    calling task is killed or times out, the job continues.

    :param suno_conn_id: the connection, of type ``suno``.
    :param cancellation: ends calls early, as when the task is killed.
    """

    conn_name_attr = "suno_conn_id"
    default_conn_name = "suno_default"
    conn_type = "suno"
    hook_name = "Suno"
    get_connection_form_widgets = staticmethod(connection_form_widgets)
    get_ui_field_behaviour = staticmethod(ui_field_behaviour)

    def __init__(
        self, suno_conn_id: str = default_conn_name, *, cancellation: Cancellation | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.suno_conn_id = suno_conn_id
        self.cancellation = cancellation or Cancellation()
        self.shows_balance = False
        """Whether the balance is logged before the next submission, as tasks do."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the settings and the client, since they hold the key; a copy looks the connection up again."""
        return {name: value for name, value in vars(self).items() if name not in ("settings", "client")}

    @cached_property
    def settings(self) -> ConnectionSettings:
        """The settings of the connection, read once."""
        settings = self._read_settings()
        for warning in (settings.client.exposure, settings.callbacks.weakness):
            if warning:
                self.log.warning("%s", warning)
        return settings

    def _read_settings(self, *, called: str | None = None) -> ConnectionSettings:
        from airflow_provider_suno.hooks.connection import read_connection

        # Tracebacks keep locals alive, so none here may hold the connection with its key.
        return read_connection(*self._look_up(), called=called)

    def _look_up(self) -> tuple[Any, Mapping[str, Any]]:
        connection = self.get_connection(self.suno_conn_id)
        return connection, connection.extra_dejson

    @cached_property
    def client(self) -> SunoClient:
        """The client behind every method."""
        from airflow_provider_suno.http.client import SunoClient

        def log_resend(path: str, error: SunoError) -> None:
            self.log.info("%s failed and is sent again: %s", path, error.message)

        def log_existing(call: str, existing: Any) -> None:
            self.log.info("%s: exists already, made by job %s; nothing is charged again", call, existing)

        return SunoClient(
            self.settings.client, on_resend=log_resend, on_existing=log_existing, cancellation=self.cancellation
        )

    def get_conn(self) -> SunoClient:
        """Return the client."""
        return self.client

    def upload_file(
        self, source: FileSource, *, method: str | None = None, folder: str | None = None, name: str | None = None
    ) -> str:
        """Upload an audio file and return its URL; free, kept for 3 days. Arguments are those of :meth:`upload`."""
        return self.upload(source, method=method, folder=folder, name=name).url

    def upload(
        self, source: FileSource, *, method: str | None = None, folder: str | None = None, name: str | None = None
    ) -> UploadedFile:
        """
        Upload an audio file (docs.apikley.ru, "upload-file-stream", "-base-64", "-url"); free.

        Size and type are checked before the upload, and a local file is streamed. A failed upload is sent again from
        the start, up to four times in all. The service deletes the file after 3 days.

        :param source: the path of a local file, an ``ObjectStoragePath`` (or its URL, such as ``s3://aws@bucket/x.mp3``),
            or a public http(s) URL, which the service fetches itself.
        :param method: ``stream`` (up to 100 MB), ``base64`` (up to 10 MB, held in memory) or ``url``; ``None`` chooses
            ``url`` for an http(s) URL and ``stream`` otherwise.
        :param folder: the folder at the service; by default a new one, since a file of the same name is overwritten.
        :param name: the file's name there, with its extension.
        :raises SunoValidationError: when the file is missing, empty, too large, or not audio.
        """
        from airflow_provider_suno.hooks.files import check_texts, open_source
        from airflow_provider_suno.http.uploads import LARGEST_BASE64_UPLOAD, LocalFile, new_folder

        check_texts(folder=folder, name=name)
        folder = (folder or "").strip(" /") or new_folder()
        name = (name or "").strip() or None
        opened, chosen = open_source(source, method)
        if isinstance(opened, str):
            return self.client.upload_url(opened, folder, name)
        if chosen == "base64":
            file = LocalFile.check(opened, name, largest=LARGEST_BASE64_UPLOAD)
            return self.client.upload_base64(file, folder)
        file = LocalFile.check(opened, name)
        size = file.size / 1024**2
        self.log.info("uploading %s, %.1f MB", file.name, size)
        return self.client.upload(
            file, folder, lambda sent: self.log.info("%s: %.0f of %.0f MB sent", file.name, sent / 1024**2, size)
        )

    def download(
        self,
        music_task: MusicTask | Mapping[str, Any] | str,
        destination: Destination | Folder,
        *,
        track: int | None = None,
        audio_ids: Sequence[str] | None = None,
        covers: bool = False,
        name: str = DEFAULT_NAME,
        overwrite: Overwrite = "never",
        max_bytes: int = MOST_BYTES,
        parallel: int = 2,
    ) -> list[KeptFile]:
        """
        Keep the tracks of a finished music task: fetch, check and put them under their names; free.

        A transfer that breaks goes on where it ended, up to eight times in a row without progress. What is there
        already is not fetched again. The API key is not sent to the media hosts. See
        :class:`~airflow_provider_suno.operators.files.DownloadMusicOperator` for the parameters and for what is
        written.

        :param music_task: a ``music_task_id``, or a record (an object, or the XCom ``music_task``).
        :return: the files, in the order of the tracks.
        :raises SunoMusicTaskNotFinishedError: when the named music task is still running.
        :raises SunoFileGoneError: when a media host does not have a file any more.
        :raises SunoDownloadError: when a file could not be fetched or put.
        :raises SunoValidationError: for a wrong argument, before anything is fetched.
        """
        from airflow_provider_suno.hooks.keep_items import items_of_music
        from airflow_provider_suno.hooks.keep_options import KeepOptions
        from airflow_provider_suno.hooks.storage import as_folder

        options = KeepOptions.check(
            track=track,
            audio_ids=audio_ids,
            covers=covers,
            name=name,
            overwrite=overwrite,
            max_bytes=max_bytes,
            parallel=parallel,
        )
        folder = as_folder(destination)
        record = self._finished(music_task, None if options.audio_ids is None else options.audio_ids[0])
        items = items_of_music(record, options, self.log)
        return self._keep(items, folder, options, lambda: self.get_music_task(record.music_task_id))

    def keep_files(
        self,
        job: JobRecord | Mapping[str, Any] | str,
        destination: Destination | Folder,
        *,
        kind: str,
        overwrite: Overwrite = "never",
        max_bytes: int = MOST_BYTES,
        parallel: int = 2,
    ) -> list[KeptFile]:
        """
        Keep the files of a finished job of any kind whose result is a file, such as a WAV conversion; free.

        They are fetched, checked and put under their names as :meth:`download` does it: whole or not at all, once, and
        without the API key. A file is called by the job's id, one of several by the id and what it is
        (``JOB_ID-vocals``), and gets no tags: it stays as the service made it. Beside it lies a JSON file with its
        checksum, kind, ``job_id``, part, and the ids of the track and the music task that it was made from, if the
        record tells them. A retry fetches only what is missing.

        :param job: a ``job_id``, or a record (an object, or the XCom of an operator or a sensor, such as ``wav``).
        :param destination: the folder: a local path, an ``ObjectStoragePath`` or its URL (``s3://aws@bucket/files``).
        :param kind: the name of the kind of job, such as ``wav``. For ``music`` this is :meth:`download`.
        :param overwrite: ``never``, or ``if_changed``: ask the host whether the file has changed, and replace it then.
        :param max_bytes: the size at which a file is refused.
        :param parallel: how many files are fetched at once, 1 to 16.
        :return: the files, in the order of the record.
        :raises SunoJobNotFinishedError: when the job is still running.
        :raises SunoFileGoneError: when a media host does not have a file any more.
        :raises SunoDownloadError: when a file could not be fetched or put.
        :raises SunoValidationError: for a wrong argument, before anything is fetched.
        """
        from airflow_provider_suno.hooks.keep_items import items_of_job
        from airflow_provider_suno.hooks.keep_options import KeepOptions
        from airflow_provider_suno.hooks.storage import as_folder
        from airflow_provider_suno.polling.finished import job_with_files

        found = job_kind(kind)
        if found.name == "music":
            music_task = cast("MusicTask | Mapping[str, Any] | str", job)
            return self.download(music_task, destination, overwrite=overwrite, max_bytes=max_bytes, parallel=parallel)
        if not found.makes_files:
            raise SunoValidationError(f"kind: the result of a {found.noun} is no file.")
        options = KeepOptions.check(overwrite=overwrite, max_bytes=max_bytes, parallel=parallel)
        folder = as_folder(destination)
        made_by, record = job_with_files(self.client, found, job, self.log)
        return self._keep(items_of_job(made_by, record), folder, options, lambda: self.get_record(made_by))

    def _keep(
        self, items: Sequence[Item], folder: Folder, options: KeepOptions, read_again: Callable[[], JobRecord | None]
    ) -> list[KeptFile]:
        """Keep the files of a job, and report them to the collector of hook-level lineage."""
        from airflow_provider_suno.hooks.downloads import Keeper
        from airflow_provider_suno.lineage.files import report_to_collector

        keeper = Keeper(
            folder,
            options,
            settings=self.settings.client.media,
            cancellation=self.cancellation,
            log=self.log,
            read_again=read_again,
        )
        files = keeper.keep(items)
        try:
            music_task_id = next((file.music_task_id for file in files), None)
            report_to_collector(self, music_task_id, [file.uri for file in files])
        except Exception as problem:  # noqa: BLE001  # the files are kept, and nothing is mended by failing
            self.log.warning("the kept files are not reported to lineage: %r", problem)
        return files

    def _finished(self, music_task: MusicTask | Mapping[str, Any] | str, audio_id: str | None) -> MusicTask:
        """Return the record of a music task with tracks to keep, as it was given or read now."""
        from airflow_provider_suno.api.endpoints.music import KIND, MusicTask
        from airflow_provider_suno.api.jobs import JobState
        from airflow_provider_suno.polling.finished import finished_record, given_record

        if isinstance(music_task, MusicTask):
            record: MusicTask | None = music_task
        else:
            record = cast("MusicTask | None", given_record(KIND, music_task))
        if record is None:
            return finished_record(
                self.client, music_task, audio_id=audio_id, playable=True, refused="nothing was fetched", log=self.log
            )
        if KIND.judge(record, "all").state is JobState.RUNNING:
            self.log.warning(
                "music task %s had not finished (status %s) when its record was read: only tracks that had audio then "
                "are kept",
                record.music_task_id,
                record.status,
            )
        return record

    def get_music_task(self, music_task_id: str) -> MusicTask | None:
        """
        Return the record of a music task, ``None`` when the service does not know the id (yet); free.

        A failed read is sent again, up to four times in all. Unusual URLs of tracks are logged as warnings.
        """
        record = cast("MusicTask | None", self.get_record(music_task_id))
        for remark in record.remarks() if record is not None else ():
            self.log.warning("music task %s: %s", music_task_id, remark)
        return record

    def get_record(self, job: JobRef | str, *, kind: str = "music") -> JobRecord | None:
        """
        Return the record of a job of any kind, ``None`` when the service does not know the id (yet); free.

        A failed read is sent again, up to four times in all.

        :param job: its id.
        :param kind: the name of the kind of job, such as ``wav``.
        """
        if not isinstance(job, JobRef):
            found = job_kind(kind)
            job = JobRef(found, checked_id(found.id_parameter, job))
        return self.client.get_record(job)

    def get_credits(self) -> Decimal:
        """Return the balance in credits (may be fractional); free. Sent up to four times if reading fails."""
        return self.client.get_credits()

    def test_connection(self) -> tuple[bool, str]:
        """Read the balance, which is free; return whether that worked, and a message."""
        from airflow_provider_suno.http.client import SunoClient

        try:
            # The form's button tests a copy of the connection under a random id.
            settings = self._read_settings(called="this connection")
            where = settings.client
            with SunoClient(where) as client:
                balance = client.get_credits(resend=False)
        except SunoNotFoundError as error:
            return False, (
                f"{where.base_url} has no {where.profile.credit_path}: check the base URL (it must be the API's root) "
                f"and the extra 'profile' (now {where.profile.name}). ({error.message})"
            )
        except SunoError as error:
            return False, error.message
        if balance <= 0:
            return False, "The API key works, but the account has no credits left: top it up before submitting."
        but = f" But {where.exposure}" if where.exposure else ""
        return True, f"The API key works; the account has {balance} credits.{but}{self._about_callbacks(settings)}"

    def _about_callbacks(self, settings: ConnectionSettings) -> str:
        """Return whether callbacks will come, for a message; nothing if they are not wanted."""
        from airflow_provider_suno.api.callback import PING, CallbackToken
        from airflow_provider_suno.api.callback_url import with_token
        from airflow_provider_suno.http.callback_address import why_no_callback_comes

        callbacks = settings.callbacks
        if not callbacks.secrets:
            return ""
        # The form's button tests a copy of the connection under a random id, which the receiver does not know.
        token = CallbackToken(self.suno_conn_id, PING, secrets.token_urlsafe(12))
        url = with_token(callbacks.url, callbacks.sign(token))
        problem = why_no_callback_comes(url, callbacks.answer(token).split(), settings.client.media)
        if problem is None:
            but = f" But {callbacks.weakness}" if callbacks.weakness else ""
            return f" Callbacks: {callbacks.url} answers as this Airflow.{but}"
        return f" But callbacks will not come: {problem}. Jobs are polled without them."

    def build(self, request_type: type[Request], fields: Mapping[str, Any]) -> Request:
        """
        Return a checked request, by default with the connection's callback URL; sends nothing.

        :param request_type: the model of the endpoint.
        :param fields: its fields; ``None`` counts as not given.
        :raises SunoValidationError: names every wrong field.
        """
        if "callback_url" in request_type.model_fields and not fields.get("callback_url"):
            fields = {**fields, "callback_url": self.settings.callbacks.url}
        return request_type.build(fields, profile=self.settings.client.profile)

    def extension(
        self, fields: Mapping[str, Any], *, source_music_task_id: str | None = None, track: Any = 0
    ) -> ExtendMusicRequest:
        """Return the checked request of :meth:`extend_music`; reads the source's record if named, submits nothing."""
        from airflow_provider_suno.api.endpoints.music_requests import ExtendMusicRequest
        from airflow_provider_suno.api.fields import blank_is_none
        from airflow_provider_suno.polling.finished import choose_track, finished_record

        if source_music_task_id is None:
            if fields.get("audio_id") is None:
                raise SunoValidationError(
                    "audio_id: name the track to extend by audio_id and model, or by source_music_task_id."
                )
            return self.build(ExtendMusicRequest, fields)
        audio_id = fields.get("audio_id")
        record = finished_record(
            self.client, source_music_task_id, audio_id=audio_id, refused="nothing was extended", log=self.log
        )
        source = choose_track(record, audio_id, track)
        model = blank_is_none(fields.get("model")) or record.model
        request = self.build(ExtendMusicRequest, {**fields, "audio_id": source.audio_id, "model": model})
        request.check_source(record.model, source.duration)
        self.log.info(
            "%s: track %s of music task %s, made by %s", request.call, source.audio_id, record.music_task_id, model
        )
        return request

    def replacement(self, fields: Mapping[str, Any], *, track: Any = 0) -> ReplaceSectionRequest:
        """Return the checked request of :meth:`replace_section`; reads the source's record if it is named."""
        from airflow_provider_suno.api.endpoints.section import ReplaceSectionRequest
        from airflow_provider_suno.api.fields import blank_is_none
        from airflow_provider_suno.polling.finished import choose_track, finished_record

        source_music_task_id = blank_is_none(fields.get("source_music_task_id"))
        if source_music_task_id is None or blank_is_none(fields.get("upload_url")) is not None:
            return self.build(ReplaceSectionRequest, fields)
        audio_id = blank_is_none(fields.get("audio_id"))
        record = finished_record(
            self.client, source_music_task_id, audio_id=audio_id, refused="nothing was replaced", log=self.log
        )
        source = choose_track(record, audio_id, track)
        request = self.build(ReplaceSectionRequest, {**fields, "audio_id": source.audio_id})
        request.check_source(source.duration)
        for warning in request.source_warnings(source.duration):
            self.log.warning("%s: %s", request.call, warning)
        self.log.info("%s: track %s of music task %s", request.call, source.audio_id, record.music_task_id)
        return request

    def run(self, request: SunoRequest, around: AbstractContextManager[Any] | None = None) -> Any:
        """
        Send a request of any model; log warnings about it.

        It is sent again where that is safe: one that costs credits only when the service surely refused it.

        :param request: what :meth:`build` returned.
        :param around: entered for each send; if entering raises, nothing is sent.
        :return: what the reply holds: the id of the job that was started, else the answer's value.
        :raises SunoLostReplyError: when the reply is lost and the request may have been charged.
        """
        self._warn_of(request)
        if request.effect == "submit":
            self._log_balance()
        if around is None:
            request = self._with_callback_token(request)
        return self.client.send(request, around or nullcontext())

    def _with_callback_token(self, request: SunoRequest) -> SunoRequest:
        """Sign the callback URL of a job that no task has submitted, if it leads to this Airflow."""
        from airflow_provider_suno.api.callback import CallbackToken
        from airflow_provider_suno.api.request import JobRequest

        callbacks = self.settings.callbacks
        if not isinstance(request, JobRequest) or not callbacks.secrets or request.callback_url != callbacks.url:
            return request
        token = CallbackToken(self.suno_conn_id, request.kind, secrets.token_urlsafe(12))
        return request.with_callback_token(callbacks.sign(token))

    def submit(self, request: JobRequest, around: AbstractContextManager[Any] | None = None) -> str:
        """Send a request that starts a job and return the id of the job; like :meth:`run`."""
        return str(self.run(request, around))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """
        Call a path of the host for which there is no request model, and return the ``data`` of the reply.

        The call has the account's auth, and its reply is read like any other. A ``GET`` is sent again if it fails.
        Everything else counts as a submission: it is sent again only when the service surely refused it, and it may
        cost credits each time. Nothing is journaled, so a task that calls it again in a retry may pay again.

        :param method: ``GET``, ``POST`` and so on.
        :param path: the path, such as ``/api/v1/generate/new-call``.
        :param body: the JSON body under the API's own names; of a ``GET`` the query.
        :raises SunoLostReplyError: when the reply to a submission is lost, so that it may have been charged.
        :raises SunoError: when the service refused it; the error's ``data`` is that of its reply.
        """
        if not isinstance(path, str) or not re.fullmatch(r"/(?!/)[!-~]*", path) or ".." in path.split("/"):
            raise SunoValidationError(f"path: must be a path such as /api/v1/generate, got {excerpt(path)}.")
        if not isinstance(method, str) or not re.fullmatch("[A-Za-z]+", method):
            raise SunoValidationError(f"method: must be GET, POST or the like, got {excerpt(method)}.")
        if not (body is None or isinstance(body, dict)):
            raise SunoValidationError(f"body: must be a dict, got {excerpt(body)}.")
        if (why := why_no_json(body)) is not None:
            raise SunoValidationError(f"body: {why}")
        return self.client.call(method.upper(), path, body)

    def make_persona(
        self,
        request: GeneratePersonaRequest,
        around: AbstractContextManager[Any] | None = None,
        *,
        reply_lost: bool = False,
    ) -> Persona:
        """
        Send a request for a persona; log warnings about the request.

        :param request: what :meth:`build` returned.
        :param around: entered for each send; if entering raises, nothing is sent.
        :param reply_lost: whether the reply to an earlier send of the same request is lost.
        """
        self._warn_of(request)
        return self.client.generate_persona(request, around or nullcontext(), reply_lost=reply_lost)

    def _log_balance(self) -> None:
        """Log the balance, once; nothing depends on it, so that a failure does not matter."""
        if not self.shows_balance:
            return
        self.shows_balance = False
        try:
            balance = self.client.get_credits(resend=False, timeout=_BALANCE_TIMEOUT)
        except SunoError as error:
            self.log.debug("the balance could not be read: %s", error)
        else:
            self.log.info("the account has %s credits before this submission", balance)

    def _warn_of(self, request: SunoRequest) -> None:
        for warning in request.warnings(self.settings.client.profile):
            self.log.warning("%s: %s", request.call, warning)
