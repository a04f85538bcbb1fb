"""The request that blends two songs ("generate-mashup")."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_suno.api.endpoints.music_requests import FreeFormRequest
from airflow_provider_suno.api.fields import Urls
from airflow_provider_suno.api.profiles import HostProfile

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
    :param negative_tags: what to avoid; up to 1000 characters. No host documents it for this call.
    """

    path: ClassVar[str] = "/api/v1/generate/mashup"
    call: ClassVar[str] = "generate_mashup"

    newer_fields: ClassVar[tuple[str, ...]] = (*FreeFormRequest.newer_fields, "negative_tags")

    upload_url_list: Urls

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check that there are two songs."""
        yield from super().problems(profile)
        if len(self.upload_url_list) != 2:
            yield f"upload_url_list: {len(self.upload_url_list)} URLs; a mashup is made of exactly 2 songs"
        elif len(set(self.upload_url_list)) == 1:
            yield "upload_url_list: both URLs are the same; a mashup is made of 2 different songs"
