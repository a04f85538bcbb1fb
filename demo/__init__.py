"""A real Airflow on the simulator: what ``make demo`` and ``make playground`` run, and the slower tests too."""
