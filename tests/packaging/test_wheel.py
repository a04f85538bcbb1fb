"""What is in the wheel. `make test-wheel` runs all tests against it; these have nothing to look at elsewhere."""

from __future__ import annotations

import os
import sysconfig
from importlib.metadata import distribution, files
from pathlib import Path

import pytest

import airflow_provider_suno
from tests.support.project import PROJECT, on_the_package_index

NAME = "airflow-provider-suno"

pytestmark = pytest.mark.skipif("SUNO_TESTED_WHEEL" not in os.environ, reason="run by `make test-wheel`")


def test_the_package_is_that_of_the_wheel() -> None:
    assert Path(airflow_provider_suno.__file__).parent.parent == Path(sysconfig.get_path("purelib"))
    assert not (PROJECT / "airflow_provider_suno").exists()
    assert distribution(NAME).version == airflow_provider_suno.__version__


def test_nothing_is_missing_and_nothing_too_much() -> None:
    listed = files(NAME)
    assert listed
    names = {str(path) for path in listed}
    folder = "airflow_provider_suno"
    assert {
        f"{folder}/py.typed",
        f"{folder}/simulator/jobs/notes.mp3",
        f"{folder}/simulator/jobs/stills.h264",
        f"{folder}/example_dags/suno_chain.py",
        *(f"{folder}/plugins/player/static/{name}" for name in ("player.js", "player.css", "icon.svg")),
        f"{folder}/plugins/player/static/vendor/wavesurfer-7.12.12.esm.js",
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any("/licenses/" in name and name.endswith("/wavesurfer.LICENSE.txt") for name in names)
    assert {name.split("/")[0] for name in names} == {
        folder,
        f"airflow_provider_suno-{distribution(NAME).version}.dist-info",
    }


def test_its_description_is_the_readme_with_links_that_work() -> None:
    assert distribution(NAME).metadata["Description"].strip() == on_the_package_index().strip()
    assert distribution(NAME).metadata["Description-Content-Type"] == "text/markdown"


def test_airflow_finds_the_examples() -> None:
    manager = pytest.importorskip("airflow.dag_processing.bundles.manager")
    if not hasattr(manager, "_add_provider_example_dags_to_bundle"):
        pytest.skip("this Airflow shows no examples of providers")
    bundles: list[object] = []
    manager._add_provider_example_dags_to_bundle(bundles)
    (ours,) = [bundle.kwargs["path"] for bundle in bundles if bundle.name == f"{NAME}-example-dags"]  # type: ignore[attr-defined]
    assert {path.stem for path in Path(ours).glob("*.py")} >= {"suno_chain", "suno_album", "suno_cover"}
