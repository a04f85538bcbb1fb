"""The music player in Airflow's UI: a tab on the Dag run, a library, and a route that serves kept files."""
