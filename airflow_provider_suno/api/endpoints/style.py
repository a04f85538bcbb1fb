"""Style hints that the service enlarges (docs.apikley.ru, "boost-music-style"). Answered at once; costs credits."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from airflow_provider_suno.api.fields import RequiredText
from airflow_provider_suno.api.parsing import number_of, text_of
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, LooseNumber, Record, either, reason_of
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoProtocolError

_FAILED = ("2", 2)


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import Later, RequestFields

    class BoostStyleFields(RequestFields[Later], Generic[Later], total=False):
        """The fields of :class:`BoostStyleRequest`."""

        content: str | Later


class BoostStyleRequest(SunoRequest):
    """
    Enlarge a style hint: ``POST /api/v1/style/generate``.

    :param content: the hint, such as ``Pop, Mysterious``.
    """

    path: ClassVar[str] = "/api/v1/style/generate"
    call: ClassVar[str] = "boost_style"

    content: RequiredText

    def read(self, data: Any) -> "StyleBoost":
        """
        Return the enlarged style.

        :raises SunoProtocolError: when there is none: the service has accepted the request, so it may be charged.
        """
        if not isinstance(data, Mapping):
            data = {}
        try:
            return StyleBoost.model_validate({**data, "style": text_of(data.get("result"))})
        except ValidationError:
            pass
        reason = reason_of(data)
        if data.get("successFlag") in _FAILED or reason is not None:
            why = printable(reason or "it gave no reason", SHOWN_CHARACTERS)
            consumed = number_of(data.get("creditsConsumed"))
            charged = "" if consumed is None else f" (credits consumed: {consumed:g})"
            raise SunoProtocolError(f"The service took the request, but could not enlarge the style: {why}{charged}.")
        raise SunoProtocolError(f"The reply has no enlarged style: {excerpt(data, SHOWN_CHARACTERS)}.")


class StyleBoost(Record):
    """
    An enlarged style.

    ``style``: the text. ``credits_consumed`` and ``credits_remaining``, where the service tells them.
    """

    style: RequiredText
    credits_consumed: LooseNumber = either("credits_consumed")
    credits_remaining: LooseNumber = either("credits_remaining")

    def result(self) -> str:
        """Return the enlarged style."""
        return self.style
