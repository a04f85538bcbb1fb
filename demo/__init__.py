"""A real Airflow on the simulator: what ``make demo`` runs, and what the slower tests stand on."""
