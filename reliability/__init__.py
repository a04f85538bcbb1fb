"""Kill a real Airflow on the simulator at random moments, and count what was paid: ``make kill-test``."""
