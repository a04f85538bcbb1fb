"""
Stems: a track taken apart into the voice and the rest, or into single instruments ("separate-vocals").

Every separation is billed, also a second one of the same track.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_suno.api.fields import BlankIsNone, OptionalId, OptionalUrl, Text
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.parsing import media_url_of, seconds_of, text_of
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.record import (
    ConversionRecord,
    MediaUrl,
    either,
    read_job_record,
    unpacked,
    with_response,
)
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.result_file import ResultFile

_NOUN = "separation into stems"
_URL_OF_A_STEM = re.compile(r"(?!origin|audio|callback)(\w+?)_?url", re.IGNORECASE)

_LONGEST_NAME = 100

SeparationType = Literal["separate_vocal", "split_stem", "split_stem_advanced"]


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class SeparateVocalsFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`SeparateVocalsRequest`."""

        music_task_id: str | Later | None
        audio_id: str | Later | None
        audio_url: str | Later | None
        type: SeparationType | Later | None
        stem_name: str | Later | None


class SeparateVocalsRequest(JobRequest):
    """
    Take a track apart: ``POST /api/v1/vocal-removal/generate``.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks.
    :param audio_url: the URL of your audio instead of both, up to 20 MB; not on every host.
    :param type: ``separate_vocal``: the voice and the rest; ``split_stem``: up to 12 instruments;
        ``split_stem_advanced``: the one called ``stem_name``, not on every host. ``None`` leaves it to the service
        (``separate_vocal``).
    :param stem_name: the instrument for ``split_stem_advanced``.
    """

    path: ClassVar[str] = "/api/v1/vocal-removal/generate"
    call: ClassVar[str] = "separate_vocals"
    kind: ClassVar[str] = "stems"
    newer_fields: ClassVar[tuple[str, ...]] = ("audio_url", "stem_name")

    music_task_id: OptionalId = Field(default=None, serialization_alias="taskId")
    audio_id: OptionalId = None
    audio_url: OptionalUrl = None
    type: Annotated[SeparationType | None, BlankIsNone] = None
    stem_name: Text = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check that one source is named."""
        yield from super().problems(profile)
        for field in ("music_task_id", "audio_id"):
            given = getattr(self, field) is not None
            if given and self.audio_url is not None:
                yield f"{field}: names another source beside audio_url; leave one of the two out"
            elif not given and self.audio_url is None:
                yield f"{field}: needed, unless audio_url is given"

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about an instrument that is named without need, or not named."""
        yield from super().warnings(profile)
        advanced = self.type == "split_stem_advanced"
        if advanced and not profile.names_newer_fields:
            yield f"type: the pages of {profile.name} do not name split_stem_advanced; sent anyway."
        if advanced and self.stem_name is None:
            yield "stem_name: not given, although the pages require it with split_stem_advanced; sent anyway."
        if self.stem_name is not None and not advanced:
            yield "stem_name: the pages name it for split_stem_advanced only; sent anyway."


def _stems(value: Any) -> dict[str, str]:
    value = unpacked(value)
    found = value.items() if isinstance(value, dict) else ()
    return {_snake(name): url for name, given in found if (url := media_url_of(given)) is not None}


def _origin_data(value: Any) -> list[dict[str, Any]]:
    value = unpacked(value)
    return [
        {
            "audio_id": text_of(each.get("id") or each.get("audio_id")),
            "name": text_of(each.get("stem_type_group_name") or each.get("name")),
            "audio_url": media_url_of(each.get("audio_url")),
            "duration": seconds_of(each.get("duration")),
        }
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, dict)
    ]


class StemSeparation(ConversionRecord):
    """
    The record of a separation into stems.

    ``stems``: the URL of each stem by its name, such as ``vocal``, ``instrumental``, ``drums``; empty until they exist.
    ``origin_data``: ``[{"audio_id", "name", "audio_url", "duration" (s)}]``, whose ids are those that MIDI is asked for
    by. ``origin_url``: the track itself, where the service gives it.
    """

    stems: Annotated[dict[str, str], BeforeValidator(_stems)] = Field(default_factory=dict)
    origin_data: Annotated[list[dict[str, Any]], BeforeValidator(_origin_data)] = Field(default_factory=list)
    origin_url: MediaUrl = either("origin_url")

    def result(self) -> dict[str, str]:
        """Return the URL of each stem by its name."""
        return self.stems

    def result_summary(self) -> str:
        """Return the names of the stems."""
        return f" {', '.join(self.stems)}"

    def files(self) -> tuple[ResultFile, ...]:
        """Return the files of the stems."""
        return tuple(ResultFile(name, url, "audio") for name, url in self.stems.items())


def _read(data: Any, job_id: str) -> StemSeparation | None:
    data = with_response(data)
    if isinstance(data, dict):
        data = {**data, "origin_data": data.get("originData") or data.get("origin_data")}
        data["stems"] = _stems(data.get("stems")) or _stems_of(data)
    return read_job_record(StemSeparation, _NOUN, data, job_id)


def _stems_of(data: dict[str, Any]) -> dict[str, str]:
    """Return the URL of each stem: of the fields named ``…Url``, and what only the list with the ids has."""
    named = {
        _snake(found.group(1)): url
        for field, value in data.items()
        if (found := _URL_OF_A_STEM.fullmatch(str(field))) and (url := media_url_of(value)) is not None
    }
    stems = dict(named)
    known = {name.rstrip("s") for name in named}  # such as vocalUrl, which the list calls Vocals
    for number, each in enumerate(_origin_data(data["origin_data"])):
        url, name = each["audio_url"], _snake(each["name"] or f"stem {number}")
        if url is not None and url not in stems.values() and name.rstrip("s") not in known:
            stems[name if name not in stems else _snake(f"{name} {number}")] = url
    return stems


def _snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return re.sub(r"\W+", "_", words).strip("_")[:_LONGEST_NAME].strip("_") or "stem"


def _judge(record: StemSeparation, until: Until) -> Verdict:
    del until  # all stems come at once
    return judge_by_status(KIND, record, missing="URL of a stem")


KIND = JobKind(
    name="stems",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="stems",
    record_path="/api/v1/vocal-removal/record-info",
    statuses=frozenset({"PENDING", "SUCCESS", "CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "CALLBACK_EXCEPTION"}),
    usual_duration={"all": 80.0, "first": 80.0},
    no_result_before=10.0,
    read=_read,
    judge=_judge,
    makes_files=True,
    says_unknown=says_record_does_not_exist,
)
