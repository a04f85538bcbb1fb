"""Apache Airflow provider for the Suno music API."""

__version__ = "0.2.0"
