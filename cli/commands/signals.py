"""signals: the signals that were taken in, filtered, sorted, a page at a time."""

from cli.views.listing import lister

command = lister(
    "signals",
    filters=(
        "request_status",
        "state",
        "symbol",
        "signal_type",
        "strategy_id",
        "source",
        "signal_id",
        "trace_id",
    ),
    columns=(
        "signal_id",
        "account",
        "symbol",
        "signal_type",
        "amount",
        "confidence",
        "strategy_id",
        "source",
        "state",
        "request_status",
        "received_at",
        "reason",
    ),
    examples=(
        "trueup signals --request-status failed",
        "trueup signals --symbol BTCUSDT --since 2026-01-05T00:00:00Z --csv",
    ),
    told="Lists the signals that were taken in, newest first.",
)
