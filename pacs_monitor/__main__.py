"""`pacs-monitor`, also as `python -m pacs_monitor`."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""


def main() -> None:
    """The command line; Ctrl-C ends it without a traceback, also in the second that its imports take."""
    try:
        from pacs_monitor import cli  # noqa: PLC0415 - within the `try`

        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
