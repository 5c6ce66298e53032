"""The daemon as a service of Windows: how it is registered, how it lives, and what the event log says of it.

`registration`, `life` and `events` decide, and know nothing of Windows' API; `scm`, `event_log` and `dispatcher` speak
to Windows through pywin32, which is imported where it is used, since nobody else has it.
"""
