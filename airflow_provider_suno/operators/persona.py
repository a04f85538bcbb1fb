"""The operator that makes a persona from a finished track."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest
from airflow_provider_suno.api.fields import blank_is_none
from airflow_provider_suno.api.request import TEXT_FILES
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoConflictError, SunoError, SunoValidationError
from airflow_provider_suno.lineage.openlineage import persona_uri, song_uri
from airflow_provider_suno.links.suno import AudioLink, CoverLink
from airflow_provider_suno.operators.journaled import JournaledOperator
from airflow_provider_suno.polling.finished import choose_track, finished_record, refuse_two_tracks
from airflow_provider_suno.task.arguments import empty_arguments, refuse_empty
from airflow_provider_suno.task.failure import with_errors_for_airflow

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.music import MusicTask, Track
    from airflow_provider_suno.api.endpoints.persona import GeneratePersonaFields
    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.journal.entry import Entry
    from airflow_provider_suno.journal.store import Journal, SendRecorder
    from airflow_provider_suno.task.parameters import OperatorArguments

    class GeneratePersonaArguments(GeneratePersonaFields[XComArg], OperatorArguments, total=False):
        """The operator's parameters."""

        audio_id: str | XComArg | None
        suno_conn_id: str | XComArg


_IF_EXISTS = ("fail", "skip")
_SOURCE = frozenset({"music_task_id", "audio_id", "track", "suno_conn_id"})
"""The arguments that identify the track. Its earlier persona is returned even if the others are empty."""


class GeneratePersonaOperator(JournaledOperator):
    """
    Make a reusable persona from a finished track (docs.apikley.ru, "generate-persona"); free, answers at once.

    Returns the ``persona_id`` and pushes ``persona`` (``persona_id``, ``name``, ``description``, ``music_task_id``,
    ``audio_id``). A track can have only one persona, ever, and the API cannot return its id later, so store it (in an
    Airflow Variable or a table). The record is read first: a music task that is not finished, or whose model is V3_5
    or older, is refused before anything is sent.

    On Airflow 3.3 and later, a retry or a clear returns the persona that this task instance made from the same track.
    If the reply to an earlier request was lost, also because the worker was killed, the request is sent once more. If
    the first one did make the persona, this is a conflict whose message says so; ``if_exists`` does not skip it.
    Before 3.3, a retry or a clear after a success meets a conflict. A kill before the request is sent makes nothing.

    :param music_task_id: the music task of the track.
    :param name: the persona's name.
    :param description: its style, for people and for the service; or the name of a file with it (``.txt``, ``.lrc``,
        ``.md``).
    :param audio_id: the track; ``None`` means number ``track``. For one persona per track, map the operator:
        ``.expand(audio_id=wait.output)``.
    :param track: which track of the music task, counted from 0 over all that its record names.
    :param if_exists: what to do when the track has a persona already: ``fail``, or ``skip`` the task.
    :param vocal_start: where the analysed window starts, in seconds; not on every host.
    :param vocal_end: where it ends, in seconds; the window is 10 to 30 s long; not on every host.
    :param style: a style label; not on every host.
    :param extra_fields: further fields under the API's own names, sent unchecked.
    :param suno_conn_id: the connection.
    """

    request_type = GeneratePersonaRequest
    template_fields: Sequence[str] = ("track", "if_exists", "suno_conn_id")
    template_ext: Sequence[str] = TEXT_FILES
    template_fields_renderers: ClassVar[dict[str, str]] = {"description": "md", "extra_fields": "json"}
    operator_extra_links = (AudioLink(), CoverLink())
    ui_color = "#e3edff"

    music_task_id: str
    audio_id: str | None
    name: str
    description: str

    def __init__(
        self,
        *,
        track: int | str | XComArg = 0,
        if_exists: Literal["fail", "skip"] | XComArg = "fail",
        **arguments: Unpack[GeneratePersonaArguments],
    ) -> None:
        self.track = track
        self.if_exists = if_exists
        super().__init__(**arguments)

    @with_errors_for_airflow
    def execute(self, context: Context) -> str:
        """Return the persona that an earlier try made from the track, or make it."""
        from airflow_provider_suno.assets.suno import persona_extra
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events

        hook = self.open_hook()
        self.journal = self.open_journal(context)
        empty = empty_arguments(self, context, optional_texts=GeneratePersonaRequest.optional_texts())
        refuse_empty({name: empty[name] for name in empty if name in _SOURCE})
        persona = self._persona(context, hook, self.journal, empty)
        persona_id = str(persona["persona_id"])
        try:
            context["ti"].xcom_push(key="persona", value=persona)
            add_to_outlet_events(context, persona_extra(persona), self.log)
            made = persona_uri(self.suno_conn_id, persona_id)
            self.add_lineage(
                used=[song_uri(self.suno_conn_id, str(self.music_task_id))], made=[made], described={made: self.name}
            )
            self.stop_if_killed()
        except BaseException as error:
            if self.journal.persistent:
                raise  # the next try returns the persona
            raise SunoError(
                f"{str(error) or repr(error)} Persona {persona_id} was made. A retry would meet a conflict, so Airflow "
                f"does not retry: use persona_id={persona_id!r}.",
                fatal=True,
            ) from error
        return persona_id

    def what_continues(self) -> str:
        """Return what becomes of the persona."""
        return "If the request was sent, the persona is made all the same; the next try returns it if it was journaled."

    def _persona(self, context: Context, hook: SunoHook, journal: Journal, empty: Mapping[str, str]) -> dict[str, Any]:
        """Return the track's persona from the journal, or make it."""
        from airflow_provider_suno.http.retry import Call
        from airflow_provider_suno.journal.entry import describe_request, fingerprint_of
        from airflow_provider_suno.journal.store import SendRecorder
        from airflow_provider_suno.links.pushing import push_track_links

        asked = {"music_task_id": self.music_task_id, "audio_id": blank_is_none(self.audio_id), "track": self.track}
        arguments_digest = fingerprint_of({"call": GeneratePersonaRequest.call, "asked": asked})
        earlier = journal.read()
        journal.refuse_second_submission(earlier)
        if earlier is not None and earlier.persona is not None and earlier.matches(arguments_digest):
            return self._journaled_persona(earlier)
        refuse_empty(empty)
        self._check_parameters({"if_exists": self.if_exists, "track": self.track, "audio_id": self.audio_id})
        fields = self.request_fields()
        # Wrong fields are refused before the first call.
        hook.build(GeneratePersonaRequest, {**fields, "audio_id": blank_is_none(self.audio_id) or "later"})
        record = finished_record(
            hook.client, self.music_task_id, audio_id=self.audio_id, refused="no persona was asked for", log=self.log
        )
        track = self._choose_track(record)
        push_track_links(context, track, self.log)
        audio_id = track.audio_id
        track_digest = fingerprint_of({"audio_id": audio_id})
        reply_lost = earlier is not None and earlier.matches(track_digest)
        if earlier is not None and reply_lost:
            if earlier.persona is not None:
                return self._journaled_persona(earlier)
            self.log.warning("%s: sent at %s, reply lost; sending it again", earlier.description, earlier.sent_at)
        request = hook.build(GeneratePersonaRequest, {**fields, "audio_id": audio_id})
        self.stop_if_killed()
        sends = SendRecorder(
            journal,
            Call.PERSONA,
            description=describe_request(request.call, request.model_dump()),
            fingerprint=arguments_digest | track_digest,
            suno_conn_id=self.suno_conn_id,
            previous=earlier,
        )
        return self._make(hook, request, sends, reply_lost=reply_lost)

    def _make(
        self, hook: SunoHook, request: GeneratePersonaRequest, sends: SendRecorder, *, reply_lost: bool
    ) -> dict[str, Any]:
        try:
            made = hook.make_persona(request, sends, reply_lost=reply_lost)
        except SunoConflictError as conflict:
            if conflict.after_lost_reply:
                raise
            if self.if_exists == "skip":
                raise AirflowSkipException(conflict.message) from conflict
            raise SunoConflictError(
                f"{conflict} Use the persona_id that was stored when it was made, make a persona from another track, "
                "or set if_exists='skip' to skip this task instead.",
                code=conflict.code,
                music_task_id=request.music_task_id,
            ) from conflict
        except SunoError as error:
            if sends.earlier_reply_lost and self.journal is not None and not self.journal.persistent:
                # A retry would meet a conflict.
                raise type(error)(error.message, code=error.code, retry_after=error.retry_after, fatal=True) from error
            raise
        self.log.info("made persona %s from track %s", made.persona_id, made.audio_id)
        persona = made.to_dict()
        sends.record_answer(persona=persona)
        return persona

    def _journaled_persona(self, earlier: Entry) -> dict[str, Any]:
        persona = earlier.persona or {}
        self.log.info("persona %s was already made from track %s", persona["persona_id"], persona.get("audio_id"))
        now = {"suno_conn_id": self.suno_conn_id, "name": self.name, "description": self.description}
        then = {"suno_conn_id": earlier.suno_conn_id, **persona}
        changed = [name for name, value in now.items() if then.get(name) not in (None, value)]
        if changed:
            self.log.warning("changed since it was made, without effect: %s", ", ".join(changed))
        return persona

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed; the record supplies a missing ``audio_id``."""
        cls._check_parameters(known)
        if blank_is_none(known.get("audio_id")) is None:
            later = {*later, "audio_id"}
        fields = GeneratePersonaRequest.field_names()
        GeneratePersonaRequest.check_known(
            {name: known[name] for name in fields if name in known and name not in later},
            [name for name in fields if name in later],
        )

    @staticmethod
    def _check_parameters(known: Mapping[str, Any]) -> None:
        if known.get("if_exists", "fail") not in _IF_EXISTS:
            raise SunoValidationError(f"if_exists: must be one of {_IF_EXISTS}, got {excerpt(known['if_exists'])}.")
        refuse_two_tracks(known.get("audio_id"), known.get("track", 0))

    def _choose_track(self, record: MusicTask) -> Track:
        """Return the track; raise when its model is too old for a persona."""
        track = choose_track(record, self.audio_id, self.track)
        if too_old := record.made_by_refused_model(track.audio_id):
            raise SunoValidationError(
                f"audio_id: track {track.audio_id} was made by {too_old}; a persona needs a model newer than V3_5."
            )
        return track
