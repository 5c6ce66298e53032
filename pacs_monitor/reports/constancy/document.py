"""The constancy log as one HTML file without any foreign address: a month to a page, each with a line to sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

from pacs_monitor.language import _, language
from pacs_monitor.reports.constancy import words


def html(built: Mapping[str, Any]) -> str:
    """The whole document, in the language that is spoken."""
    environment = Environment(
        loader=PrefixLoader(
            {
                "constancy": PackageLoader("pacs_monitor.reports.constancy"),
                "report": PackageLoader("pacs_monitor.reports"),
            }
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("constancy/constancy.html").render(
        built=built, words=words, text=_texts(built), language=language()
    )


def _texts(built: Mapping[str, Any]) -> dict[str, str]:
    """All that stands in the template itself."""
    return {
        "title": _("Constancy log of the image transmission (DIN 6868-159)"),
        "log": _("Log"),
        "month": _("Month"),
        "so_far": _("not over yet"),
        "route": _("Route"),
        "tested": _("Tested part of the route"),
        "responsible": _("Responsible"),
        "working_days": _("Working days"),
        "every_day": _("every day"),
        "how": _("Tested by"),
        "automatic": _("pacs_monitor {version}, automatically, with a synthetic object", version=built["version"]),
        "times": _("All times: {zone}", zone=built["period"]["timezone"]),
        "day": _("Day"),
        "time": _("Time of day"),
        "check": _("Test"),
        "object": _("Object (SOP Instance UID)"),
        "size": _("Size"),
        "seconds": _("Time until confirmed"),
        "speed": _("Throughput"),
        "verified": _("Arrival verified by"),
        "result": _("Result"),
        "remark": _("Remark"),
        "figures": _("The month in numbers"),
        "completeness": _("Completeness"),
        "median_seconds": _("Time, median"),
        "longest_seconds": _("Time, longest"),
        "median_speed": _("Throughput, median"),
        "slowest_speed": _("Throughput, lowest"),
        "days": _("Log by working days"),
        "elsewhen": _("Said of other days"),
        "person": _(
            "This log proves transmission alone. Image quality (test images on the monitors for diagnosis) is assessed "
            "and recorded by a person."
        ),
        "signature": _("Reviewed by (name)"),
        "date": _("Date"),
        "sign": _("Signature"),
        "made": _("Made {at} by pacs_monitor {version}", at=words.moment(built["made"]), version=built["version"]),
    }
