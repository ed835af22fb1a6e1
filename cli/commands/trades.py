"""trades: what each entry order bought or sold, and what became of it."""

from cli.views.listing import lister
from cli.views.positions import TIMES, told_as_trade

command = lister(
    "trades",
    filters=(
        "status",
        "symbol",
        "direction",
        "kind",
        "exit_reason",
        "trade_id",
        "position_id",
        "order_id",
        "signal_id",
    ),
    columns=(
        "trade_id",
        "account",
        "symbol",
        "direction",
        "kind",
        "status",
        "quantity",
        "open_quantity",
        "entry_price",
        "exit_price",
        "exit_reason",
        "realized_pnl",
        "entry_time",
        "exit_time",
    ),
    titles={
        "open_quantity": "open",
        "entry_price": "entry",
        "exit_price": "exit",
        "exit_reason": "reason",
        "realized_pnl": "realized",
        "entry_time": "since",
        "exit_time": "until",
    },
    shown=TIMES,
    worded=told_as_trade,
    examples=(
        "trueup trades --status OPEN",
        "trueup trades --symbol BTCUSDT --since 2026-01-05T00:00:00Z --csv",
    ),
    told="Lists the trades: what each entry order bought or sold, newest first.",
)
