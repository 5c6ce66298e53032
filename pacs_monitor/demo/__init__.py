"""A simulated estate on loopback and the daemon over it: something breaks, pages, and recovers by itself."""

from pacs_monitor.demo.show import run

__all__ = ["run"]
