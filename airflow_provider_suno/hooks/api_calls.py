"""The calls of the API as methods of the hook: one for each request model, with its fields as arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Never, Unpack

    from airflow_provider_suno.api.endpoints.added_parts import AddInstrumentalFields, AddVocalsFields
    from airflow_provider_suno.api.endpoints.cover_art import GenerateCoverArtFields
    from airflow_provider_suno.api.endpoints.lyrics import GenerateLyricsFields
    from airflow_provider_suno.api.endpoints.mashup import GenerateMashupFields
    from airflow_provider_suno.api.endpoints.midi import GenerateMidiFields
    from airflow_provider_suno.api.endpoints.music_requests import (
        ExtendMusicFields,
        ExtendMusicRequest,
        GenerateMusicFields,
        UploadAndCoverAudioFields,
        UploadAndExtendAudioFields,
    )
    from airflow_provider_suno.api.endpoints.persona import GeneratePersonaFields, Persona
    from airflow_provider_suno.api.endpoints.recovery import RecoverMusicFields
    from airflow_provider_suno.api.endpoints.section import ReplaceSectionFields, ReplaceSectionRequest
    from airflow_provider_suno.api.endpoints.sounds import GenerateSoundsFields
    from airflow_provider_suno.api.endpoints.stems import SeparateVocalsFields
    from airflow_provider_suno.api.endpoints.timestamps import GetTimestampedLyricsFields, TimestampedLyrics
    from airflow_provider_suno.api.endpoints.video import CreateMusicVideoFields
    from airflow_provider_suno.api.endpoints.voice import CheckVoiceFields, GenerateVoiceFields
    from airflow_provider_suno.api.endpoints.voice_phrase import RegenerateVoicePhraseFields, ValidateVoiceFields
    from airflow_provider_suno.api.endpoints.wav import ConvertToWavFields
    from airflow_provider_suno.api.request import SunoRequest


class ApiCalls:
    """
    One method for each call of the API.

    A method that starts a job returns its id; :meth:`~airflow_provider_suno.hooks.suno.SunoHook.get_record` reads how
    far it is. The fields of each call, their types and limits are those of its request model; ``None``
    counts as not given.

    Methods that cost credits raise a :class:`~airflow_provider_suno.exceptions.SunoLostReplyError` when the reply is
    lost and the call may have been charged.
    """

    def run(self, request: SunoRequest) -> Any:
        """Send a request; the hook knows how."""
        raise NotImplementedError

    def build(self, request_type: type[Any], fields: Mapping[str, Any]) -> Any:
        """Return a checked request; the hook knows the host."""
        raise NotImplementedError

    def extension(
        self, fields: Mapping[str, Any], *, source_music_task_id: str | None = None, track: Any = 0
    ) -> ExtendMusicRequest:
        """Return the request of :meth:`extend_music`."""
        raise NotImplementedError

    def replacement(self, fields: Mapping[str, Any], *, track: Any = 0) -> ReplaceSectionRequest:
        """Return the request of :meth:`replace_section`."""
        raise NotImplementedError

    def generate_music(self, **fields: Unpack[GenerateMusicFields[Never]]) -> str:
        """
        Generate songs from text and return the ``music_task_id``; costs credits (docs.apikley.ru, "generate-music").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.music_requests.GenerateMusicRequest`.
        :raises SunoValidationError: for a wrong field, before anything is sent.
        :raises SunoLostReplyError: when the reply is lost and the job may have been charged.
        """
        from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest

        return str(self.run(self.build(GenerateMusicRequest, fields)))

    def extend_music(
        self, *, source_music_task_id: str | None = None, track: int = 0, **fields: Unpack[ExtendMusicFields[Never]]
    ) -> str:
        """
        Extend a track that the service made and return the ``music_task_id``; costs credits ("extend-music").

        :param source_music_task_id: the music task of the track. If given, its record is read first: it supplies the
            track (number ``track``, unless ``audio_id`` is given) and the model, and an impossible extension is
            refused.
        :param track: which of its tracks, counted from 0.
        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.music_requests.ExtendMusicRequest`;
            with a source, ``audio_id`` and ``model`` come from its record unless given.
        :raises SunoMusicTaskNotFinishedError: when the named source is still running; nothing is submitted.
        :raises SunoLostReplyError: when the reply is lost and the job may have been charged.
        """
        return str(self.run(self.extension(fields, source_music_task_id=source_music_task_id, track=track)))

    def upload_and_cover_audio(self, **fields: Unpack[UploadAndCoverAudioFields[Never]]) -> str:
        """
        Cover your audio in another style and return the ``music_task_id``; costs credits ("upload-and-cover-audio").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.music_requests.UploadAndCoverAudioRequest`.
        """
        from airflow_provider_suno.api.endpoints.music_requests import UploadAndCoverAudioRequest

        return str(self.run(self.build(UploadAndCoverAudioRequest, fields)))

    def upload_and_extend_audio(self, **fields: Unpack[UploadAndExtendAudioFields[Never]]) -> str:
        """
        Extend your audio and return the ``music_task_id``; costs credits ("upload-and-extend-audio").

        :param fields: those of
            :class:`~airflow_provider_suno.api.endpoints.music_requests.UploadAndExtendAudioRequest`.
        """
        from airflow_provider_suno.api.endpoints.music_requests import UploadAndExtendAudioRequest

        return str(self.run(self.build(UploadAndExtendAudioRequest, fields)))

    def generate_persona(self, *, audio_id: str, **fields: Unpack[GeneratePersonaFields[Never]]) -> Persona:
        """
        Make a persona from a finished track; free (docs.apikley.ru, "generate-persona").

        If the reply is lost, the request is sent once more: a track can have only one persona.

        :param audio_id: the track.
        :param fields: the others of :class:`~airflow_provider_suno.api.endpoints.persona.GeneratePersonaRequest`.
        :raises SunoConflictError: when the track has a persona already; the API cannot return its id.
        :raises SunoLostReplyError: when both replies were lost.
        """
        from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest

        persona: Persona = self.run(self.build(GeneratePersonaRequest, {"audio_id": audio_id, **fields}))
        return persona

    def convert_to_wav(self, **fields: Unpack[ConvertToWavFields[Never]]) -> str:
        """
        Convert a finished track to WAV and return the ``job_id``; costs credits ("convert-to-wav").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.wav.ConvertToWavRequest`.
        :raises SunoConflictError: when the track was already converted; the API cannot return the id of that job.
        :raises SunoLostReplyError: when the reply is lost and the job may have been charged.
        """
        from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest

        return str(self.run(self.build(ConvertToWavRequest, fields)))

    def generate_midi(self, **fields: Unpack[GenerateMidiFields[Never]]) -> str:
        """
        Transcribe separated stems into notes and return the ``job_id``; costs credits ("generate-midi").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.midi.GenerateMidiRequest`.
        :raises SunoLostReplyError: when the reply is lost and the job may have been charged.
        """
        from airflow_provider_suno.api.endpoints.midi import GenerateMidiRequest

        return str(self.run(self.build(GenerateMidiRequest, fields)))

    def add_instrumental(self, **fields: Unpack[AddInstrumentalFields[Never]]) -> str:
        """
        Add an accompaniment to your audio and return the ``music_task_id``; costs credits ("add-instrumental").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.added_parts.AddInstrumentalRequest`.
        """
        from airflow_provider_suno.api.endpoints.added_parts import AddInstrumentalRequest

        return str(self.run(self.build(AddInstrumentalRequest, fields)))

    def add_vocals(self, **fields: Unpack[AddVocalsFields[Never]]) -> str:
        """
        Add singing to your audio and return the ``music_task_id``; costs credits ("add-vocals").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.added_parts.AddVocalsRequest`.
        """
        from airflow_provider_suno.api.endpoints.added_parts import AddVocalsRequest

        return str(self.run(self.build(AddVocalsRequest, fields)))

    def generate_mashup(self, **fields: Unpack[GenerateMashupFields[Never]]) -> str:
        """
        Blend two songs and return the ``music_task_id``; costs credits ("generate-mashup").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.mashup.GenerateMashupRequest`.
        """
        from airflow_provider_suno.api.endpoints.mashup import GenerateMashupRequest

        return str(self.run(self.build(GenerateMashupRequest, fields)))

    def generate_sounds(self, **fields: Unpack[GenerateSoundsFields[Never]]) -> str:
        """
        Make a sound effect or a loop and return the ``music_task_id``; costs credits ("generate-sounds").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.sounds.GenerateSoundsRequest`.
        """
        from airflow_provider_suno.api.endpoints.sounds import GenerateSoundsRequest

        return str(self.run(self.build(GenerateSoundsRequest, fields)))

    def generate_lyrics(self, **fields: Unpack[GenerateLyricsFields[Never]]) -> str:
        """
        Write lyrics and return the ``job_id``; costs credits ("generate-lyrics").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.lyrics.GenerateLyricsRequest`.
        """
        from airflow_provider_suno.api.endpoints.lyrics import GenerateLyricsRequest

        return str(self.run(self.build(GenerateLyricsRequest, fields)))

    def get_timestamped_lyrics(self, **fields: Unpack[GetTimestampedLyricsFields[Never]]) -> TimestampedLyrics:
        """
        Return when each word of a track is sung; costs credits, each time ("get-timestamped-lyrics").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.timestamps.GetTimestampedLyricsRequest`.
        """
        from airflow_provider_suno.api.endpoints.timestamps import GetTimestampedLyricsRequest

        value: TimestampedLyrics = self.run(self.build(GetTimestampedLyricsRequest, fields))
        return value

    def boost_style(self, content: str) -> str:
        """
        Enlarge a style hint and return the text; costs credits (docs.apikley.ru, "boost-music-style").

        :param content: the hint, such as ``Pop, Mysterious``.
        """
        from airflow_provider_suno.api.endpoints.style import BoostStyleRequest

        boost = self.run(self.build(BoostStyleRequest, {"content": content}))
        return str(boost.style)

    def separate_vocals(self, **fields: Unpack[SeparateVocalsFields[Never]]) -> str:
        """
        Take a track apart and return the ``job_id``; costs credits, each time ("separate-vocals").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.stems.SeparateVocalsRequest`.
        """
        from airflow_provider_suno.api.endpoints.stems import SeparateVocalsRequest

        return str(self.run(self.build(SeparateVocalsRequest, fields)))

    def create_music_video(self, **fields: Unpack[CreateMusicVideoFields[Never]]) -> str:
        """
        Make a video of a finished track and return the ``job_id``; costs credits ("create-music-video").

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.video.CreateMusicVideoRequest`.
        :raises SunoConflictError: when the track has a video; the API cannot return the id of that job.
        """
        from airflow_provider_suno.api.endpoints.video import CreateMusicVideoRequest

        return str(self.run(self.build(CreateMusicVideoRequest, fields)))

    def generate_cover_art(self, **fields: Unpack[GenerateCoverArtFields[Never]]) -> str:
        """
        Make cover art for a music task and return the ``job_id`` ("cover-suno").

        If the music task has cover art already and the service names that job, its id is returned.

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.cover_art.GenerateCoverArtRequest`.
        :raises SunoConflictError: when there is cover art already and the service does not name the job.
        """
        from airflow_provider_suno.api.endpoints.cover_art import GenerateCoverArtRequest

        return str(self.run(self.build(GenerateCoverArtRequest, fields)))

    def validate_voice(self, **fields: Unpack[ValidateVoiceFields[Never]]) -> str:
        """
        Ask for the phrase to sing for a voice and return the ``job_id`` ("voice-validate"); not on every host.

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.voice_phrase.ValidateVoiceRequest`.
        """
        from airflow_provider_suno.api.endpoints.voice_phrase import ValidateVoiceRequest

        return str(self.run(self.build(ValidateVoiceRequest, fields)))

    def regenerate_voice_phrase(self, **fields: Unpack[RegenerateVoicePhraseFields[Never]]) -> str:
        """
        Ask for another phrase and return the ``job_id`` ("voice-regenerate"); not on every host.

        The job keeps its id, so its record may show the old phrase for a while.

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.voice_phrase.RegenerateVoicePhraseRequest`.
        """
        from airflow_provider_suno.api.endpoints.voice_phrase import RegenerateVoicePhraseRequest

        return str(self.run(self.build(RegenerateVoicePhraseRequest, fields)))

    def generate_voice(self, **fields: Unpack[GenerateVoiceFields[Never]]) -> str:
        """
        Make a voice of the recorded phrase and return the ``job_id`` ("voice-generate"); not on every host.

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.voice.GenerateVoiceRequest`.
        """
        from airflow_provider_suno.api.endpoints.voice import GenerateVoiceRequest

        return str(self.run(self.build(GenerateVoiceRequest, fields)))

    def check_voice(self, **fields: Unpack[CheckVoiceFields[Never]]) -> bool:
        """
        Return whether a voice can be used ("voice-check"); free, sent again if it fails; not on every host.

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.voice.CheckVoiceRequest`.
        """
        from airflow_provider_suno.api.endpoints.voice import CheckVoiceRequest

        value: bool = self.run(self.build(CheckVoiceRequest, fields))
        return value

    def recover_music(self, **fields: Unpack[RecoverMusicFields[Never]]) -> str:
        """
        Ask for new links for an old music task and return the ``job_id`` ("recover-audio"); not on every host.

        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.recovery.RecoverMusicRequest`.
        """
        from airflow_provider_suno.api.endpoints.recovery import RecoverMusicRequest

        return str(self.run(self.build(RecoverMusicRequest, fields)))

    def replace_section(self, *, track: int = 0, **fields: Unpack[ReplaceSectionFields[Never]]) -> str:
        """
        Replace a section of a song and return the ``music_task_id``; costs credits ("replace-section").

        :param track: which track of ``source_music_task_id``, counted from 0, when there is no ``audio_id``.
        :param fields: those of :class:`~airflow_provider_suno.api.endpoints.section.ReplaceSectionRequest`.
        """
        return str(self.run(self.replacement(fields, track=track)))

    def get_download_url(self, url: str) -> str:
        """
        Return a direct link to a file that the service has made, valid for 20 minutes; free ("download-url").

        :param url: the file's URL, as a record of the same host shows it.
        """
        from airflow_provider_suno.api.endpoints.download_url import DownloadUrlRequest

        return str(self.run(self.build(DownloadUrlRequest, {"url": url})))
