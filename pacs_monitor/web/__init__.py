"""The HTTP server of the daemon: JSON API, /metrics, /probe and health, all read from the board and the history."""
