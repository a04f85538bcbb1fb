"""The operator that enlarges a style hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.endpoints.style import BoostStyleRequest, StyleBoost
from airflow_provider_suno.api.request import TEXT_FILES
from airflow_provider_suno.operators.answered import AnsweredOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.style import BoostStyleFields
    from airflow_provider_suno.operators.answered import AnsweredArguments

    class BoostStyleArguments(BoostStyleFields[XComArg], AnsweredArguments):
        """The operator's parameters."""


class BoostStyleOperator(AnsweredOperator):
    """
    Enlarge a style hint (docs.apikley.ru, "boost-music-style"); costs credits, answers in seconds.

    Returns the enlarged style, for ``style=`` of the operators that make music, and pushes ``style``: ``{"style",
    "credits_consumed", "credits_remaining"}``. For what a retry, a clear, a kill and a timeout do, and for the other
    parameters, see :class:`~airflow_provider_suno.operators.answered.AnsweredOperator`.

    :param content: the hint, such as ``Pop, Mysterious``; or the name of a file with it (``.txt``, ``.lrc``, ``.md``).
    """

    request_type = BoostStyleRequest
    template_ext: Sequence[str] = TEXT_FILES
    ui_color = "#fdf3d8"

    def __init__(self, **arguments: Unpack[BoostStyleArguments]) -> None:
        super().__init__(**arguments)

    @classmethod
    def answer_of(cls, stored: Mapping[str, Any]) -> StyleBoost:
        """Return the answer that the journal holds."""
        return StyleBoost.model_validate(stored)

    def deliver(self, context: Context, answer: StyleBoost) -> str:
        """Push the answer and return the enlarged style."""
        context["ti"].xcom_push(key="style", value=answer.to_dict())
        return answer.style
