"""Decides who is notified of what (`advance`, pure), and has it recorded and delivered (`desk`)."""

from pacs_monitor.alerting.desk import Desk

__all__ = ["Desk"]
