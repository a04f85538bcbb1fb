def get_provider_info():
    return {"package-name": "airflow-provider-suno", "name": "Suno", "description": "Suno"}
