"""The rules of the voice calls, and how they find the jobs that a call names."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.voice.job import VoiceJob, VoicePhraseJob
from airflow_provider_suno.simulator.kinds.voice.phrases import LANGUAGES
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import number
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.records import NO_SUCH_RECORD, record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, needed, typed, unreadable
from airflow_provider_suno.simulator.rules.value_rules import not_http, one_of
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

SKILL_LEVELS = ("beginner", "intermediate", "advanced", "professional")


def find_phrase(call: Call, state: ServiceState, now: float) -> VoicePhraseJob | None:
    """
    Return the job of a phrase that a call names, finished or not. None if there is none.

    :param now: simulated time.
    """
    job = state.find_job(call.job_id, now)
    return job if isinstance(job, VoicePhraseJob) else None


def find_voices(call: Call, state: ServiceState, now: float) -> list[VoiceJob]:
    """
    Return the voice that a call names by its own job, or all that were made by the phrase that it names.

    :param now: simulated time.
    """
    voices = [job for job in list(state.jobs.values()) if isinstance(job, VoiceJob) and job.visible_at <= now]
    return [voice for voice in voices if call.job_id in (voice.job_id, voice.phrase_job_id)]


def _phrase_unknown(call: Call, state: ServiceState, now: float) -> bool:
    return find_phrase(call, state, now) is None


def _phrase_running(call: Call, state: ServiceState, now: float) -> bool:
    phrase = find_phrase(call, state, now)
    return phrase is None or not phrase.ended(now)


def _phrase_not_ready(call: Call, state: ServiceState, now: float) -> bool:
    phrase = find_phrase(call, state, now)
    return phrase is None or not (phrase.finished(now) and phrase.makes_something)


def _nothing_to_check(call: Call, state: ServiceState, now: float) -> bool:
    return find_phrase(call, state, now) is None and not find_voices(call, state, now)


def _start_negative(call: Call, _state: ServiceState, _now: float) -> bool:
    start = number(call.fields.get("vocalStartS"))
    return start is not None and start < 0


def _ends_before_it_starts(call: Call, _state: ServiceState, _now: float) -> bool:
    start, end = number(call.fields.get("vocalStartS")), number(call.fields.get("vocalEndS"))
    return start is not None and end is not None and end <= start


_PHRASE, _AGAIN, _VOICE, _CHECK = (
    frozenset({endpoint})
    for endpoint in (Endpoint.VOICE_PHRASE, Endpoint.VOICE_PHRASE_AGAIN, Endpoint.VOICE, Endpoint.VOICE_CHECK)
)
_PHRASE_FIELDS: Fields = {
    "voiceUrl": "text",
    "vocalStartS": "number",
    "vocalEndS": "number",
    "language": "text",
    "callBackUrl": "text",
}
_AGAIN_FIELDS: Fields = {"taskId": "text", "calBackUrl": "text"}
_VOICE_FIELDS: Fields = {
    "taskId": "text",
    "verifyUrl": "text",
    "voiceName": "text",
    "description": "text",
    "style": "text",
    "singerSkillLevel": "text",
    "callBackUrl": "text",
}
_CHECK_FIELDS: Fields = {"task_id": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_PHRASE | _AGAIN | _VOICE | _CHECK),
    typed(_PHRASE, _PHRASE_FIELDS, null_is_absent=("voiceUrl", "vocalStartS", "vocalEndS")),
    needed("voiceUrl", _PHRASE),
    not_http("voiceUrl", _PHRASE),
    needed("vocalStartS", _PHRASE),
    needed("vocalEndS", _PHRASE),
    Rule("vocalStartS_negative", _PHRASE, 422, "vocalStartS cannot be negative", _start_negative),
    Rule(
        "vocalEndS_not_after_start",
        _PHRASE,
        422,
        "vocalEndS must be greater than vocalStartS",
        _ends_before_it_starts,
    ),
    one_of("language", *LANGUAGES, endpoints=_PHRASE),
    typed(_AGAIN, _AGAIN_FIELDS, null_is_absent=_AGAIN_FIELDS),
    needed("calBackUrl", _AGAIN, "Please enter calBackUrl."),
    typed(_VOICE, _VOICE_FIELDS, null_is_absent=("taskId", "verifyUrl")),
    needed("taskId", _AGAIN | _VOICE),
    needed("verifyUrl", _VOICE),
    not_http("verifyUrl", _VOICE),
    one_of("singerSkillLevel", *SKILL_LEVELS, endpoints=_VOICE),
    Rule("source_unknown", _AGAIN | _VOICE, 422, NO_SUCH_RECORD, _phrase_unknown),
    Rule("phrase_running", _AGAIN, 422, "The phrase before has not finished", _phrase_running),
    Rule("phrase_not_ready", _VOICE, 422, "There is no phrase to record yet", _phrase_not_ready),
    *record_rules(Endpoint.VOICE_PHRASE_RECORD, VoicePhraseJob),
    *record_rules(Endpoint.VOICE_RECORD, VoiceJob),
    typed(_CHECK, _CHECK_FIELDS, null_is_absent=_CHECK_FIELDS),
    needed("task_id", _CHECK),
    Rule("source_unknown", _CHECK, 422, NO_SUCH_RECORD, _nothing_to_check),
)
