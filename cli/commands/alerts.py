"""alerts: the book's alerts, filtered, sorted, a page at a time."""

from cli.views.listing import lister

command = lister(
    "alerts",
    filters=(
        "type",
        "severity",
    ),
    columns=(
        "at",
        "severity",
        "type",
        "account",
        "message",
    ),
    examples=("trueup alerts --severity HIGH",),
    told="Lists the alerts, newest first.",
)
