"""The hook: an Airflow connection turned into calls of the Suno API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.compat import connection_form_widgets, ui_field_behaviour
from airflow_provider_suno.exceptions import SunoError, SunoNotFoundError, SunoValidationError
from airflow_provider_suno.http.cancellation import Cancellation

if TYPE_CHECKING:
    from decimal import Decimal
    from typing import Never, Unpack

    from airflow_provider_suno.api.endpoints.midi import GenerateMidiFields
    from airflow_provider_suno.api.endpoints.music import MusicTask
    from airflow_provider_suno.api.endpoints.music_requests import (
        ExtendMusicFields,
        ExtendMusicRequest,
        GenerateMusicFields,
        UploadAndCoverAudioFields,
        UploadAndExtendAudioFields,
    )
    from airflow_provider_suno.api.endpoints.persona import GeneratePersonaFields, GeneratePersonaRequest, Persona
    from airflow_provider_suno.api.endpoints.uploads import UploadedFile
    from airflow_provider_suno.api.endpoints.wav import ConvertToWavFields
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.api.request import SunoRequest
    from airflow_provider_suno.hooks.connection import ConnectionSettings
    from airflow_provider_suno.hooks.files import FileSource
    from airflow_provider_suno.http.cancellation import Cancellation
    from airflow_provider_suno.http.client import SunoClient

    Request = TypeVar("Request", bound=SunoRequest)


class SunoHook(BaseHook):
    """
    Call the Suno API (docs.apikley.ru) as the account of an Airflow connection.

    Nothing is looked up before the first call. Every method raises a
    :class:`~airflow_provider_suno.exceptions.SunoError` that says what to do next; a request that is wrong raises
    before anything is sent.

    A submit is sent again only when the service surely refused it, so one call is charged at most once; a task that
    calls it again on a retry pays again, since the journal is the operators'. The API has no cancel: killing the task
    that called ends our part, not the job.

    :param suno_conn_id: the connection, of type ``suno``.
    :param cancellation: stops what the hook does, such as when the task is killed.
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
        self._cancellation = cancellation

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what a copy looks up anew: the key does not travel."""
        return {name: value for name, value in vars(self).items() if name not in ("settings", "client")}

    @cached_property
    def settings(self) -> ConnectionSettings:
        """What the connection says; looked up once."""
        settings = self._read_settings()
        warning = settings.client.exposure
        if warning:
            self.log.warning("%s", warning)
        return settings

    def _read_settings(self, *, called: str | None = None) -> ConnectionSettings:
        from airflow_provider_suno.hooks.connection import read_connection

        # No variable holds the connection: an error keeps what its frames hold.
        return read_connection(*self._look_up(), called=called)

    def _look_up(self) -> tuple[Any, Mapping[str, Any]]:
        connection = self.get_connection(self.suno_conn_id)
        return connection, connection.extra_dejson

    @cached_property
    def client(self) -> SunoClient:
        """The client behind every method."""
        from airflow_provider_suno.http.client import SunoClient

        return SunoClient(self.settings.client, cancellation=self._cancellation, on_resend=self._log_resend)

    def _log_resend(self, path: str, error: SunoError) -> None:
        self.log.info("%s did not go through, and is tried again: %s", path, error.message)

    def get_conn(self) -> SunoClient:
        """Return the client, as Airflow's hooks do."""
        return self.client

    def generate_music(self, **fields: Unpack[GenerateMusicFields[Never]]) -> str:
        """
        Submit songs from text and return the ``music_task_id``; costs credits (docs.apikley.ru, "generate-music").

        :param fields: ``model`` (required), ``prompt``, ``style``, ``title``, ``instrumental``, ``custom_mode``, and
            the other fields of :class:`~airflow_provider_suno.api.endpoints.music_requests.GenerateMusicRequest`, where
            types and limits stand; ``extra_fields`` passes what that does not know.
        :raises SunoValidationError: for a wrong field, before anything is sent.
        :raises SunoLostReplyError: when the answer never came and the job may have been charged.
        """
        from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest

        return self.submit(self.build(GenerateMusicRequest, fields))

    def extend_music(
        self, *, source_music_task_id: str | None = None, track: int = 0, **fields: Unpack[ExtendMusicFields[Never]]
    ) -> str:
        """
        Submit a track made here to be extended, and return the ``music_task_id``; costs credits ("extend-music").

        :param source_music_task_id: the music task of the track. When given, its record is read first: it tells the
            track (number ``track``, unless ``audio_id`` is given) and the model, and what cannot be an extension of
            it is refused.
        :param track: which track of it, counted from 0.
        :param fields: ``audio_id``, ``model`` (the source's), ``continue_at`` (s), ``prompt``, ``style``, ``title``,
            and the other fields of :class:`~airflow_provider_suno.api.endpoints.music_requests.ExtendMusicRequest`.
        :raises SunoMusicTaskNotFinishedError: when the named source is still running; nothing is submitted.
        :raises SunoLostReplyError: when the answer never came and the job may have been charged.
        """
        return self.submit(self.extension(fields, source_music_task_id=source_music_task_id, track=track))

    def upload_and_cover_audio(self, **fields: Unpack[UploadAndCoverAudioFields[Never]]) -> str:
        """
        Submit your audio for another style, and return the ``music_task_id``; costs credits
        (docs.apikley.ru, "upload-and-cover-audio").

        :param fields: ``upload_url`` (what :meth:`upload_file` returns, or any public URL), ``model``, ``prompt``,
            ``style``, and the other fields of
            :class:`~airflow_provider_suno.api.endpoints.music_requests.UploadAndCoverAudioRequest`.
        """
        from airflow_provider_suno.api.endpoints.music_requests import UploadAndCoverAudioRequest

        return self.submit(self.build(UploadAndCoverAudioRequest, fields))

    def upload_and_extend_audio(self, **fields: Unpack[UploadAndExtendAudioFields[Never]]) -> str:
        """
        Submit your audio to be extended, and return the ``music_task_id``; costs credits
        (docs.apikley.ru, "upload-and-extend-audio").

        :param fields: ``upload_url``, ``continue_at`` (s), ``model``, ``prompt``, ``style``, ``title``, and the other
            fields of :class:`~airflow_provider_suno.api.endpoints.music_requests.UploadAndExtendAudioRequest`.
        """
        from airflow_provider_suno.api.endpoints.music_requests import UploadAndExtendAudioRequest

        return self.submit(self.build(UploadAndExtendAudioRequest, fields))

    def generate_persona(self, *, audio_id: str, **fields: Unpack[GeneratePersonaFields[Never]]) -> Persona:
        """
        Make a persona of a finished track; free (docs.apikley.ru, "generate-persona").

        Sent once more when the reply is lost, since a track has one persona, ever.

        :param audio_id: the track; one persona per track, ever.
        :param fields: ``music_task_id`` (the finished music task), ``name``, ``description`` (its style); optionally
            ``vocal_start``, ``vocal_end`` (seconds), ``style``, ``extra_fields``.
        :raises SunoConflictError: when the track has a persona already; its id cannot be read back.
        :raises SunoLostReplyError: when both replies were lost.
        """
        from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest

        return self.make_persona(self.build(GeneratePersonaRequest, {"audio_id": audio_id, **fields}))

    def convert_to_wav(self, **fields: Unpack[ConvertToWavFields[Never]]) -> str:
        """
        Submit a finished track to be converted to WAV, and return the ``job_id``; costs credits ("convert-to-wav").

        :param fields: ``music_task_id`` (the finished music task), ``audio_id`` (its track); optionally
            ``callback_url``, ``extra_fields``.
        :raises SunoConflictError: when the track was converted before; the id of that conversion cannot be read back.
        :raises SunoLostReplyError: when the answer never came and the job may have been charged.
        """
        from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest

        return self.submit(self.build(ConvertToWavRequest, fields))

    def generate_midi(self, **fields: Unpack[GenerateMidiFields[Never]]) -> str:
        """
        Submit separated stems to be transcribed into notes, and return the ``job_id``; costs credits ("generate-midi").

        :param fields: ``stems_job_id`` (the finished separation into stems); optionally ``audio_id`` (one of its stems;
            ``None`` means all), ``callback_url``, ``extra_fields``.
        :raises SunoLostReplyError: when the answer never came and the job may have been charged.
        """
        from airflow_provider_suno.api.endpoints.midi import GenerateMidiRequest

        return self.submit(self.build(GenerateMidiRequest, fields))

    def upload_file(self, source: FileSource, **options: Any) -> str:
        """
        Upload an audio file, and return the URL to give to the upload operators; free, kept 3 days by the service.

        :param source: see :meth:`upload`; so are the options.
        """
        return self.upload(source, **options).url

    def upload(
        self, source: FileSource, *, method: str | None = None, folder: str | None = None, name: str | None = None
    ) -> UploadedFile:
        """
        Upload an audio file (docs.apikley.ru, "upload-file-stream", "-base-64", "-url"); free.

        Its size and type are checked before anything is sent, and a file is sent as it is read. A failed upload is
        sent again from its beginning, up to four times in all; nothing is charged.

        :param source: the path of a local file, an ``ObjectStoragePath`` (or its URL, such as ``s3://aws@bucket/x.mp3``),
            or a public http(s) URL, which the service fetches by itself.
        :param method: ``stream`` (up to 100 MB), ``base64`` (up to 10 MB, whole in memory) or ``url``; ``None``
            chooses ``url`` for an http(s) URL and ``stream`` for all else.
        :param folder: where to put it; a folder of its own by default, since the same folder and name overwrite.
        :param name: what to call it there, with its extension.
        :raises SunoValidationError: when it is not there, empty, too large, or no audio.
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

    def get_music_task(self, music_task_id: str) -> MusicTask | None:
        """
        Return the record of a music task, ``None`` when the service does not know the id (yet); free.

        A failed read is sent again, up to four times in all. What is odd about the tracks' addresses is logged.

        :param music_task_id: the music task.
        """
        from airflow_provider_suno.api.endpoints.music import KIND
        from airflow_provider_suno.api.fields import checked_id

        record = cast("MusicTask | None", self.get_record(JobRef(KIND, checked_id("music_task_id", music_task_id))))
        for remark in record.remarks() if record is not None else ():
            self.log.warning("music task %s: %s", music_task_id, remark)
        return record

    def get_record(self, job: JobRef) -> JobRecord | None:
        """
        Return the record of a job of any kind, ``None`` when the service does not know the id (yet); free.

        A failed read is sent again, up to four times in all.

        :param job: the job.
        """
        return self.client.get_record(job)

    def get_credits(self) -> Decimal:
        """
        Return the balance, in credits, which may be fractional; free.

        A failed read is sent again, up to four times in all.
        """
        return self.client.get_credits()

    def test_connection(self) -> tuple[bool, str]:
        """Read the balance, which is free, and say in words what is wrong, if anything."""
        from airflow_provider_suno.http.client import SunoClient

        try:
            # The form's button tries a copy of the connection, whose id is a random one.
            where = self._read_settings(called="this connection").client
            with SunoClient(where) as client:
                balance = client.get_credits(resend=False)
        except SunoNotFoundError as error:
            return False, (
                f"{where.base_url} has no {where.profile.credit_path}: check the base URL, which is that of the API's "
                f"root, and the extra 'profile' (now {where.profile.name}). ({error.message})"
            )
        except SunoError as error:
            return False, error.message
        if balance <= 0:
            return False, "The API key works, but the account has no credits left: top it up before submitting."
        warning = where.exposure
        but = f" But {warning}" if warning else ""
        return True, f"The API key works; the account has {balance} credits.{but}"

    def build(self, request_type: type[Request], fields: Mapping[str, Any]) -> Request:
        """
        Return the checked request, with the connection's callback URL where it names none; sends nothing.

        :param request_type: the model of the endpoint.
        :param fields: its fields; ``None`` counts as not given.
        :raises SunoValidationError: names every wrong field.
        """
        if "callback_url" in request_type.model_fields and not fields.get("callback_url"):
            fields = {**fields, "callback_url": self.settings.callback_url}
        return request_type.build(fields, profile=self.settings.client.profile)

    def extension(
        self, fields: Mapping[str, Any], *, source_music_task_id: str | None = None, track: Any = 0
    ) -> ExtendMusicRequest:
        """
        Return the checked request of an extension; reads the source's record when it is named, submits nothing.

        :param fields: the fields of the request.
        :param source_music_task_id: the music task of the track.
        :param track: which track of it, when there is no ``audio_id``.
        """
        from airflow_provider_suno.api.endpoints.music_requests import ExtendMusicRequest
        from airflow_provider_suno.api.fields import blank_is_none
        from airflow_provider_suno.polling.finished import choose_track, finished_record

        if source_music_task_id is None:
            if fields.get("audio_id") is None:
                raise SunoValidationError(
                    "audio_id: which track shall go on? Name it by audio_id and model, or by source_music_task_id."
                )
            return self.build(ExtendMusicRequest, fields)
        record = finished_record(
            self.client,
            source_music_task_id,
            audio_id=fields.get("audio_id"),
            refused="nothing was extended",
            log=self.log,
        )
        source = choose_track(record, fields.get("audio_id"), track)
        model = blank_is_none(fields.get("model")) or record.model
        request = self.build(ExtendMusicRequest, {**fields, "audio_id": source.audio_id, "model": model})
        request.check_source(record.model, source.duration)
        self.log.info(
            "%s: track %s of music task %s, made by %s", request.call, source.audio_id, record.music_task_id, model
        )
        return request

    def submit(self, request: SunoRequest, around: AbstractContextManager[Any] | None = None) -> str:
        """
        Send a checked request that costs credits and return the id of its job.

        :param request: what :meth:`build` returned; what is odd about it is logged.
        :param around: entered for each send; what it raises on the way in ends the call, and nothing is sent.
        """
        self._warn_of(request)
        return self.client.submit(request, around or nullcontext())

    def make_persona(
        self,
        request: GeneratePersonaRequest,
        around: AbstractContextManager[Any] | None = None,
        *,
        in_doubt: bool = False,
    ) -> Persona:
        """
        Send a checked request for a persona.

        :param request: what :meth:`build` returned; what is odd about it is logged.
        :param around: entered for each send; what it raises on the way in ends the call, and nothing is sent.
        :param in_doubt: whether the reply to an earlier send of the same request is lost already.
        """
        self._warn_of(request)
        return self.client.generate_persona(request, around or nullcontext(), in_doubt=in_doubt)

    def _warn_of(self, request: SunoRequest) -> None:
        for warning in request.warnings(self.settings.client.profile):
            self.log.warning("%s: %s", request.call, warning)
