"""The object of one run, and what of it the ledger holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pacs_monitor.dicom.testobject import Synthetic, Uids, from_file, patient_of, synthetic
from pacs_monitor.model import SECOND, Node, Outcome, ProbeContext, StoredObject, TestObject
from pacs_monitor.stores.cleanup import (
    Cleaner,
    Dcm4cheeCleaner,
    IocmCleaner,
    NoCleaner,
    OrthancCleaner,
    RetentionCleaner,
    Targets,
)
from pacs_monitor.stores.settings import StoreSettings

CLEANING_TIME = 10.0
"""Seconds of a run that are kept for clearing away, but never more than a quarter of it."""
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
"""When the object with fixed UIDs was made: its content is fixed too."""


def time_kept(ctx: ProbeContext) -> float:
    """Seconds before the deadline of a run that begins now, in which it clears away."""
    return min(CLEANING_TIME, (ctx.deadline - ctx.clock.monotonic()) / 4)


def create(settings: StoreSettings, node: Node, ctx: ProbeContext) -> Synthetic:
    """A new object, or the fixed one; raises UnfitFileError. Reads a file, so it belongs into the pool."""
    seed, at = ctx.ledger.seed, datetime.fromtimestamp(ctx.clock.now() / SECOND, ctx.zone)
    if settings.mode == "accept_only":
        at, uids = ALWAYS, Uids.fixed(seed, node.name)
    else:
        uids = Uids.fresh(seed, node.name, at.strftime("%Y%m%d"))
    if settings.file is not None:
        return from_file(settings.file, settings.identity.marker, uids)
    return synthetic(settings.identity.identity(), uids, at)


def entries(thing: Synthetic, settings: StoreSettings, node: Node, ctx: ProbeContext) -> list[TestObject]:
    """The object where it is sent, and where routing will bring copies of it."""
    now = ctx.clock.now()
    return [
        TestObject(
            where, thing.uids.instance, thing.sop_class, thing.uids.study, thing.uids.series, ctx.check, stored=now
        )
        for where in dict.fromkeys((node.name, *settings.copies_on))
    ]


def with_object(outcome: Outcome, thing: Synthetic, verify: str) -> Outcome:
    """What a run saw, and the object, if the peer took it."""
    if not any(one.name == "store_object_bytes" for one in outcome.measurements):
        return outcome
    return replace(outcome, stored=StoredObject(thing.sop_class, thing.uids.instance, verify))


def cleaner_of(settings: StoreSettings, thing: Synthetic, targets: Targets) -> Cleaner:
    """How this check clears away."""
    match settings.cleanup:
        case "orthanc":
            return OrthancCleaner()
        case "dcm4chee":
            return Dcm4cheeCleaner()
        case "iocm":
            return IocmCleaner(targets, patient_of(thing))
        case "retention":
            return RetentionCleaner(targets, settings.keep_days)
        case "none":
            return NoCleaner()
