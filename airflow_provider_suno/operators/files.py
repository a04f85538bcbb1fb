"""The operator that uploads a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.hooks.files import check_method, check_source, check_texts
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.task.arguments import check_arguments
from airflow_provider_suno.task.cancellation import SunoTask
from airflow_provider_suno.task.failure import with_errors_for_airflow

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.hooks.files import FileSource
    from airflow_provider_suno.task.parameters import OperatorArguments


class UploadFileOperator(SunoTask):
    """
    Upload an audio file for the operators that take an ``upload_url``; free, deleted by the service after 3 days.

    The size and the type are checked before anything is sent; a local file is sent as it is read, with progress in
    the log. Returns the file's URL; pushes ``file``: ``{"url", "name", "path", "size" (bytes), "media_type",
    "uploaded_at"}``. A failed upload is sent again, up to four times in all; a retry or a clear uploads it again, into
    a new folder. A kill ends it. Nothing is ever charged.

    :param source: the path of a local file, an ``ObjectStoragePath`` or its URL (``s3://aws@bucket/x.mp3``), or a
        public http(s) URL, which the service fetches by itself (within 30 s, up to about 100 MB).
    :param method: ``stream`` (up to 100 MB), ``base64`` (up to 10 MB, whole in memory) or ``url``; ``None`` chooses
        ``url`` for an http(s) URL and ``stream`` for all else.
    :param folder: where to put it at the service; one of its own by default, since the same folder and name overwrite.
    :param name: what to call it there, with its extension.
    :param suno_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("source", "method", "folder", "name", "suno_conn_id")
    ui_color = "#fff3e0"

    def __init__(
        self,
        *,
        source: FileSource | XComArg,
        method: str | XComArg | None = None,
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
        """Check what is known when the Dag is parsed, without a look at the file."""
        del later
        check_texts(folder=known.get("folder"), name=known.get("name"))
        method = check_method(known.get("method"))
        if "source" in known:
            check_source(known["source"], method)

    @with_errors_for_airflow
    def execute(self, context: Context) -> str:
        """Upload the file."""
        hook = self.open_hook()
        check_arguments(self, context, optional_texts=("method", "folder", "name"))
        file = hook.upload(self.source, method=self.method, folder=self.folder, name=self.name)
        self.stop_if_killed()
        self.log.info("uploaded: %s", file.url)
        context["ti"].xcom_push(key="file", value=file.to_dict())
        self.stop_if_killed()
        return file.url

    def what_goes_on(self) -> str:
        """Say what becomes of an upload that was under way."""
        return "The upload is broken off. Nothing is charged; the service deletes what arrived after 3 days."
