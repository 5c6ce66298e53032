"""What Windows runs as the service: `python -I -S host.py --config FILE --log FILE`, by the Python of the machine.

Run as a file, by the interpreter that the virtual environment around it was made of, and with nothing but the standard
library; it adds the packages of that environment, and is then as if started in it.
"""

from __future__ import annotations

import argparse
import site
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Be the service."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args(arguments)
    enter(Path(__file__))
    from pacs_monitor.windows_service.service import serve

    serve(options.config, options.log)


def enter(file: Path) -> None:
    """The environment in which this file lies, by the path by which it was called: it may lead over a link.

    `.pth` files are heeded, among them that of pywin32, by which its DLLs are found.
    """
    site.addsitedir(str(file.parents[2]))
    environment = next((folder for folder in file.parents if (folder / "pyvenv.cfg").is_file()), None)
    if environment is not None:
        windows, posix = environment / "Scripts" / "python.exe", environment / "bin" / "python"
        sys.executable = str(windows if windows.is_file() else posix)  # for our programs that run as other processes


if __name__ == "__main__":
    main()
