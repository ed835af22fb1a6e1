"""exits: what was asked for to leave trades, and what was answered."""

from cli.views.intents import sentences
from cli.views.listing import Row, lister
from cli.views.positions import TIMES


def _told(row: Row) -> Row:
    """Why it was refused; of what was not, how its order was decided and what became of it."""
    if refused := sentences(row["reasons"]):
        return {**row, "outcome": None, "why": refused}
    return {**row, "why": sentences(row["because"])}


command = lister(
    "exit_intents",
    filters=(
        "state",
        "cause",
        "symbol",
        "exit_intent_id",
        "exit_signal_id",
        "trade_id",
        "position_id",
        "trace_id",
    ),
    columns=(
        "exit_intent_id",
        "account",
        "symbol",
        "side",
        "cause",
        "state",
        "quantity",
        "price",
        "tries",
        "created_at",
        "updated_at",
        "outcome",
        "why",
    ),
    shown=TIMES,
    worded=_told,
    examples=(
        "trueup exits --state REJECTED",
        "trueup exits --symbol BTCUSDT --cause STOP_LOSS --json",
    ),
    told="Lists the exits that were asked for, with every reason, newest first.",
)
