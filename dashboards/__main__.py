"""`python -m dashboards` writes dashboards/*.json; with --check it says which are out of date, and ends with 1."""

from __future__ import annotations

import sys

from dashboards.all import FOLDER, rendered


def main() -> int:
    files = {FOLDER / f"{name}.json": text for name, text in rendered().items()}
    late = sorted(f for f, text in files.items() if not f.exists() or f.read_text() != text)
    gone = sorted(set(FOLDER.glob("*.json")) - files.keys())
    if "--check" in sys.argv[1:]:
        for file in (*late, *gone):
            print(f"Run `python -m dashboards`: {file.name} is out of date", file=sys.stderr)
        return 1 if late or gone else 0
    for file in late:
        file.write_text(files[file])
    for file in gone:
        file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
