"""Hundreds of songs at once, with nothing to hold them back and through a pool; each is known by its prompt."""

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator

SONGS = 200

# What the ledger of the service will know a song by.
PROMPT = "{{ run_id }} {{ ti.map_index }}"

for dag_id, options in (("at_once", {}), ("in_a_pool", {"pool": "suno"})):
    # As many tasks at once as the deployment allows, so that the account's limit is the only other one.
    with DAG(dag_id, schedule=None, max_active_tasks=SONGS, default_args={"retries": 0}):
        GenerateMusicOperator.partial(task_id="submit", model="V5", **options).expand(prompt=[PROMPT] * SONGS)
