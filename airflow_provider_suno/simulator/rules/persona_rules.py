"""The rules of the persona call: a part of the table in ``rule_table.py``."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules import predicates
from airflow_provider_suno.simulator.rules.rule import PERSONA, Rule, needed

PERSONA_RULES: tuple[Rule, ...] = (
    needed("name", PERSONA, "name cannot be empty"),
    needed("description", PERSONA, "description cannot be empty"),
    Rule(
        "vocalStart_negative",
        PERSONA,
        422,
        "vocalStart cannot be negative",
        predicates.window_before_the_start,
    ),
    Rule(
        "vocal_window_length",
        PERSONA,
        422,
        "vocalStart and vocalEnd must lie 10 to 30 seconds apart",
        predicates.window_of_wrong_length,
    ),
    Rule(
        "music_task_unknown",
        PERSONA,
        404,
        "taskId names no music task of this account",
        predicates.music_task_unknown,
    ),
    Rule(
        "music_unfinished",
        PERSONA,
        422,
        "The music task has not finished: a persona needs the whole audio",
        predicates.music_not_finished,
    ),
    Rule("track_unknown", PERSONA, 404, "audioId names no track of this music task", predicates.track_not_in_task),
    Rule(
        "source_model_retired",
        PERSONA,
        422,
        "The track was made by v3_5 or older, of which no persona can be made",
        predicates.source_model_retired,
    ),
    Rule(
        "persona_exists",
        PERSONA,
        409,
        "A persona has already been made of this audioId",
        predicates.persona_exists,
    ),
)
