"""`probes`, `channels`, `systems`: what kinds there are, their settings and their measurements."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pacs_monitor import channels as channel_kinds
from pacs_monitor import probes as probe_kinds
from pacs_monitor import systems as system_kinds
from pacs_monitor.cli.common import AsJson, app, out, print_json, unknown
from pacs_monitor.config.format import choices, default

Kind = Annotated[str | None, typer.Argument(help="One kind, with its settings.")]


@app.command()
def probes(kind: Kind = None, json: AsJson = False) -> None:
    """List the probe kinds; with KIND, its settings and measurements."""
    _answer(probe_kinds.kinds(), "probe", kind, json)


@app.command()
def channels(kind: Kind = None, json: AsJson = False) -> None:
    """List the channel kinds; with KIND, its settings."""
    _answer(channel_kinds.kinds(), "channel", kind, json)


@app.command()
def systems(kind: Kind = None, json: AsJson = False) -> None:
    """List the systems that report disk space and queues; with KIND, its settings."""
    _answer(system_kinds.kinds(), "system", kind, json)


def _answer(kinds: Mapping[str, Any], what: str, wanted: str | None, json: bool) -> None:
    if wanted is not None and wanted not in kinds:
        unknown(f"no {what} {wanted!r}", wanted, kinds)
    chosen = sorted(kinds) if wanted is None else [wanted]
    described = [_describe(name, kinds[name]) for name in chosen]
    if json:
        print_json(described)
    elif wanted is None:
        table = Table("kind", "what it does", box=None, pad_edge=False)
        for row in described:
            table.add_row(row["kind"], escape(row["summary"]))
        out.print(table if described else f"no {what} kinds yet")
    else:
        _print(described[0])


def _describe(name: str, kind: Any) -> dict[str, Any]:
    text = inspect.getdoc(inspect.getmodule(kind if isinstance(kind, type) else type(kind))) or ""
    fields = kind.settings.model_fields
    return {
        "kind": name,
        "summary": text.partition("\n")[0],
        "text": text,
        "settings": {
            key: {
                "required": field.is_required(),
                "default": default(field),
                "choices": choices(field),
                "description": field.description or "",
            }
            for key, field in fields.items()
        },
        "measures": [{"metric": f"pacs_{m.name}", "help": m.help} for m in getattr(kind, "measures", ())],
    }


def _print(described: dict[str, Any]) -> None:
    out.print(f"[bold]{described['kind']}[/bold]: {escape(described['text'])}\n")
    settings = Table("setting", "default", "what it is", box=None, pad_edge=False)
    for key, field in described["settings"].items():
        allowed = f" ({', '.join(field['choices'])})" if field["choices"] else ""
        settings.add_row(
            key, "required" if field["required"] else escape(field["default"]), escape(field["description"] + allowed)
        )
    if described["settings"]:
        out.print(settings)
    measures = Table("metric", "what it reports", box=None, pad_edge=False)
    for measure in described["measures"]:
        measures.add_row(measure["metric"], escape(measure["help"]))
    if described["measures"]:
        out.print()
        out.print(measures)
