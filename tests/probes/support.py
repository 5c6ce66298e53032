"""The peers by which a kind of probe keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple

from pacs_monitor.model import Node

Arranged = tuple[Node, Any] | tuple[Node, Any, Mapping[str, Any]]
"""A third item replaces fields of the Context: what the probe remembers, say."""
Arrange = Callable[[Path], AbstractAsyncContextManager[Arranged]]
"""Puts a peer up, and answers with the node and the settings that lead a probe to it."""


class Peers(NamedTuple):
    """What tests/probes/test_<kind>.py gives as `PEERS` to test_contract.py: real ones, in the state of each name."""

    working: Arrange
    """It is `ok`."""
    refusing: Arrange
    """It is `fail`."""
    hanging: Arrange
    """No answer comes, or none in time."""
    warning: Arrange
    """It is `warn`."""
    blind: Arrange
    """Nothing can be said of it, by our own fault: `unknown`."""
