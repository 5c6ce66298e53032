"""Runs the checks: rhythm and calendar say when, the runner takes the seat and asks, the board keeps the results."""
