"""Our DICOM acceptor and MLLP listener, opened as the configuration says, for the checks that wait for them."""

from pacs_monitor.listeners.listeners import Listeners

__all__ = ["Listeners"]
