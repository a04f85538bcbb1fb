"""Temporary direct links to files that the service has made ("download-url"); free, valid for 20 minutes."""

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_suno.api.fields import HttpUrl
from airflow_provider_suno.api.parsing import url_of
from airflow_provider_suno.api.record import SHOWN_CHARACTERS
from airflow_provider_suno.api.request import Effect, SunoRequest
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoProtocolError

if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import Later, RequestFields

    class DownloadUrlFields(RequestFields[Later], Generic[Later], total=False):
        """The fields of :class:`DownloadUrlRequest`."""

        url: str | Later


class DownloadUrlRequest(SunoRequest):
    """
    Ask for a direct link to a file: ``POST /api/v1/common/download-url``; changes nothing.

    :param url: the file's URL, as a record of the same host shows it.
    """

    path: ClassVar[str] = "/api/v1/common/download-url"
    call: ClassVar[str] = "get_download_url"
    effect: ClassVar[Effect] = "read"

    url: HttpUrl

    def read(self, data: Any) -> str:
        """Return the link."""
        link = url_of(data)
        if link is None:
            raise SunoProtocolError(f"The reply has no link: {excerpt(data, SHOWN_CHARACTERS)}.")
        return link
