"""Order songs and wait for none of them: each finished song starts other Dags, by its callback."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator

with DAG(
    dag_id="suno_order",
    schedule=None,
    tags=["suno"],
    params={"prompts": ["Rain on a tin roof", "A walk by the sea"]},
    doc_md="""
### Order songs

`generate` submits a song for each prompt and ends. No worker and no trigger waits. When a song is finished, the
service's callback raises an event of the asset `suno://suno_default/music`, which starts `suno_new_songs` and
`suno_each_song`. For that the connection needs `callback_url` (this Airflow's public address) and `callback_secret`.

A song that is ordered outside of Airflow does the same, with the callback URL that
`python -m airflow_provider_suno callback-url --conn-id suno_default` prints.
""",
    render_template_as_native_obj=True,
):
    GenerateMusicOperator(task_id="generate", prompt="{{ params.prompts[0] }}", model="V5")
    GenerateMusicOperator(task_id="generate_another", prompt="{{ params.prompts[1] }}", model="V5")
