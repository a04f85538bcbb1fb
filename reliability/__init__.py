"""Kill parts of a real Airflow at random moments, and count the charges: ``make kill-test``."""
