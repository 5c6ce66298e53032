"""Packages that a configuration needs, and that are not installed here: extras, and drivers of databases."""

from __future__ import annotations

from pacs_monitor import systems
from pacs_monitor.config.draft import Draft
from pacs_monitor.config.problems import Path
from pacs_monitor.config.tree import Tree, at
from pacs_monitor.config.validate import Validator


def check_packages(validator: Validator, draft: Draft) -> None:
    """Report every block that could ask nothing for want of a package."""
    if draft.monitor and not draft.monitor.settings.database.startswith("sqlite"):
        package = _missing_driver(draft.monitor.settings.database)
        _report(validator, draft.monitor.tree, draft.monitor.path, "database", package)
    for channel in draft.channels.values():
        wants = getattr(channel.kind, "missing_package", None)
        _report(validator, channel.common.tree, channel.common.path, "type", wants() if wants else None)
    for node in draft.nodes.values():
        for kind, settings in node.systems.items():
            made: object = systems.kinds()[kind](settings)  # type: ignore[call-arg]  # each is made by its settings
            wants = getattr(made, "missing_package", None)
            _report(validator, node.tree, node.path, kind, wants() if wants else None)
        for check in node.checks:
            wants = getattr(check.probe, "missing_package", None)
            _report(validator, node.tree, check.path[:-1], check.path[-1], wants(check.own) if wants else None)


def _missing_driver(database: str) -> str | None:
    """Imports SQLAlchemy, which no command needs that only asks the daemon."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415

    from pacs_monitor.drivers import missing_package  # noqa: PLC0415

    return missing_package(make_url(database))


def _report(validator: Validator, tree: Tree, path: Path, key: str | int, package: str | None) -> None:
    if package is None:
        return
    below = (*path[2:], key) if path[0] == "nodes" else (key,)
    message = f"needs a package that is not installed here: pip install '{package}'"
    validator.error(at(tree, below).mark, (*path, key), message)
