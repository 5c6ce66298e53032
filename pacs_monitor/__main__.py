"""`pacs-monitor`, also as `python -m pacs_monitor`."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""


def main() -> None:
    """The command line; Ctrl-C ends it without a traceback.

    Until a command has something to end in order (`process.interruptible`), the signal itself ends the process:
    modules that are imported may swallow a KeyboardInterrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pacs_monitor import cli  # noqa: PLC0415 - only now

    try:
        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
