"""Product APIs that report volumes and queues: one file per kind; the package listing is the registry.

A module defines one class with a `kind`, made as `Kind(settings)`, where the settings are the block that a node has
under the name of the kind. Its methods show what it can report: `volumes`, `queues`, `feeds`, `interfaces`, `host`
(pacs_monitor.systems.shared.resources). They are async, and each works within the run's deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from pacs_monitor.kinds import discover
from pacs_monitor.model import Located, Node, Reason
from pacs_monitor.net import Trace


class System(Protocol):
    """A product API; its settings are the block that a node may carry under the name of its kind."""

    kind: ClassVar[str]
    settings: ClassVar[type[BaseModel]]


@cache
def kinds() -> Mapping[str, type[System]]:
    """Every kind of system by its name; a module is imported when its kind is looked up."""
    return discover(__name__)


def kinds_reporting(what: str) -> list[str]:
    """The kinds that report `volumes`, `queues`, `feeds`, `interfaces` or `host`; every kind is imported."""
    return sorted(kind for kind, system in kinds().items() if hasattr(system, what))


class SourceOf:
    """Marks a setting that names a system by what it reports, or a source of our own."""

    def __init__(self, what: str, *ours: str) -> None:
        self._what, self._ours = what, ours

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, _core: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": self._names()}

    def _names(self) -> list[str]:
        return [*self._ours, *kinds_reporting(self._what)]

    def _known(self, kind: str) -> str:
        if kind not in self._ours and not hasattr(kinds().get(kind), self._what):
            raise ValueError(f"{kind!r} is not a source of {self._what}; use one of: {', '.join(self._names())}")
        return kind


VolumeSource = Annotated[str, SourceOf("volumes")]
QueueSource = Annotated[str, SourceOf("queues")]
InterfaceSource = Annotated[str, SourceOf("interfaces")]
HostSource = Annotated[str, SourceOf("host")]


def is_guarded(kind: str) -> bool:
    """Whether a system runs statements of the configuration, so that `monitor.allow` must name the check."""
    return getattr(kinds()[kind], "guarded", False)


def peer_of(node: Node, kind: str) -> tuple[str, ...]:
    """Whom a check asks that goes by the system of this kind (model.Located)."""
    block = node.systems.get(kind)
    return (kind, *block.peer(node)) if isinstance(block, Located) else (kind,)


def system_of(node: Node, kind: str, trace: Trace) -> Any:
    """The system of this kind by the block of a node, where it needs one; raises NetFailure (`not_configured`).

    What it reports is known from the setting that names it (VolumeSource …).
    """
    system: Any = kinds()[kind]
    block = node.systems.get(kind)
    if block is None:
        try:
            block = system.settings()
        except ValidationError:
            required = [name for name, field in system.settings.model_fields.items() if field.is_required()]
            block_wanted = f"{kind}: {{{', '.join(f'{name}: …' for name in required)}}}"
            raise trace.failure(
                Reason.NOT_CONFIGURED, f"add {block_wanted} to node {node.name}: this check needs it"
            ) from None
    return system(block)
