"""The success callback that records a delivery, beside the user's own: each runs exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import Schedule

pytestmark = pytest.mark.usefixtures("short_clocks", "sim")

CALLED: list[str] = []


def first(context: Any) -> None:
    CALLED.append(f"first {context['ti'].map_index}")


def second(context: Any) -> None:
    CALLED.append(f"second {context['ti'].map_index}")


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLED.clear()


GIVEN = pytest.mark.parametrize(
    ("callbacks", "names"),
    [
        (None, []),
        (first, ["first"]),
        ([first], ["first"]),
        ([first, second], ["first", "second"]),
        ((second, first), ["second", "first"]),
        ([], []),
    ],
    ids=["none", "one", "list of one", "several", "tuple", "empty"],
)


def check(run: Any, task_id: str, names: list[str], indexes: tuple[int, ...] = (-1,)) -> None:
    assert run.state(task_id) == ["success"] * len(indexes)
    assert sorted(CALLED) == sorted(f"{name} {index}" for name in names for index in indexes)
    for index in indexes if KEEPS_TASK_STATE else ():
        assert run.journal(task_id, index)["state"] == "delivered"


@GIVEN
@pytest.mark.parametrize("where", ["operator", "default_args"])
@pytest.mark.parametrize("deferrable", [False, True])
def test_of_an_operator(callbacks: Any, names: list[str], where: str, deferrable: bool, schedule: Schedule) -> None:
    given = {} if callbacks is None else {"on_success_callback": callbacks}
    with DAG("callbacks", schedule=None, default_args=given if where == "default_args" else {}) as dag:
        GenerateMusicOperator(
            task_id="generate",
            model="V5",
            prompt="rain",
            poll_interval=0.05,
            wait_for_completion=True,
            deferrable=deferrable,
            **(given if where == "operator" else {}),
        )
    check(schedule(dag).run(), "generate", names)


@GIVEN
@pytest.mark.parametrize("where", ["partial", "default_args"])
def test_of_a_mapped_operator(callbacks: Any, names: list[str], where: str, schedule: Schedule) -> None:
    given = {} if callbacks is None else {"on_success_callback": callbacks}
    with DAG("callbacks", schedule=None, default_args=given if where == "default_args" else {}) as dag:
        GenerateMusicOperator.partial(task_id="generate", model="V5", **(given if where == "partial" else {})).expand(
            prompt=["rain", "snow"]
        )
    check(schedule(dag).run(), "generate", names, (0, 1))


def test_the_dags_own_callback_is_unaffected(schedule: Schedule) -> None:
    with DAG("callbacks", schedule=None, on_success_callback=first) as dag:
        GenerateMusicOperator(task_id="generate", model="V5", prompt="rain", on_success_callback=second)
    dag.relative_fileloc = "dag.py"
    check(schedule(dag).run(), "generate", ["second"])


def test_of_a_persona(song: Callable[..., str], schedule: Schedule) -> None:
    with DAG("callbacks", schedule=None, default_args={"on_success_callback": [first, second]}) as dag:
        GeneratePersonaOperator(task_id="persona", music_task_id=song(), name="n", description="d")
    check(schedule(dag).run(), "persona", ["first", "second"])


def test_a_user_callback_that_fails_changes_nothing(schedule: Schedule) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("the pager is down")

    with DAG("callbacks", schedule=None) as dag:
        GenerateMusicOperator(task_id="generate", model="V5", prompt="rain", on_success_callback=[broken, first])
    check(schedule(dag).run(), "generate", ["first"])
