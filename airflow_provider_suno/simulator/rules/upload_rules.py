"""The rules of the upload calls: the last part of the table in ``rule_table.py``."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules import predicates
from airflow_provider_suno.simulator.rules.field_readers import wrongly_typed
from airflow_provider_suno.simulator.rules.rule import Rule, needed
from airflow_provider_suno.simulator.state.endpoints import UPLOADS, Endpoint

UPLOAD_RULES: tuple[Rule, ...] = (
    Rule(
        "upload_unreadable",
        UPLOADS,
        400,
        "The request body must be a JSON object, or a form if a file is sent",
        lambda call, _state, _now: not call.readable,
    ),
    Rule(
        "upload_field_of_wrong_type",
        UPLOADS,
        400,
        "wrong JSON type: {wrongly_typed}",
        lambda call, _state, _now: bool(wrongly_typed(call)),
    ),
    needed("base64Data", frozenset({Endpoint.UPLOAD_BASE64}), "base64Data cannot be empty", 400),
    needed("file", frozenset({Endpoint.UPLOAD_STREAM}), "file cannot be empty", 400),
    needed("fileUrl", frozenset({Endpoint.UPLOAD_URL}), "fileUrl cannot be empty", 400),
    needed("uploadPath", UPLOADS, "uploadPath cannot be empty", 400),
    Rule(
        "uploadPath_malformed",
        UPLOADS,
        400,
        "uploadPath must be a folder without a slash at either end",
        predicates.path_malformed,
    ),
    Rule("fileName_malformed", UPLOADS, 400, "fileName must not name a folder", predicates.file_name_malformed),
    Rule(
        "base64Data_malformed",
        frozenset({Endpoint.UPLOAD_BASE64}),
        400,
        "base64Data must be base64, or a data URL of it",
        predicates.data_malformed,
    ),
    Rule(
        "fileUrl_not_http",
        frozenset({Endpoint.UPLOAD_URL}),
        400,
        "fileUrl must be an http or https address",
        predicates.address_not_http,
    ),
)
