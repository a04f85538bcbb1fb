"""A scenario in which the connection is in a secrets backend."""

from __future__ import annotations

import json

from reliability.cluster.deployment import API_SERVERS, TRIGGERERS, WORKERS
from reliability.cluster.steps import Steps
from reliability.cluster.testbed import CONNECTION, Row, Testbed

_BACKEND = "AIRFLOW__SECRETS__BACKEND"
_ARGUMENTS = "AIRFLOW__SECRETS__BACKEND_KWARGS"


def secrets_backend(testbed: Testbed) -> Row:
    """Keep the connection where only the API servers and the triggerers can read it: tasks ask an API server."""
    cluster = testbed.cluster
    file = cluster.home / "connections.json"
    file.write_text(json.dumps({"suno_default": json.loads(cluster.env[CONNECTION])}))
    file.chmod(0o644)
    testbed.change({CONNECTION: None}, WORKERS)
    with_backend = {
        CONNECTION: None,
        _BACKEND: "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        _ARGUMENTS: json.dumps({"connections_file_path": str(file)}),
    }
    testbed.change(with_backend, (*API_SERVERS, *TRIGGERERS))
    verdict = testbed.run("waits_in_triggerers", 12, Steps())
    seen = [f"{verdict.tries - verdict.songs} further tries"]
    return Row("workers, which cannot read the secrets backend that API servers and triggerers have", verdict, seen)
