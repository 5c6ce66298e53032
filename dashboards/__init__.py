"""The source of the dashboards; `python -m dashboards` writes their JSON beside it."""
