"""Does a FHIR server answer? Its capability statement (`GET [base]/metadata`), version and resource types.

```yaml
fhir: {url: "https://pacs.example.org/fhir", version: "4.0", resources: [ImagingStudy, Patient]}
```

Every FHIR server returns its capability statement, most of them without an account, and it contains no patient data. A
success proves the server and its TLS; to prove that the store behind it answers, add a search by the probe `http`
(`path: "/Patient?_count=0"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pacs_monitor import http
from pacs_monitor.fields import Duration, Texts
from pacs_monitor.http import HttpSettings
from pacs_monitor.model import (
    Change,
    Layer,
    Measure,
    Node,
    Outcome,
    Phase,
    Probe,
    ProbeContext,
    Reason,
    Timing,
)
from pacs_monitor.net import EXPIRY, NetFailure, Trace, warn_before_expiry

SIZE_LIMIT = 16 << 20
"""Bytes: capability statements of large servers have several million."""
ACCEPTED = "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
"""The media type since STU3, that of DSTU1 and DSTU2, and what servers of all versions call JSON."""
_STATEMENTS = ("CapabilityStatement", "Conformance")
"""The latter until DSTU2."""
_PLAIN = re.compile(r"[\w.+-]{1,32}")


class FhirSettings(HttpSettings):
    version: str = ""
    """What the FHIR version must begin with: `4.0` for R4."""
    resources: Texts = ()
    """Resource types that the server must offer."""
    slow: Duration | None = None
    """An answer that takes longer than this is a warning (reason `slow`)."""
    certificate: Duration = 21 * 86400.0
    """A certificate that expires sooner than this is a warning (reason `certificate_expiring`)."""


class Fhir(Probe):
    kind = "fhir"
    settings = FhirSettings
    measures = (
        Measure("fhir_resource_types", "How many resource types the server offers."),
        EXPIRY,
    )
    layer = Layer.SERVICE
    timing = Timing(interval=300.0, retry_interval=30.0, timeout=15.0)

    async def run(self, _node: Node, settings: FhirSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            statement = await _statement(settings, ctx, trace)
            _judge(statement, settings, trace)
        except NetFailure as failure:
            return failure.outcome()
        outcome = warn_before_expiry(trace.outcome(settings.slow), settings.certificate, ctx.clock.now())
        ctx.memory["software"], changes = _software(statement, ctx.memory.get("software", ""))
        return replace(outcome, changes=changes)


async def _statement(settings: FhirSettings, ctx: ProbeContext, trace: Trace) -> Mapping[str, Any]:
    answer = await http.request(
        "GET",
        f"{settings.url}/metadata",
        ctx,
        trace,
        access=settings.access(),
        headers={"Accept": ACCEPTED},
        size_limit=SIZE_LIMIT,
    )
    http.expect(answer, "GET /metadata", 200)
    statement = http.read_json(answer, "GET /metadata")
    if not isinstance(statement, dict) or statement.get("resourceType") not in _STATEMENTS:
        raise trace.failure(Reason.BAD_CONTENT, "the answer to GET /metadata is not a capability statement")
    return statement


def _judge(statement: Mapping[str, Any], settings: FhirSettings, trace: Trace) -> None:
    trace.phase = Phase.OPERATION
    offered = set(_resources(statement))
    trace.measure("fhir_resource_types", len(offered))
    missing = [name for name in settings.resources if name not in offered]
    if missing:
        raise trace.failure(Reason.MISSING, f"it does not offer {', '.join(missing)}")
    version = _plain(statement.get("fhirVersion"))
    if not version.startswith(settings.version):
        raise trace.failure(Reason.BAD_CONTENT, f"its FHIR version is {version or 'unknown'}, not {settings.version}")


def _resources(statement: Mapping[str, Any]) -> Iterator[str]:
    """The resource types of all `rest` parts; whatever is not shaped like one is left out."""
    for rest in _list(statement, "rest"):
        for resource in _list(rest, "resource"):
            yield _plain(resource.get("type"))


def _list(thing: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = thing.get(key)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _software(statement: Mapping[str, Any], known: str) -> tuple[str, tuple[Change, ...]]:
    """The version of the product, and that it changed: an upgrade explains much."""
    software = statement.get("software")
    version = _plain(software.get("version")) if isinstance(software, dict) else ""
    changed = bool(known and version and known != version)
    return version or known, (Change("software version", known, version),) if changed else ()


def _plain(text: object) -> str:
    """What looks like a version or a type; any other text of a peer is dropped."""
    return text if isinstance(text, str) and _PLAIN.fullmatch(text) else ""
