"""Amounts, durations, times and names as text for people."""
