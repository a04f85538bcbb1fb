"""Operators that make music."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.endpoints.music_requests import (
    ExtendMusicRequest,
    GenerateMusicRequest,
    UploadAndCoverAudioRequest,
    UploadAndExtendAudioRequest,
)
from airflow_provider_suno.api.fields import blank_is_none, checked_id
from airflow_provider_suno.operators.submit_music import SubmitMusicOperator
from airflow_provider_suno.polling.finished import refuse_two_tracks

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

    from airflow_provider_suno.api.endpoints.music_requests import (
        ExtendMusicFields,
        GenerateMusicFields,
        UploadAndCoverAudioFields,
        UploadAndExtendAudioFields,
    )
    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.operators.submit_music import MusicArguments

    class GenerateMusicArguments(GenerateMusicFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class ExtendMusicArguments(ExtendMusicFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class UploadAndCoverAudioArguments(UploadAndCoverAudioFields[XComArg], MusicArguments):
        """The operator's parameters."""

    class UploadAndExtendAudioArguments(UploadAndExtendAudioFields[XComArg], MusicArguments):
        """The operator's parameters."""


class GenerateMusicOperator(SubmitMusicOperator):
    """
    Generate songs from text (docs.apikley.ru, "generate-music"); usually two tracks in 30 s to 3 min; costs credits.

    Simple mode uses only ``prompt`` (up to 500 characters). Custom mode needs ``style`` and ``title`` (with only one of
    them, it is sent with a warning) and, unless ``instrumental``, ``prompt``, which is sung literally. Returns the
    ``music_task_id``, which is also pushed as an XCom as soon as it exists. For what a retry, a clear, a kill and a
    timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    request_type = GenerateMusicRequest

    def __init__(self, **arguments: Unpack[GenerateMusicArguments]) -> None:
        super().__init__(**arguments)


class ExtendMusicOperator(SubmitMusicOperator):
    """
    Extend a track that the service made ("extend-music" in the docs of the sibling hosts); costs credits.

    Without ``prompt``, ``style``, ``title`` and ``continue_at``, the settings of the source are used. With any of
    them, all four are needed. Name the source by ``audio_id`` and ``model``, or by ``source_music_task_id``. Then its
    record is read first, which supplies both, and an impossible extension is refused before anything is submitted.
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

    Modes, fields and results are those of ``GenerateMusicOperator``. For what a retry, a clear, a kill and a timeout
    do, and for the other parameters, see :class:`~airflow_provider_suno.operators.submit_music.SubmitMusicOperator`.

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
