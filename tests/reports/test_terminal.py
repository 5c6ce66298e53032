"""The tables of the terminal: what fits is written as Rich would write it, what does not is folded."""

from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from pacs_monitor.reports.terminal_figures import Grid

CELLS = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=8)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5)
HEADS = ("check", "down", "unknown")


def shown(what: RenderableType, width: int) -> str:
    written = StringIO()
    Console(file=written, soft_wrap=True, highlight=False, width=width).print(what)
    return written.getvalue()


@given(ROWS, st.booleans(), st.integers(8, 60))
def test_a_table_is_as_rich_writes_it_whether_it_fits_or_not(
    rows: list[tuple[str, str, str]], right: bool, width: int
) -> None:
    grid = Grid(HEADS, right=right)
    first, *others = HEADS
    justified = [Column(name, overflow="fold", justify="right" if right else "left") for name in others]
    rich = Table(Column(first, overflow="fold", no_wrap=True), *justified, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*row)
        rich.add_row(*map(Text, row))
    assert shown(grid, width) == shown(rich, width)


def test_a_cell_that_would_move_the_cursor_is_not_written_as_it_is() -> None:
    grid = Grid(("a", "b"))
    grid.add_row("one\x08two", "three\nfour")
    assert shown(grid, 80).split() == ["a", "b", "onetwo", "three", "four"]
