"""Every test meets the same Airflow: a home of its own, and nothing of the user's settings and connections."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import settings

# Airflow reads its environment when it is first imported, so this cannot wait for a fixture.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-provider-suno-tests-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

# How long an example takes says nothing on a machine that does something else besides.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
