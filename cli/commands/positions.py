"""positions: the book's positions, filtered, sorted, a page at a time."""

from cli.views.listing import lister

command = lister(
    "positions",
    filters=(
        "symbol",
        "side",
        "mode",
        "state",
    ),
    columns=(
        "account",
        "symbol",
        "side",
        "quantity",
        "average_price",
        "mark_price",
        "unrealized_pnl",
        "realized_pnl",
        "state",
        "updated_at",
    ),
    examples=(
        "trueup positions",
        "trueup positions --symbol BTCUSDT --json",
    ),
    told="Lists the book's positions.",
)
