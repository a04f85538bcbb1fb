"""The operator that uploads a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_suno.hooks.files import check_method, check_source, check_texts
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.task.arguments import check_arguments
from airflow_provider_suno.task.failure import with_errors_for_airflow
from airflow_provider_suno.task.suno_task import SunoTask

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.hooks.files import FileSource
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
        hook = self.open_hook()
        check_arguments(self, context, optional_texts=("method", "folder", "name"))
        file = hook.upload(self.source, method=self.method, folder=self.folder, name=self.name)
        self.stop_if_killed()
        self.log.info("uploaded: %s", file.url)
        context["ti"].xcom_push(key="file", value=file.to_dict())
        self.stop_if_killed()
        return file.url

    def what_continues(self) -> str:
        """Return what becomes of the upload."""
        return "The upload is aborted. Nothing is charged; the service deletes what arrived after 3 days."
