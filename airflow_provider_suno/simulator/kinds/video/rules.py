"""The rules of the video calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.video.job import VideoJob
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.records import record_rules
from airflow_provider_suno.simulator.rules.rule import (
    Rule,
    callback_needed,
    credits_short,
    needed,
    too_long,
    typed,
    unreadable,
)
from airflow_provider_suno.simulator.rules.track_rules import already_made, track_rules
from airflow_provider_suno.simulator.state.endpoints import Endpoint

NAME_LIMIT = 50
"""The longest ``author`` and ``domainName``, in characters."""

_VIDEO = frozenset({Endpoint.VIDEO})
_FIELDS: Fields = {
    "taskId": "text",
    "audioId": "text",
    "author": "text",
    "domainName": "text",
    "callBackUrl": "text",
}

RULES: tuple[Rule, ...] = (
    unreadable(_VIDEO, 400),
    typed(_VIDEO, _FIELDS, null_is_absent=("taskId", "audioId", "callBackUrl")),
    callback_needed(_VIDEO),
    needed("taskId", _VIDEO),
    needed("audioId", _VIDEO),
    too_long("author", NAME_LIMIT, _VIDEO),
    too_long("domainName", NAME_LIMIT, _VIDEO),
    *track_rules(_VIDEO),
    Rule("video_exists", _VIDEO, 409, "The video of this track exists already", already_made(VideoJob)),
    credits_short(_VIDEO),
    *record_rules(Endpoint.VIDEO_RECORD, VideoJob),
)
