"""The viewers of the API server with roles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Viewer:
    """
    Who looks at Airflow, and what this one may read.

    :param dags: of which Dags.
    :param reads_xcoms: whether XComs too.
    :param sees_plugins: whether plugins are shown.
    """

    name: str
    dags: tuple[str, ...]
    reads_xcoms: bool = True
    sees_plugins: bool = True

    @property
    def password(self) -> str:
        return f"password-of-{self.name}"


LISTENER = Viewer("listener", ("suno_chain",))
WITHOUT_XCOMS = Viewer("without_xcoms", ("suno_chain",), reads_xcoms=False)
STRANGER = Viewer("stranger", ("suno_jingle",))
WITHOUT_PLUGINS = Viewer("without_plugins", ("suno_chain",), sees_plugins=False)
"""Like FAB's own roles Viewer and User."""

VIEWERS = (LISTENER, WITHOUT_XCOMS, STRANGER, WITHOUT_PLUGINS)
