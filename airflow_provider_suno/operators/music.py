"""The operators that make music: the fields of each, and the request they build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_suno.api.requests import GenerateMusicRequest
from airflow_provider_suno.operators.submit import SubmitMusicOperator


class GenerateMusicOperator(SubmitMusicOperator):
    """
    Generate songs from text (docs.apikley.ru, "generate-music"); usually two tracks, 30 s to 3 min, costs credits.

    In simple mode only ``prompt`` counts (up to 500 characters). Custom mode needs ``style`` and ``title``, and
    ``prompt``, which is then sung literally, unless ``instrumental``. Returns the ``music_task_id``, which is pushed
    as the XCom ``music_task_id`` too, as soon as it exists. What a retry, a clear, a kill and a timeout do, and the
    other parameters: see :class:`~airflow_provider_suno.operators.submit.SubmitMusicOperator`.

    :param custom_mode: ``None`` infers it: custom when ``style``, ``title`` or ``persona_id`` is given.
    :param instrumental: no vocals.
    """

    request_type = GenerateMusicRequest
    template_fields: Sequence[str] = (*SubmitMusicOperator.template_fields, "custom_mode", "instrumental")

    def __init__(self, *, custom_mode: bool | None = None, instrumental: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.custom_mode = custom_mode
        self.instrumental = instrumental
