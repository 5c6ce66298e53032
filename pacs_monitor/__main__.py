"""`python -m pacs_monitor`: the same as `pacs-monitor`."""

from pacs_monitor.cli import main

if __name__ == "__main__":
    main()
