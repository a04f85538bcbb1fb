"""Airflow on Celery, spread over network namespaces of one machine, with kills and cuts: ``make cluster-test``."""
