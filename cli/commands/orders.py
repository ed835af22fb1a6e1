"""orders: the book's orders, filtered, sorted, a page at a time."""

from cli.views.listing import lister

command = lister(
    "orders",
    filters=(
        "status",
        "symbol",
        "side",
        "origin",
        "signal_id",
        "order_id",
    ),
    columns=(
        "order_id",
        "account",
        "symbol",
        "side",
        "order_type",
        "quantity",
        "filled_quantity",
        "price",
        "trigger_price",
        "status",
        "origin",
        "created_at",
    ),
    examples=(
        "trueup orders --status open",
        "trueup orders --symbol BTCUSDT --csv",
    ),
    told="Lists the book's orders, newest first.",
)
