"""What every kind must keep to, so that one file is all that it takes to add one."""

from __future__ import annotations

from collections.abc import Set

from pydantic import BaseModel

from pacs_monitor import channels, probes, systems
from pacs_monitor.config.blocks import CHANNEL_KEYS, CHECK_KEYS, NODE_KEYS
from pacs_monitor.config.shapes import shapes


def keys(settings: type[BaseModel]) -> Set[str]:
    return shapes(settings).keys()


def test_no_probe_has_a_setting_that_every_check_has() -> None:
    shared = {kind: CHECK_KEYS & keys(probe.settings) for kind, probe in probes.kinds().items()}
    assert {kind: keys for kind, keys in shared.items() if keys} == {}


def test_no_channel_has_a_setting_that_every_channel_has() -> None:
    shared = {kind: CHANNEL_KEYS & keys(channel.settings) for kind, channel in channels.kinds().items()}
    assert {kind: keys for kind, keys in shared.items() if keys} == {}


def test_no_system_is_called_like_a_key_of_a_node() -> None:
    assert not (NODE_KEYS | {"checks"}) & systems.kinds().keys()
