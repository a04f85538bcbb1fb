"""The table of rules: every row is needed at every endpoint it names, and their order matters."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_suno.simulator.call import Call, Endpoint
from airflow_provider_suno.simulator.ids import IdSource
from airflow_provider_suno.simulator.rules import RULES
from airflow_provider_suno.simulator.service import Reply, answer
from airflow_provider_suno.simulator.world import World

NOW = 1_000_000.0
GENERATE, RECORD_INFO, PERSONA, CREDIT = (
    Endpoint.GENERATE,
    Endpoint.RECORD_INFO,
    Endpoint.GENERATE_PERSONA,
    Endpoint.CREDIT,
)
ABSENT = object()


class Stage:
    """A world with one of everything, and calls to it that are accepted unless changed."""

    def __init__(self) -> None:
        self.world = World(IdSource(1))
        self.done = self.world.seed({"model": "V5"}, "SUCCESS", now=NOW)
        self.running = self.world.seed({"model": "V5"}, "TEXT_SUCCESS", now=NOW)
        self.retired = self.world.seed({"model": "V3_5"}, "SUCCESS", now=NOW)

    def call(
        self,
        endpoint: Endpoint,
        base: dict[str, Any] | None = None,
        *,
        user_agent: str = "tests/1",
        authorization: str = "Bearer sim-key",
        readable: bool = True,
        **changes: Any,
    ) -> Call:
        fields = {**(self.fields(endpoint) if base is None else base), **changes}
        fields = {name: value for name, value in fields.items() if value is not ABSENT}
        return Call(endpoint, user_agent, authorization, fields if readable else {}, readable)

    def fields(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            GENERATE: self.simple,
            RECORD_INFO: {"taskId": self.done.music_task_id},
            PERSONA: {
                "taskId": self.done.music_task_id,
                "audioId": self.done.audio_ids[0],
                "name": "N",
                "description": "D",
            },
            CREDIT: {},
        }[endpoint]

    @property
    def simple(self) -> dict[str, Any]:
        return {
            "customMode": False,
            "instrumental": False,
            "prompt": "Rain",
            "model": "V4",
            "callBackUrl": "http://x.invalid",
        }

    @property
    def vocals(self) -> dict[str, Any]:
        return self.simple | {"customMode": True, "style": "folk", "title": "Rain"}

    def custom(self, **changes: Any) -> Call:
        return self.call(GENERATE, self.vocals, **changes)

    def poor(self) -> Call:
        self.world.credits = Decimal("11.99")
        return self.call(GENERATE)

    def second_persona(self) -> Call:
        self.world.make_persona(self.done.music_task_id, self.done.audio_ids[0], "N", "D", now=NOW)
        return self.call(PERSONA)


Build = Callable[[Stage], Call]

# One call for every rule at every endpoint it applies to, refused by that rule and by no other.
CHECKS: dict[tuple[str, Endpoint], Build] = {
    **{
        ("bare_user_agent", endpoint): lambda s, e=endpoint: s.call(e, user_agent="python-requests/2.32.3")
        for endpoint in Endpoint
    },
    **{("key_unknown", endpoint): lambda s, e=endpoint: s.call(e, authorization="Bearer no") for endpoint in Endpoint},
    ("body_unreadable", GENERATE): lambda s: s.call(GENERATE, readable=False),
    ("body_unreadable", PERSONA): lambda s: s.call(PERSONA, readable=False),
    ("field_of_wrong_type", GENERATE): lambda s: s.call(GENERATE, styleWeight="0.5"),
    ("field_of_wrong_type", PERSONA): lambda s: s.call(PERSONA, style=["folk"]),
    ("callBackUrl_missing", GENERATE): lambda s: s.call(GENERATE, callBackUrl=ABSENT),
    ("customMode_missing", GENERATE): lambda s: s.call(GENERATE, customMode=None),
    ("instrumental_missing", GENERATE): lambda s: s.call(GENERATE, instrumental=None),
    ("model_missing", GENERATE): lambda s: s.call(GENERATE, model=ABSENT),
    ("model_unknown", GENERATE): lambda s: s.call(GENERATE, model="V3_5"),
    ("prompt_missing_in_simple_mode", GENERATE): lambda s: s.call(GENERATE, prompt=" "),
    ("style_in_simple_mode", GENERATE): lambda s: s.call(GENERATE, style="folk"),
    ("title_in_simple_mode", GENERATE): lambda s: s.call(GENERATE, title="Rain"),
    ("negativeTags_in_simple_mode", GENERATE): lambda s: s.call(GENERATE, negativeTags="drums"),
    ("vocalGender_in_simple_mode", GENERATE): lambda s: s.call(GENERATE, vocalGender="f"),
    ("personaId_in_simple_mode", GENERATE): lambda s: s.call(
        GENERATE, personaId=s.world.make_persona("t", "a", "N", "D", now=NOW).persona_id
    ),
    ("style_missing_in_custom_mode", GENERATE): lambda s: s.custom(style=ABSENT),
    ("title_missing_in_custom_mode", GENERATE): lambda s: s.custom(title=""),
    ("prompt_missing_for_vocals", GENERATE): lambda s: s.custom(prompt=ABSENT),
    ("prompt_too_long_in_simple_mode", GENERATE): lambda s: s.call(GENERATE, prompt="x" * 501),
    ("prompt_too_long_in_custom_mode", GENERATE): lambda s: s.custom(prompt="x" * 3001),
    ("style_too_long", GENERATE): lambda s: s.custom(style="x" * 201),
    ("title_too_long", GENERATE): lambda s: s.custom(title="x" * 81),
    ("negativeTags_too_long", GENERATE): lambda s: s.custom(negativeTags="x" * 1001),
    ("vocalGender_unknown", GENERATE): lambda s: s.custom(vocalGender="female"),
    ("personaModel_unknown", GENERATE): lambda s: s.custom(personaModel="persona"),
    **{
        (f"{field}_out_of_range", GENERATE): lambda s, f=field: s.custom(**{f: 1.01})
        for field in ("styleWeight", "weirdnessConstraint", "audioWeight")
    },
    **{
        (f"{field}_too_fine", GENERATE): lambda s, f=field: s.custom(**{f: 0.123})
        for field in ("styleWeight", "weirdnessConstraint", "audioWeight")
    },
    ("persona_unknown", GENERATE): lambda s: s.custom(personaId="nobody"),
    ("credits_short", GENERATE): lambda s: s.poor(),
    ("taskId_missing", RECORD_INFO): lambda s: s.call(RECORD_INFO, taskId=ABSENT),
    ("taskId_missing", PERSONA): lambda s: s.call(PERSONA, taskId=""),
    ("audioId_missing", PERSONA): lambda s: s.call(PERSONA, audioId=None),
    ("name_missing", PERSONA): lambda s: s.call(PERSONA, name=" "),
    ("description_missing", PERSONA): lambda s: s.call(PERSONA, description=ABSENT),
    ("vocalStart_negative", PERSONA): lambda s: s.call(PERSONA, vocalStart=-1, vocalEnd=20),
    ("vocal_window_length", PERSONA): lambda s: s.call(PERSONA, vocalStart=21),
    ("music_task_unknown", PERSONA): lambda s: s.call(PERSONA, taskId="nothing"),
    ("music_unfinished", PERSONA): lambda s: s.call(
        PERSONA, taskId=s.running.music_task_id, audioId=s.running.audio_ids[0]
    ),
    ("track_unknown", PERSONA): lambda s: s.call(PERSONA, audioId=s.retired.audio_ids[0]),
    ("source_model_retired", PERSONA): lambda s: s.call(
        PERSONA, taskId=s.retired.music_task_id, audioId=s.retired.audio_ids[0]
    ),
    ("persona_exists", PERSONA): lambda s: s.second_persona(),
}

# Without these, a later rule still says no, only in other words.
STILL_REFUSED = {
    ("body_unreadable", GENERATE): "callBackUrl_missing",
    ("body_unreadable", PERSONA): "taskId_missing",
    ("taskId_missing", PERSONA): "music_task_unknown",
    ("audioId_missing", PERSONA): "track_unknown",
}

CELLS = [(rule.name, endpoint) for rule in RULES for endpoint in rule.endpoints]
EACH_CELL = pytest.mark.parametrize(("name", "endpoint"), CELLS, ids=lambda v: v if isinstance(v, str) else v.name)


def _without(name: str, endpoint: Endpoint) -> Reply:
    stage = Stage()
    call = CHECKS[name, endpoint](stage)
    return answer(call, stage.world, now=NOW, rules=[rule for rule in RULES if rule.name != name])


def test_every_rule_has_a_check_at_every_endpoint():
    assert set(CHECKS) == set(CELLS)
    assert len({rule.name for rule in RULES}) == len(RULES)


@EACH_CELL
def test_the_rule_refuses(name, endpoint):
    stage = Stage()
    call = CHECKS[name, endpoint](stage)
    balance, songs, personas = stage.world.credits, len(stage.world.music_tasks), len(stage.world.personas)
    reply = answer(call, stage.world, now=NOW)
    rule = next(rule for rule in RULES if rule.name == name)
    assert (reply.rule, reply.accepted, reply.code) == (name, False, rule.code)
    if rule.code is None:
        assert (reply.http_status, reply.content) == (403, rule.msg)
    else:
        assert reply.http_status == 200
        assert (reply.content["data"], "{" in reply.content["msg"]) == (None, False)
    assert (stage.world.credits, len(stage.world.music_tasks), len(stage.world.personas)) == (
        balance,
        songs,
        personas,
    )


@EACH_CELL
def test_without_the_rule_the_call_gets_further(name, endpoint):
    reply = _without(name, endpoint)
    assert reply.rule == STILL_REFUSED.get((name, endpoint))
    assert reply.accepted is ((name, endpoint) not in STILL_REFUSED)


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_what_breaks_no_rule_is_accepted(endpoint):
    stage = Stage()
    assert answer(stage.call(endpoint), stage.world, now=NOW).accepted


def test_vocals_are_accepted_at_every_limit():
    stage = Stage()
    call = stage.custom(
        prompt="x" * 3000,
        style="x" * 200,
        title="x" * 80,
        negativeTags="x" * 1000,
        styleWeight=1,
        weirdnessConstraint=0,
        audioWeight=0.29,
    )
    assert answer(call, stage.world, now=NOW).accepted


@pytest.mark.parametrize(
    ("first", "build"),
    [
        ("bare_user_agent", lambda s: s.call(GENERATE, user_agent="", authorization="")),
        ("key_unknown", lambda s: s.call(GENERATE, authorization="", readable=False)),
        ("key_unknown", lambda s: s.call(RECORD_INFO, authorization="", taskId=ABSENT)),
        ("body_unreadable", lambda s: s.call(GENERATE, readable=False)),
        ("field_of_wrong_type", lambda s: s.call(GENERATE, callBackUrl=ABSENT, prompt=5)),
        ("callBackUrl_missing", lambda s: s.call(GENERATE, callBackUrl="", prompt="x" * 9999)),
        ("callBackUrl_missing", lambda s: s.call(GENERATE, callBackUrl="", customMode=None, model="V9")),
        ("customMode_missing", lambda s: s.call(GENERATE, customMode=None, instrumental=None)),
        ("instrumental_missing", lambda s: s.call(GENERATE, instrumental=None, model=None)),
        ("model_unknown", lambda s: s.call(GENERATE, model="V9", prompt="")),
        ("style_in_simple_mode", lambda s: s.call(GENERATE, style="x" * 9999)),
        ("personaId_in_simple_mode", lambda s: s.call(GENERATE, personaId="nobody")),
        ("title_missing_in_custom_mode", lambda s: s.custom(title="", prompt="x" * 9999)),
        ("title_too_long", lambda s: (s.poor(), s.custom(title="x" * 81))[1]),
        ("taskId_missing", lambda s: s.call(PERSONA, taskId="", audioId="")),
        ("name_missing", lambda s: s.call(PERSONA, taskId="nothing", name="")),
        ("music_task_unknown", lambda s: s.call(PERSONA, taskId="nothing", audioId="nothing")),
        ("music_unfinished", lambda s: s.call(PERSONA, taskId=s.running.music_task_id, audioId="nothing")),
    ],
)
def test_of_two_reasons_the_first_answers(first, build):
    stage = Stage()
    assert answer(build(stage), stage.world, now=NOW).rule == first


@pytest.mark.parametrize("key", ["Bearer sim-key", "bearer sim-key", "Bearer  sim-key "])
def test_ways_to_write_a_good_key(key):
    stage = Stage()
    assert answer(stage.call(CREDIT, authorization=key), stage.world, now=NOW).accepted


@pytest.mark.parametrize("key", ["", "sim-key", "Basic sim-key", "Bearer", "Bearer sim-key-2", "Bearer SIM-KEY"])
def test_ways_to_write_a_bad_key(key):
    stage = Stage()
    assert answer(stage.call(CREDIT, authorization=key), stage.world, now=NOW).code == 401
