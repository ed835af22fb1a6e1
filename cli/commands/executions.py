"""executions: the book's executions, filtered, sorted, a page at a time."""

from cli.views.listing import lister

command = lister(
    "executions",
    filters=(
        "symbol",
        "side",
        "kind",
        "order_id",
    ),
    columns=(
        "execution_id",
        "account",
        "symbol",
        "side",
        "quantity",
        "price",
        "fee",
        "fee_currency",
        "kind",
        "executed_at",
        "order_id",
    ),
    examples=("trueup executions --symbol BTCUSDT --since 2026-01-05T00:00:00Z",),
    told="Lists the book's executions, newest first.",
)
