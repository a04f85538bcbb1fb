"""Requests that add what your audio lacks: an accompaniment, or singing ("add-instrumental", "add-vocals")."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_suno.api.endpoints.music_requests import SongRequest
from airflow_provider_suno.api.fields import HttpUrl
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.song_fields import BEFORE_V5, RequiredLyrics, RequiredTags, RequiredTitle

_USUAL_NEGATIVE_TAGS = 200


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.endpoints.music_requests import SongFields
    from airflow_provider_suno.api.request import Later

    class AddedPartFields(SongFields[Later], Generic[Later], total=False):
        """The fields of both requests."""

        upload_url: str | Later
        title: str | Later

    class AddInstrumentalFields(AddedPartFields[Later], Generic[Later], total=False):
        """The fields of :class:`AddInstrumentalRequest`."""

        tags: str | Later

    class AddVocalsFields(AddedPartFields[Later], Generic[Later], total=False):
        """The fields of :class:`AddVocalsRequest`."""

        prompt: str | Later
        style: str | Later


class AddedPartRequest(SongRequest):
    """
    The base of both requests.

    :param upload_url: the URL from which the service fetches the audio.
    :param title: the songs' title, up to 100 characters.
    :param negative_tags: what to avoid, up to 1000 characters (some hosts take 200); required.
    :param model: V4_5PLUS or later; ``None`` leaves it to the service (V4_5PLUS).
    """

    too_old: ClassVar[frozenset[str]] = BEFORE_V5 - {"V4_5PLUS"}

    upload_url: HttpUrl
    title: RequiredTitle
    negative_tags: RequiredTags

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about tags that are longer than some hosts take."""
        yield from super().warnings(profile)
        if len(self.negative_tags) > _USUAL_NEGATIVE_TAGS:
            yield (
                f"negative_tags: {len(self.negative_tags)} characters; some hosts take {_USUAL_NEGATIVE_TAGS}. Sent "
                "anyway."
            )


class AddInstrumentalRequest(AddedPartRequest):
    """
    Add an accompaniment to your audio: ``POST /api/v1/generate/add-instrumental``.

    :param tags: its style, up to 1000 characters.
    """

    path: ClassVar[str] = "/api/v1/generate/add-instrumental"
    call: ClassVar[str] = "add_instrumental"

    tags: RequiredTags


class AddVocalsRequest(AddedPartRequest):
    """
    Add singing to your audio: ``POST /api/v1/generate/add-vocals``.

    :param prompt: the lyrics, or what to sing of; up to 5000 characters.
    :param style: the style, up to 1000 characters.
    """

    path: ClassVar[str] = "/api/v1/generate/add-vocals"
    call: ClassVar[str] = "add_vocals"

    prompt: RequiredLyrics
    style: RequiredTags
