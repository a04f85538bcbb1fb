"""The request that blends two songs ("generate-mashup")."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from airflow_provider_suno.api.endpoints.music_requests import FreeFormRequest
from airflow_provider_suno.api.fields import Urls

if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.endpoints.music_requests import FreeFormFields
    from airflow_provider_suno.api.request import Later

    class GenerateMashupFields(FreeFormFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateMashupRequest`."""

        upload_url_list: Sequence[str] | Later


class GenerateMashupRequest(FreeFormRequest):
    """
    Blend two songs: ``POST /api/v1/generate/mashup``.

    :param upload_url_list: two URLs from which the service fetches the songs.
    """

    path: ClassVar[str] = "/api/v1/generate/mashup"
    call: ClassVar[str] = "generate_mashup"

    upload_url_list: Annotated[Urls, Field(min_length=2, max_length=2)]
