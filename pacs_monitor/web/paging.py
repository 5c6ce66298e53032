"""Long lists are answered a page at a time, the newest first, with a link to the next page (RFC 8288)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import HTTPException, Query, Request

from pacs_monitor.web.refusals import recorded
from pacs_monitor.web.routing import Json, Responses

MOST = 1000
"""Rows of one answer."""
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many, at most.")]
Before = Annotated[
    str | None,
    Query(
        pattern="^[0-9A-Z]{26}$",
        description="The id of the last row of the page before this one; the header Link has it, too.",
    ),
]
LINK: Responses = {
    200: {
        "headers": {
            "Link": {
                "description": 'The next page, where there may be one: `<?…>; rel="next"`.',
                "schema": {"type": "string"},
            }
        }
    }
}


async def page(request: Request, limit: int, reading: Awaitable[Sequence[Mapping[str, Any]]]) -> Json:
    """What the record says, and where it goes on; HTTPException."""
    try:
        rows = await recorded(reading)
    except LookupError:
        raise HTTPException(422, ["before: nothing has this id; leave it out to begin at the newest"]) from None
    if len(rows) < limit:
        return Json(rows)
    query = {**request.query_params, "before": rows[-1]["id"]}
    return Json(rows, headers={"Link": f'<?{urlencode(query)}>; rel="next"'})
