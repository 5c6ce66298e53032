"""What the house promises of itself and no linter looks at."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Container, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

from pacs_monitor import channels, model, probes

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "pacs_monitor").rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60
LONGEST_OF_PAGING = 300, 40
"""In the rooms that decide who is paged and deliver it, a module and a function are shorter."""


def lines_with(pattern: str) -> Iterator[str]:
    for path in TESTS:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line):
                yield f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


def longest(path: Path) -> tuple[int, int]:
    """Lines of a module and of a function, at most."""
    rooms = path.relative_to(ROOT).parts
    return LONGEST_OF_PAGING if rooms[1] in ("alerting", "delivery") else (LONGEST_MODULE, LONGEST_FUNCTION)


def test_modules_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > longest(path)[0]} == {}


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= longest(path)[1]
    ]
    assert long == []


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports for the type checker alone and imports inside functions count as well."""
    files = {dotted(path): path for path in MODULES}
    sorter = TopologicalSorter({name: set(imported(path, files)) - {name} for name, path in files.items()})
    sorter.prepare()


def test_the_architecture_page_shows_the_floors_in_force() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors = next(contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    page = (ROOT / "docs" / "architecture.md").read_text()
    shown = re.search(r"^## Floors\n.*?^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    assert shown
    assert shown[1].splitlines() == floors
    assert [floor for floor in floors if ":" in floor] == []


def test_there_is_one_way_to_import_each_name_of_the_model() -> None:
    assert len(model.__all__) == len(set(model.__all__))
    around = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in [*MODULES, *TESTS]
        if path.parent.name != "model"
        for name in imported(path, {dotted(module) for module in MODULES if module.parent.name == "model"})
        if name != "pacs_monitor.model"
    ]
    assert around == []


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, files: Container[str]) -> Iterator[str]:
    """Which of these files a file imports; `from room import file` imports the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found = {name if name in files else node.module for name in names}
            yield from (name for name in found if name in files)


@pytest.mark.parametrize(
    "room", sorted((ROOT / "pacs_monitor").rglob("__init__.py")), ids=lambda path: path.parent.name
)
def test_every_room_says_in_one_sentence_what_it_is_for(room: Path) -> None:
    first, *_ = (ast.get_docstring(ast.parse(room.read_text())) or "").split("\n\n")
    assert re.fullmatch(r"[^\n]+[^.]\.", first), "one line that ends with a full stop"
    assert not re.search(r"\. [A-Z]", first), "one sentence; what else there is to say follows after an empty line"


def test_the_architecture_shows_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {path.stem for path in (ROOT / "pacs_monitor").iterdir() if re.fullmatch(r"[a-z]\w*(\.py)?", path.name)}
    assert {room for room in rooms if f"`{room}`" not in page} == set()


@pytest.mark.parametrize("room", [probes, channels])
def test_every_kind_and_every_setting_of_it_explains_itself(room: ModuleType) -> None:
    for kind, made in room.kinds().items():
        module = ROOT / Path(*type_of(made).__module__.split(".")).with_suffix(".py")
        assert ast.get_docstring(ast.parse(module.read_text())), module
        silent = [name for name, field in made.settings.model_fields.items() if not field.description]
        assert silent == [], kind


def type_of(made: object) -> type:
    return made if isinstance(made, type) else type(made)


def test_no_test_listens_on_a_fixed_port() -> None:
    assert list(lines_with(r"(bind|create_server|start_server|listen)\(.*, ?[1-9]\d{2,4}\b")) == []


def test_no_test_is_skipped_or_mocks_our_own_code() -> None:
    assert list(lines_with(r"mark\.(skip|xfail)|pytest\.(skip|xfail|importorskip)\b|unittest.*\bmock\b")) == []


def test_links_between_the_pages_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_the_readme_lists_only_commands_that_exist() -> None:
    rows = re.findall(r"^\| (`.+`) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([a-z][a-z-]+)", row)}
    sources = "".join(path.read_text() for path in (ROOT / "pacs_monitor" / "cli").glob("*.py"))
    assert {name for name in listed if f"def {name.replace('-', '_')}(" not in sources} == set()


def test_every_dependency_is_locked_to_a_version_without_addresses() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    locked = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in locked if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert {plain(name) for name in wanted} - {plain(name) for name in locked} == set()


def plain(requirement: str) -> str:
    """The name of a requirement, normalized as the packaging specification says."""
    name = re.match(r"[\w.-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()
