"""The contract of one reseller: what the others have is not in it."""

from __future__ import annotations

from typing import Any

import pytest

from reliability.schema.__main__ import HOSTS
from reliability.schema.reseller_contract import contract_of
from tests.support.contract import load_contract

CONTRACT = load_contract()


def _contract(host: str) -> dict[str, Any]:
    return contract_of(CONTRACT.document, host)


def _schema(host: str, name: str) -> dict[str, Any]:
    return _contract(host)["components"]["schemas"][name]


def test_each_reseller_of_the_contract_file_is_tried() -> None:
    assert set(HOSTS) == CONTRACT.document["x-host-profiles"].keys()


@pytest.mark.parametrize("host", HOSTS)
def test_a_call_that_it_lacks_is_answered_by_404_alone_and_no_other_call_is(host: str) -> None:
    for path, item in CONTRACT.document["paths"].items():
        prefix = "/file-upload" if "servers" in item and host == "apikley" else ""
        for method in item.keys() - {"servers"}:
            statuses = _contract(host)["paths"][prefix + path][method]["responses"].keys()
            if host in item[method].get("x-hosts", HOSTS):
                assert {"200"} <= statuses <= {"200", "400", "401", "405"}, path
            else:
                assert statuses == {"404"}, path


def test_fields_that_it_ignores_are_not_described() -> None:
    assert {"duration", "imageUrls"}.isdisjoint(_schema("apikley", "GenerateRequest")["properties"])
    assert "duration" in _schema("kie", "GenerateRequest")["properties"]
    assert "imageUrls" not in _schema("kie", "GenerateRequest")["properties"]
    assert "imageUrls" in _schema("sunoapi", "GenerateRequest")["properties"]


def test_an_alternative_that_needs_such_a_field_is_none() -> None:
    assert [one["required"] for one in _schema("apikley", "SeparateVocalsRequest")["oneOf"]] == [["taskId", "audioId"]]
    assert "audioUrl" not in _schema("apikley", "SeparateVocalsRequest")["oneOf"][0]["properties"]
    assert len(_schema("kie", "SeparateVocalsRequest")["oneOf"]) == 2


def test_values_that_it_refuses_are_not_allowed() -> None:
    assert "V6" in _schema("kie", "ModelName")["enum"]
    assert "V6" not in _schema("apikley", "ModelName")["enum"]
    separations = _schema("apikley", "SeparateVocalsRequest")["properties"]["type"]["enum"]
    assert separations == ["separate_vocal", "split_stem"]


def test_the_contract_file_itself_stays_as_it_is() -> None:
    _contract("apikley")
    assert CONTRACT.document == load_contract().document
