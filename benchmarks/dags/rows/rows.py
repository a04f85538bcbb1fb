"""Songs, each submitted and waited for by one task instance."""

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator

with DAG("rows", schedule=None):
    GenerateMusicOperator.partial(
        task_id="song", model="V5", wait_for_completion=True, deferrable=True, retries=1
    ).expand(prompt=[f"song {number}" for number in range(10)])
