"""Operators that make music."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.endpoints.added_parts import AddInstrumentalRequest, AddVocalsRequest
from airflow_provider_suno.api.endpoints.mashup import GenerateMashupRequest
from airflow_provider_suno.api.endpoints.music_requests import (
    ExtendMusicRequest,
    GenerateMusicRequest,
    UploadAndCoverAudioRequest,
    UploadAndExtendAudioRequest,
)
from airflow_provider_suno.api.endpoints.recovery import RecoverMusicRequest
from airflow_provider_suno.api.endpoints.section import ReplaceSectionRequest
from airflow_provider_suno.api.endpoints.sounds import GenerateSoundsRequest
from airflow_provider_suno.api.fields import blank_is_none, checked_id
from airflow_provider_suno.operators.submit_job import SubmitJobOperator
from airflow_provider_suno.operators.submit_music import SubmitMusicOperator
from airflow_provider_suno.polling.finished import refuse_two_tracks

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

    from airflow_provider_suno.api.endpoints.added_parts import AddInstrumentalFields, AddVocalsFields
    from airflow_provider_suno.api.endpoints.mashup import GenerateMashupFields
    from airflow_provider_suno.api.endpoints.music_requests import (
        ExtendMusicFields,
        GenerateMusicFields,
        UploadAndCoverAudioFields,
        UploadAndExtendAudioFields,
    )
    from airflow_provider_suno.api.endpoints.recovery import RecoverMusicFields
    from airflow_provider_suno.api.endpoints.section import ReplaceSectionFields
    from airflow_provider_suno.api.endpoints.sounds import GenerateSoundsFields
    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.operators.submit_job import JobArguments, KeepArguments
    from airflow_provider_suno.operators.submit_music import MusicArguments

    class GenerateMusicArguments(GenerateMusicFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class ExtendMusicArguments(ExtendMusicFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class UploadAndCoverAudioArguments(UploadAndCoverAudioFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class UploadAndExtendAudioArguments(UploadAndExtendAudioFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class AddInstrumentalArguments(AddInstrumentalFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class AddVocalsArguments(AddVocalsFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class ReplaceSectionArguments(ReplaceSectionFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class GenerateMashupArguments(GenerateMashupFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class GenerateSoundsArguments(GenerateSoundsFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class RecoverMusicArguments(RecoverMusicFields[XComArg], JobArguments, KeepArguments):
        """The operator's parameters."""


class GenerateMusicOperator(SubmitMusicOperator):
    """
    Generate songs from text (docs.apikley.ru, "generate-music"); usually two tracks in 30 s to 3 min; costs credits.

    Simple mode uses only ``prompt`` (up to 500 characters). Custom mode needs ``style`` and ``title`` (with only one of
    them, it is sent with a warning) and, unless ``instrumental``, ``prompt``, which is sung literally.

    Returns the ``music_task_id``, which is also pushed as an XCom as soon as it exists. With
    ``wait_for_completion=True``, pushes ``music_task`` and ``audio_ids``, too; with ``keep_at``, also ``files``. For
    what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    :param duration: the length to aim at, 10 to 360 seconds; V5_5 and V6 in custom mode, not on every host.
    :param lyrics: the words to sing, instead of those in ``prompt``; V6, not on every host.
    :param image_urls: up to 5 pictures to make the song of; V6 in simple mode, not on every host. Together with
        ``video_urls`` and ``audio_urls`` at most 10.
    :param video_urls: a video to make the song of; in the same cases.
    :param audio_urls: audio to make the song of; in the same cases.
    """

    request_type = GenerateMusicRequest

    def __init__(self, **arguments: Unpack[GenerateMusicArguments]) -> None:
        super().__init__(**arguments)


class ExtendMusicOperator(SubmitMusicOperator):
    """
    Extend a track that the service made ("extend-music" in the docs of the sibling hosts); costs credits.

    Without ``prompt``, ``style``, ``title`` and ``continue_at``, the settings of the source are used. With any of
    them, all four are needed (``prompt`` not with ``instrumental=True``). Name the source by ``audio_id`` and
    ``model``, or by ``source_music_task_id``. Then its record is read first, which supplies both, and an impossible
    extension is refused before anything is submitted. ``music_task_id`` is not the source: it resumes an extension.
    Returns and pushes the same as ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param audio_id: the track.
    :param source_music_task_id: the finished music task of the track.
    :param track: which of its tracks, counted from 0, when there is no ``audio_id``.
    :param model: must be the source's.
    :param prompt: the lyrics of the new part.
    :param continue_at: where the new part begins, in seconds: above 0, below the track's length.
    :param default_param_flag: use the fields given here (``True``) or the settings of the source (``False``); ``None``
        infers it.
    :param instrumental: no vocals in the new part; not on every host.
    """

    request_type = ExtendMusicRequest
    template_fields: Sequence[str] = (*SubmitMusicOperator.template_fields, "source_music_task_id", "track")

    audio_id: str | None

    def __init__(
        self,
        *,
        source_music_task_id: str | XComArg | None = None,
        track: int | str | XComArg = 0,
        **arguments: Unpack[ExtendMusicArguments],
    ) -> None:
        self.source_music_task_id: str | None = source_music_task_id  # type: ignore[assignment]  # once rendered
        self.track = track
        super().__init__(**arguments)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed; the source's record may supply track and model."""
        if (source := blank_is_none(known.get("source_music_task_id"))) is not None:
            checked_id("source_music_task_id", source)
        if "source_music_task_id" in later or source is not None:
            later = {*later, *(name for name in ("audio_id", "model") if blank_is_none(known.get(name)) is None)}
        refuse_two_tracks(known.get("audio_id"), known.get("track", 0))
        super().check_literals({name: value for name, value in known.items() if name not in later}, later)

    def build_request(self, hook: SunoHook) -> ExtendMusicRequest:
        """Return the checked request, completed from the source's record if one is named; submits nothing."""
        refuse_two_tracks(self.audio_id, self.track)
        return hook.extension(self.request_fields(), source_music_task_id=self.source_music_task_id, track=self.track)


class UploadAndCoverAudioOperator(SubmitMusicOperator):
    """
    Cover your audio in another style, with its melody (docs.apikley.ru, "upload-and-cover-audio"); costs credits.

    Modes and fields are those of ``GenerateMusicOperator``. Returns and pushes the same as ``GenerateMusicOperator``.
    For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param upload_url: the URL of the audio, up to 8 minutes long: what ``UploadFileOperator`` returns, or any public
        URL. The service fetches it after the submission, so a dead URL fails the job, not the submission.
    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    request_type = UploadAndCoverAudioRequest

    def __init__(self, **arguments: Unpack[UploadAndCoverAudioArguments]) -> None:
        super().__init__(**arguments)


class UploadAndExtendAudioOperator(SubmitMusicOperator):
    """
    Extend your audio (docs.apikley.ru, "upload-and-extend-audio"); costs credits.

    Without ``prompt``, ``style`` and ``title``, the new part follows the source. With any of them, ``style``,
    ``title`` and, unless ``instrumental``, ``prompt`` (the lyrics) are needed; ``prompt`` alone is sent with a warning.
    Returns and pushes the same as ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param upload_url: the URL of the audio, up to 8 minutes long (V4_5ALL: 1 minute): what ``UploadFileOperator``
        returns, or any public URL.
    :param continue_at: where the new part begins, in seconds: above 0, below the source's length.
    :param default_param_flag: use the fields given here (``True``) or follow the source (``False``); ``None`` infers
        it from ``prompt``, ``style`` and ``title``.
    :param instrumental: no vocals.
    """

    request_type = UploadAndExtendAudioRequest

    def __init__(self, **arguments: Unpack[UploadAndExtendAudioArguments]) -> None:
        super().__init__(**arguments)


class AddInstrumentalOperator(SubmitMusicOperator):
    """
    Add an accompaniment to your audio ("add-instrumental" in the docs of the sibling hosts); costs credits.

    Returns and pushes the same as ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param upload_url: the URL of the audio: what ``UploadFileOperator`` returns, or any public URL.
    :param title: the songs' title, up to 100 characters.
    :param tags: the style of the accompaniment, up to 1000 characters.
    :param negative_tags: what to avoid; required.
    :param model: V4_5PLUS or later; ``None`` leaves it to the service.
    """

    request_type = AddInstrumentalRequest

    def __init__(self, **arguments: Unpack[AddInstrumentalArguments]) -> None:
        super().__init__(**arguments)


class AddVocalsOperator(SubmitMusicOperator):
    """
    Add singing to your audio ("add-vocals" in the docs of the sibling hosts); costs credits.

    Returns and pushes the same as ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param upload_url: the URL of the audio: what ``UploadFileOperator`` returns, or any public URL.
    :param prompt: the lyrics, or what to sing of; up to 5000 characters.
    :param title: the songs' title, up to 100 characters.
    :param style: the style, up to 1000 characters.
    :param negative_tags: what to avoid; required.
    :param model: V4_5PLUS or later; ``None`` leaves it to the service.
    """

    request_type = AddVocalsRequest

    def __init__(self, **arguments: Unpack[AddVocalsArguments]) -> None:
        super().__init__(**arguments)


class ReplaceSectionOperator(SubmitMusicOperator):
    """
    Replace a section of a song ("replace-section" in the docs of the sibling hosts); costs credits.

    ``music_task_id`` is not the source: it resumes a replacement that is paid for. The song is a track that the
    service made or, on some hosts, your audio (``upload_url`` and ``model``). The record of ``source_music_task_id``
    is read first, which supplies the track if there is no ``audio_id``. A section beyond the track's end is refused
    before anything is submitted; one of more than half of the track, which some hosts refuse, is sent with a warning.
    Returns and pushes the same as ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param source_music_task_id: the finished music task of the track.
    :param audio_id: the track; ``None`` means number ``track``.
    :param track: which of its tracks, counted from 0, when there is no ``audio_id``.
    :param upload_url: the URL of your audio instead; not on every host.
    :param prompt: the words of the new section.
    :param tags: its style, up to 1000 characters.
    :param title: the songs' title, up to 100 characters.
    :param infill_start_s: where the section begins, in seconds, two decimals.
    :param infill_end_s: where it ends; usually 6 to 60 s later, and at most half of the track.
    :param full_lyrics: all words of the song after the change; some hosts require it.
    :param lyrics: the words to sing, instead of those in ``prompt``; V6, not on every host.
    """

    request_type = ReplaceSectionRequest
    template_fields: Sequence[str] = (*SubmitMusicOperator.template_fields, "track")

    audio_id: str | None

    def __init__(self, *, track: int | str | XComArg = 0, **arguments: Unpack[ReplaceSectionArguments]) -> None:
        self.track = track
        super().__init__(**arguments)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed; the source's record may supply the track."""
        named = "source_music_task_id" in later or blank_is_none(known.get("source_music_task_id")) is not None
        if named and blank_is_none(known.get("audio_id")) is None:
            later = {*later, "audio_id"}
        refuse_two_tracks(known.get("audio_id"), known.get("track", 0))
        super().check_literals({name: value for name, value in known.items() if name not in later}, later)

    def build_request(self, hook: SunoHook) -> ReplaceSectionRequest:
        """Return the checked request, completed from the source's record if one is named; submits nothing."""
        refuse_two_tracks(self.audio_id, self.track)
        return hook.replacement(self.request_fields(), track=self.track)


class GenerateMashupOperator(SubmitMusicOperator):
    """
    Blend two songs ("generate-mashup" in the docs of the sibling hosts); costs credits.

    Modes and fields are those of ``GenerateMusicOperator``. Returns and pushes the same as ``GenerateMusicOperator``.
    For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param upload_url_list: the URLs of the two songs: what ``UploadFileOperator`` returns, or any public URLs.
    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    :param duration: the length to aim at, 10 to 360 seconds; V5_5 and V6 in custom mode, not on every host.
    :param lyrics: the words to sing, instead of those in ``prompt``; V6, not on every host.
    """

    request_type = GenerateMashupRequest

    def __init__(self, **arguments: Unpack[GenerateMashupArguments]) -> None:
        super().__init__(**arguments)


class GenerateSoundsOperator(SubmitMusicOperator):
    """
    Make a sound effect or a loop ("generate-sounds" in the docs of the sibling hosts); costs credits.

    Returns and pushes the same as ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param prompt: what to hear, up to 500 characters.
    :param model: V5 or later; some hosts require it.
    :param sound_loop: whether it can be looped.
    :param sound_tempo: 1 to 300 beats a minute; ``None`` leaves it to the service.
    :param sound_key: ``C`` to ``B`` with an optional ``#``, and ``m`` for minor; or ``Any``.
    :param grab_lyrics: whether to transcribe words that can be heard.
    """

    request_type = GenerateSoundsRequest

    def __init__(self, **arguments: Unpack[GenerateSoundsArguments]) -> None:
        super().__init__(**arguments)


class RecoverMusicOperator(SubmitJobOperator):
    """
    Get new links for an old music task ("recover-audio" in the docs of the sibling hosts); not on every host.

    Returns the list of the URLs of the tracks that were recovered, and pushes ``recovery``: ``{"job_id", "status",
    "tracks": [{"audio_id", "audio_url", "title", "status", "error"}], …}``. A track that was not recovered has no URL
    and is not in the list; the log says why. The files may have another format
    than the first ones had. With ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always
    pushed, as soon as the id exists. For what a retry, a clear, a kill and a timeout do, and for the other parameters,
    see :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param music_task_id: the old music task.
    """

    request_type = RecoverMusicRequest
    ui_color = SubmitMusicOperator.ui_color

    def __init__(self, **arguments: Unpack[RecoverMusicArguments]) -> None:
        super().__init__(**arguments)
