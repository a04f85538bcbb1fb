"""Requests generated from the contract file's own schemas: what it allows is accepted, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.contract import applies, load_contract

CONTRACT = load_contract()
REQUESTS = {
    operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]: path
    for path, item in CONTRACT.document["paths"].items()
    for operation in [item.get("post", {})]
    if "application/json" in operation.get("requestBody", {"content": ()})["content"]
}
SUBMISSIONS = [name for name in REQUESTS if "model" in CONTRACT.schema(name)["properties"]]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)
QUICK = settings(max_examples=50, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    schema = {**CONTRACT.schema(schema["$ref"].rpartition("/")[2]), **schema} if "$ref" in schema else schema
    return {**schema, "type": schema["type"][0]} if isinstance(schema["type"], list) else schema


def _allowed(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a field's schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if schema["type"] == "number":
        return st.integers(1, schema.get("maximum", 400) * 100).map(lambda number: number / 100)
    if schema["type"] == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 5)
        return st.lists(st.text(min_size=1, max_size=9).filter(str.strip), min_size=least, max_size=most)
    return st.text(min_size=1, max_size=20).filter(str.strip)


def _nearby(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values near what a field's schema allows, and invalid ones."""
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], schema["enum"][0].swapcase()]) | JSON
    if schema["type"] in ("integer", "number"):
        edges = [schema.get("minimum", 0), schema.get("maximum", 10**9)]
        return st.sampled_from([edge + step for edge in edges for step in (-1, -0.01, 0, 0.001, 1)]) | JSON
    if schema["type"] == "array":
        return st.lists(st.just("x"), max_size=schema.get("maxItems", 10) + 1) | JSON
    by_model = schema.get("x-max-length-by-model", {}).values()
    limits = {500, 3000, schema.get("maxLength", 500), *by_model}
    lengths = st.sampled_from([limit + more for limit in limits for more in (0, 1)])
    return st.builds(lambda letter, length: letter * length, st.sampled_from("xé \t🎵"), lengths) | JSON


@st.composite
def _fields(draw: Any, name: str, host: str) -> dict[str, Any]:
    schema = CONTRACT.schema(name)
    known = {field: _resolved(described) for field, described in schema["properties"].items()}
    # Whether a persona exists is beyond the contract.
    known.pop("personaId", None)
    whole = {field: draw(_allowed(described)) for field, described in known.items()}
    if "x-window" in schema:
        window = CONTRACT.window(schema, host)
        length = draw(st.integers(window["shortest"], min(window["longest"], 240)))
        whole[window["end"]] = whole[window["start"]] + length
    fields = {field: value for field, value in whole.items() if field in schema["required"] or draw(st.booleans())}
    for rule in schema.get("x-conditional-rules", ()):
        if applies(rule, fields, host):
            wanted = set(rule.get("required", ()))
            wanted |= {draw(st.sampled_from(rule["required-any"]))} if "required-any" in rule else set()
            fields |= {field: whole[field] for field in wanted if field in whole}
            fields = {field: value for field, value in fields.items() if field not in rule.get("forbidden", ())}
    if draw(st.booleans()):
        field = draw(st.sampled_from(sorted(known)))
        fields[field] = draw(_nearby(known[field]))
    return fields


@pytest.mark.parametrize("host", ["apikley", "kie", "sunoapi"])
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_what_the_contract_allows_is_accepted_and_nothing_else(caller, name, host):
    verdicts = []

    @QUICK
    @given(_fields(name, host))
    def agree(fields):
        problems = caller.contract.request_problems(name, fields, host)
        reply = caller.call("POST", REQUESTS[name], json=fields).json()
        assert reply["code"] in (CONTRACT.refusals(host) if problems else {200}), (
            f"{str(fields)[:400]}\n{problems}\n{reply}"
        )
        verdicts.append(reply["code"])

    caller.play(host)
    caller.simulator.state.credits = 10**9
    agree()
    assert min(verdicts.count(200), len(verdicts) - verdicts.count(200)) > 1
