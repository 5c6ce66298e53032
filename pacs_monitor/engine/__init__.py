"""Runs the checks: the scheduler says when, the runner takes the seat and runs the probe, the board keeps results."""
