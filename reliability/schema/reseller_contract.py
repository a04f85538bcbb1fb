"""The contract of one reseller: plain OpenAPI, made from the contract file and its extensions."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

_ONLY_WITH_FAULTS = {"403", "429", "500"}
"""HTTP statuses that the simulator sends only if a fault is planned, a limit is reached, or the caller is urllib."""

_NOT_FOUND = "404"


def contract_of(document: Mapping[str, Any], host: str) -> Json:
    """
    Return what the contract file says of one reseller, without what is possible elsewhere only.

    A call that the reseller lacks can be answered by 404 alone, and the others never by 404.

    :param document: the contract file.
    :param host: the reseller: apikley, kie or sunoapi.
    """
    contract = deepcopy(dict(document))
    contract.pop("servers", None)
    schemas = contract["components"]["schemas"]
    contract["paths"] = {
        _path(path, item, document["x-host-profiles"][host]): _item(item, host)
        for path, item in contract["paths"].items()
    }
    for schema in schemas.values():
        _keep_fields(schema, schemas, host)
        _keep_values(schema, host)
        for field in schema.get("properties", {}).values():
            if isinstance(field, dict):
                _keep_values(field, host)
    return contract


def _path(path: str, item: Json, profile: Mapping[str, Any]) -> str:
    """Return a path with the prefix that the reseller has before that of an upload."""
    return urlsplit(profile["uploads"]).path + path if "servers" in item else path


def _item(item: Json, host: str) -> Json:
    item.pop("servers", None)
    for operation in item.values():
        responses = operation["responses"]
        if host in operation.get("x-hosts", [host]):
            operation["responses"] = {
                status: response
                for status, response in responses.items()
                if status not in {*_ONLY_WITH_FAULTS, _NOT_FOUND}
            }
        else:
            operation["responses"] = {_NOT_FOUND: responses[_NOT_FOUND]}
    return item


def _keep_fields(schema: Json, schemas: Mapping[str, Any], host: str) -> None:
    """Remove the fields that the reseller does not have and therefore ignores."""
    fields = schema.get("properties", {})
    for name in [name for name, field in fields.items() if host not in _hosts(field, schemas, host)]:
        del fields[name]
        required = schema.get("required", [])
        if name in required:
            required.remove(name)
        if "oneOf" in schema:
            schema["oneOf"] = [_without(name, one) for one in schema["oneOf"] if name not in one.get("required", ())]


def _without(name: str, alternative: Json) -> Json:
    """Return an alternative of a request that does not mention a field."""
    fields = {other: field for other, field in alternative.get("properties", {}).items() if other != name}
    return {**alternative, "properties": fields}


def _hosts(field: Any, schemas: Mapping[str, Any], host: str) -> list[str]:
    """Return the resellers that have a field."""
    if not isinstance(field, dict):
        return [host]
    referred = schemas[field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
    hosts: list[str] = field.get("x-hosts", referred.get("x-hosts", [host]))
    return hosts


def _keep_values(schema: Json, host: str) -> None:
    """Remove the values of a field that the reseller refuses."""
    if "x-models-by-host" in schema:
        schema["enum"] = schema["x-models-by-host"][host]
    by_value = schema.get("x-hosts-by-value", {})
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if host in by_value.get(value, [host])]
    longest = schema.get("x-max-length-by-host", {}).get(host)
    if longest is not None:
        schema["maxLength"] = longest
