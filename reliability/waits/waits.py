"""Any number of songs, each of which is waited for in the triggerer."""

from airflow.sdk import DAG, task

from airflow_provider_suno.operators.music import GenerateMusicOperator

with DAG("waits", schedule=None):

    @task
    def prompts() -> list[str]:
        """Return what each song is about."""
        raise NotImplementedError("the task instances are written to the database instead")

    GenerateMusicOperator.partial(task_id="song", model="V5", wait_for_completion=True, deferrable=True).expand(
        prompt=prompts()
    )
