"""The operators that upload a file, and that keep finished music."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_suno.api.fields import blank_is_none, checked_id
from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.hooks.files import DEFAULT_NAME, MOST_BYTES, check_method, check_source, check_texts
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.links.suno import AudioLink, KeptFileLink
from airflow_provider_suno.task.arguments import check_arguments, refuse_non_flags
from airflow_provider_suno.task.failure import with_errors_for_airflow
from airflow_provider_suno.task.keeping import as_template, keep_music
from airflow_provider_suno.task.suno_task import SunoTask

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.hooks.files import FileSource
    from airflow_provider_suno.hooks.keep_options import Overwrite
    from airflow_provider_suno.hooks.storage import Destination
    from airflow_provider_suno.task.parameters import OperatorArguments


class UploadFileOperator(SunoTask):
    """
    Upload an audio file for the operators that take an ``upload_url`` (docs.apikley.ru, "upload-file-stream"); free.

    The service deletes the file after 3 days. Returns the file's URL and pushes ``file``: ``{"url", "name", "path",
    "size" (bytes), "media_type", "uploaded_at"}``. Size and type are checked before the upload; a local file is
    streamed, with progress in the log. A failed upload is sent again, up to four times in all. A retry or a clear
    uploads the file again, into a new folder. A kill or an ``execution_timeout`` aborts the upload.

    :param source: the path of a local file, an ``ObjectStoragePath`` or its URL (``s3://aws@bucket/x.mp3``), or a
        public http(s) URL, which the service fetches itself (within 30 s, up to about 100 MB).
    :param method: ``stream`` (up to 100 MB), ``base64`` (up to 10 MB, held in memory) or ``url``; ``None`` chooses
        ``url`` for an http(s) URL and ``stream`` otherwise.
    :param folder: the folder at the service; by default a new one, since a file of the same name is overwritten.
    :param name: the file's name there, with its extension.
    :param suno_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("source", "method", "folder", "name", "suno_conn_id")
    operator_extra_links = (AudioLink(),)
    ui_color = "#fff3e0"

    def __init__(
        self,
        *,
        source: FileSource | XComArg,
        method: Literal["stream", "base64", "url"] | XComArg | None = None,
        folder: str | XComArg | None = None,
        name: str | XComArg | None = None,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        self.source: FileSource = source  # type: ignore[assignment]  # once rendered
        self.method: str | None = method  # type: ignore[assignment]
        self.folder: str | None = folder  # type: ignore[assignment]
        self.name: str | None = name  # type: ignore[assignment]
        super().__init__(suno_conn_id=suno_conn_id, **kwargs)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed; the file is not opened."""
        del later
        check_texts(folder=known.get("folder"), name=known.get("name"))
        method = check_method(known.get("method"))
        if "source" in known:
            check_source(known["source"], method)

    @with_errors_for_airflow
    def execute(self, context: Context) -> str:
        """Upload the file and return its URL."""
        from airflow_provider_suno.links.pushing import push_file_link

        hook = self.open_hook()
        check_arguments(self, context, optional_texts=("method", "folder", "name"))
        file = hook.upload(self.source, method=self.method, folder=self.folder, name=self.name)
        self.stop_if_killed()
        self.log.info("uploaded: %s", file.url)
        context["ti"].xcom_push(key="file", value=file.to_dict())
        push_file_link(context, file.url, self.log)
        self.stop_if_killed()
        return file.url

    def what_continues(self) -> str:
        """Return what becomes of the upload."""
        return "The upload is aborted. Nothing is charged; the service deletes what arrived after 3 days."


_OPTIONS = ("track", "audio_ids", "covers", "name", "overwrite", "max_bytes", "parallel")


class DownloadMusicOperator(SunoTask):
    """
    Keep the tracks of a finished music task in a folder or an object store, before the service deletes them; free.

    Returns the list of URIs and pushes ``files``: ``[{"uri", "audio_id", "title", "size" (bytes), "sha256",
    "media_type", "duration" (s)}]``. Each file is fetched into a local temporary file, with bounded memory, and checked
    there: that it is whole, not too large, and audio, whose type decides the extension. It then gets its name in one
    step, so that nothing half-written is ever seen under that name, whatever dies. Beside it lies a JSON file with its
    checksum, title, tags, prompt, model, persona, ids and times. With ``airflow-provider-suno[tags]`` the file itself
    gets title, artist (the persona's id) and the ids as a comment.

    A transfer that breaks goes on where it ended. What is kept already is not fetched again, so a retry or a clear
    fetches only what is missing. A kill or an ``execution_timeout`` ends the transfers. If a link has expired, the
    record is read again, once, for a new one. The events of the task's ``outlets`` carry the URIs; for an
    ``AssetAlias``, each file becomes an asset.

    The API key is not sent to the media hosts. Files are fetched over http and https only, and not from private
    addresses unless the connection's extra ``allow_private_media`` is true.

    :param destination: the folder: a local path, an ``ObjectStoragePath`` or its URL (``s3://aws@bucket/songs``).
    :param music_task_id: the finished music task, whose record is read; or
    :param music_task: its record, as the XCom ``music_task``.
    :param track: the number of one track, counted from 0; by default all are kept.
    :param audio_ids: the tracks to keep, one id or a list.
    :param covers: keep the cover picture of each track, too.
    :param name: the files' names without extension, from ``{title}``, ``{audio_id}``, ``{track}`` (its number),
        ``{music_task_id}``, ``{model}``, ``{model_name}``, ``{persona_id}``, ``{duration}`` (s) and ``{tags}``; a ``/``
        makes a folder. If two tracks would get the same name, the ``audio_id`` is added.
    :param overwrite: ``never``, or ``if_changed``: ask the host whether the file has changed, and replace it then.
    :param max_bytes: the size at which a file is refused.
    :param parallel: how many files are fetched at once, 1 to 16. Memory: about 1 MB for each; an object store's client
        holds parts of one file at a time.
    :param suno_conn_id: the connection.
    """

    template_fields: Sequence[str] = (
        "destination",
        "music_task_id",
        "music_task",
        "track",
        "audio_ids",
        "name",
        "overwrite",
        "max_bytes",
        "parallel",
        "suno_conn_id",
    )
    also_checked = ("covers",)
    operator_extra_links = (KeptFileLink(),)
    ui_color = "#e8f5e9"

    def __init__(
        self,
        *,
        destination: Destination | XComArg,
        music_task_id: str | XComArg | None = None,
        music_task: Mapping[str, Any] | XComArg | None = None,
        track: int | str | XComArg | None = None,
        audio_ids: Sequence[str] | XComArg | None = None,
        covers: bool = False,
        name: str | XComArg = DEFAULT_NAME,
        overwrite: Overwrite | XComArg = "never",
        max_bytes: int | str | XComArg = MOST_BYTES,
        parallel: int | str | XComArg = 2,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        self.destination: Destination = as_template(destination)
        self.music_task_id = music_task_id
        self.music_task = music_task
        self.track = track
        self.audio_ids = audio_ids
        self.covers = covers
        self.name = name
        self.overwrite = overwrite
        self.max_bytes = max_bytes
        self.parallel = parallel
        super().__init__(suno_conn_id=suno_conn_id, **kwargs)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed; the destination is not opened."""
        from airflow_provider_suno.hooks.keep_options import KeepOptions
        from airflow_provider_suno.hooks.storage import check_destination

        refuse_non_flags(known, ("covers",))
        sources = [name for name in ("music_task_id", "music_task") if name in later or known.get(name) is not None]
        if len(sources) != 1:
            given = " and ".join(sources) or "neither is given"
            raise SunoValidationError(f"music_task_id: give it or music_task, the XCom of a sensor ({given}).")
        if (music_task_id := blank_is_none(known.get("music_task_id"))) is not None:
            checked_id("music_task_id", music_task_id)
        if isinstance(known.get("music_task"), str):
            raise SunoValidationError(
                "music_task: must be the XCom of a sensor or an operator; for an id, music_task_id."
            )
        if "destination" in known:
            check_destination(known["destination"])
        KeepOptions.check(**{name: known[name] for name in _OPTIONS if name in known})

    @with_errors_for_airflow
    def execute(self, context: Context) -> list[str]:
        """Keep the tracks and return their URIs."""
        hook = self.open_hook()
        check_arguments(self, context, records=("music_task",))
        source = self.music_task_id if self.music_task is None else self.music_task
        options = {name: getattr(self, name) for name in _OPTIONS}
        files = keep_music(context, hook, source, self.destination, parameter="destination", **options)
        self.stop_if_killed()
        return [file.uri for file in files]

    def what_continues(self) -> str:
        """Return what becomes of the files."""
        return "What was kept stays; a retry or a clear fetches the rest. Nothing is charged for that."
