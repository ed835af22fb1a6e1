"""intents: what each account answered to its signals, filtered, sorted, a page at a time."""

from cli.views.intents import sentences
from cli.views.listing import lister

command = lister(
    "trade_intents",
    filters=(
        "state",
        "symbol",
        "side",
        "signal_id",
        "intent_id",
        "trace_id",
    ),
    columns=(
        "intent_id",
        "account",
        "symbol",
        "side",
        "state",
        "signal_id",
        "created_at",
        "updated_at",
        "outcome",
        "reasons",
    ),
    told="Lists what each account answered to its signals, newest first.",
    shown={"reasons": sentences},
    examples=(
        "trueup intents --state REJECTED",
        "trueup intents --state APPROVED --account main --json",
    ),
)
