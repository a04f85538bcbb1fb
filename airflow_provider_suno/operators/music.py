"""The operators that make music: the fields of each, and the request they build."""

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
from airflow_provider_suno.operators.submit import SubmitMusicOperator
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
    from airflow_provider_suno.operators.submit import MusicArguments

    class GenerateMusicArguments(GenerateMusicFields[XComArg], MusicArguments):
        """What the operator takes."""

    class ExtendMusicArguments(ExtendMusicFields[XComArg], MusicArguments):
        """What the operator takes."""

    class UploadAndCoverAudioArguments(UploadAndCoverAudioFields[XComArg], MusicArguments):
        """What the operator takes."""

    class UploadAndExtendAudioArguments(UploadAndExtendAudioFields[XComArg], MusicArguments):
        """What the operator takes."""


class GenerateMusicOperator(SubmitMusicOperator):
    """
    Generate songs from text (docs.apikley.ru, "generate-music"); usually two tracks, 30 s to 3 min, costs credits.

    In simple mode only ``prompt`` counts (up to 500 characters). Custom mode takes ``style`` and ``title`` (with one of
    them only, it is sent with a warning), and ``prompt``, which is then sung literally, unless ``instrumental``.
    Returns the ``music_task_id``, which is pushed as the XCom ``music_task_id`` too, as soon as it exists. What a
    retry, a clear, a kill and a timeout do, and the other parameters: see
    :class:`~airflow_provider_suno.operators.submit.SubmitMusicOperator`.

    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    request_type = GenerateMusicRequest

    def __init__(self, **arguments: Unpack[GenerateMusicArguments]) -> None:
        super().__init__(**arguments)


class ExtendMusicOperator(SubmitMusicOperator):
    """
    Let a track made here go on ("extend-music" of the sibling hosts' pages); costs credits.

    Without any of ``prompt``, ``style``, ``title`` and ``continue_at`` the source's own settings are used again;
    with them, all four are needed. Name the source by ``audio_id`` and its ``model``, or by ``source_music_task_id``:
    then its record is read first, tells both, and what cannot be an extension of it is refused before anything is
    submitted. Returns and pushes what ``GenerateMusicOperator`` does; what a retry, a clear, a kill and a timeout do,
    and the other parameters: see :class:`~airflow_provider_suno.operators.submit.SubmitMusicOperator`.

    :param audio_id: the track.
    :param source_music_task_id: the music task it is of, finished.
    :param track: which track of that, counted from 0, when there is no ``audio_id``.
    :param model: must be the source's.
    :param prompt: the lyrics of the new part.
    :param continue_at: where the new part begins, in seconds: above 0, below the track's length.
    :param default_param_flag: use the fields given here (``True``) or the source's settings (``False``); ``None``
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
        """Check what is known when the Dag is parsed; a source's record tells the track and the model later."""
        if (source := blank_is_none(known.get("source_music_task_id"))) is not None:
            checked_id("source_music_task_id", source)
        if "source_music_task_id" in later or source is not None:
            told = (name for name in ("audio_id", "model") if blank_is_none(known.get(name)) is None)
            later = {*later, *told}
        refuse_two_tracks(known.get("audio_id"), known.get("track", 0))
        super().check_literals({name: value for name, value in known.items() if name not in later}, later)

    def build_request(self, hook: SunoHook) -> ExtendMusicRequest:
        """Return the checked request, completed from the source's record when that is named; submits nothing."""
        refuse_two_tracks(self.audio_id, self.track)
        return hook.extension(self.request_fields(), source_music_task_id=self.source_music_task_id, track=self.track)


class UploadAndCoverAudioOperator(SubmitMusicOperator):
    """
    Make your audio anew in another style, its melody kept (docs.apikley.ru, "upload-and-cover-audio"); costs credits.

    Modes and fields are those of ``GenerateMusicOperator``, and so are the results; what a retry, a clear, a kill and
    a timeout do, and the other parameters: see
    :class:`~airflow_provider_suno.operators.submit.SubmitMusicOperator`.

    :param upload_url: where the service fetches the audio, up to 8 minutes long: what ``UploadFileOperator`` returns,
        or any public URL. The service finds out later whether it can: a dead URL fails the job, not the submission.
    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    request_type = UploadAndCoverAudioRequest

    def __init__(self, **arguments: Unpack[UploadAndCoverAudioArguments]) -> None:
        super().__init__(**arguments)


class UploadAndExtendAudioOperator(SubmitMusicOperator):
    """
    Let your audio go on (docs.apikley.ru, "upload-and-extend-audio"); costs credits.

    Without ``prompt``, ``style`` and ``title`` the new part follows the source; with them, it takes ``style``,
    ``title`` and, unless ``instrumental``, ``prompt`` (the lyrics); a ``prompt`` alone is sent with a warning. Returns
    and pushes what ``GenerateMusicOperator`` does; what a retry, a clear, a kill and a timeout do, and the other
    parameters: see :class:`~airflow_provider_suno.operators.submit.SubmitMusicOperator`.

    :param upload_url: where the service fetches the audio, up to 8 minutes long (V4_5ALL: 1 minute): what
        ``UploadFileOperator`` returns, or any public URL.
    :param continue_at: where the new part begins, in seconds: above 0, below the source's length.
    :param default_param_flag: use the fields given here (``True``) or follow the source (``False``); ``None`` infers
        it from ``prompt``, ``style`` and ``title``.
    :param instrumental: no vocals.
    """

    request_type = UploadAndExtendAudioRequest

    def __init__(self, **arguments: Unpack[UploadAndExtendAudioArguments]) -> None:
        super().__init__(**arguments)
