"""pacs_monitor: monitoring and alerting daemon for PACS."""

from importlib.metadata import version

__version__ = version("pacs-monitor")
