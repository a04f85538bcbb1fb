"""The JSON types that fields of a call may have, and whether a call's fields have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import number

FieldType = Literal["text", "flag", "number", "whole", "texts"]
Fields = Mapping[str, FieldType]
"""The JSON type of each field of a call. Fields that are not in it have no type: the service ignores them."""


def wrongly_typed(call: Call, fields: Fields, null_is_absent: Iterable[str]) -> list[str]:
    """
    Return the fields of a call that have a wrong JSON type.

    :param fields: the types.
    :param null_is_absent: fields whose null is handled by a rule of their own, as if they were absent.
    """
    return [
        name
        for name, value in call.fields.items()
        if name in fields and not _is(fields[name], value) and not (value is None and name in null_is_absent)
    ]


def _is(kind: FieldType, value: Any) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "whole":
        parsed = number(value)
        return parsed is not None and parsed % 1 == 0
    return number(value) is not None
