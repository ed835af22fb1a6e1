"""What a scripted fault does to the call that meets it.

| kind | writing | reading |
|---|---|---|
| not_sent, unavailable | nothing reached the venue: NotSent | Unavailable |
| rate_limit | NotSent, the code is rate_limit | Unavailable |
| reject | Rejected with `code` and `text`; nothing happened | Unavailable |
| timeout_before_accept | OutcomeUnknown; nothing happened | Unavailable |
| lost_reply | carried out, then OutcomeUnknown | Unavailable |
| late_accept | OutcomeUnknown; carried out `after_seconds` later | |
| partial | place: only `ratio` of the order fills | snapshot: half of the rows of `part` |
| delayed_event | place: accepted, but no fill for `after_seconds` | snapshot: no young executions |
| duplicate_event | | snapshot: the latest execution is told twice |
| unavailable with `part` | | snapshot: that part is unavailable |
| price_gap | the quote of `symbol` jumps to `price` first | the same |
| inconclusive | | find_order: Inconclusive |

A cell that is empty is refused when the file is read. The fault is spent in the same write of the
file as whatever it lets happen, so a process that dies meets it once, too.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from core.brokers.paper.account import Account
from core.brokers.paper.calls import Call, send_late
from core.brokers.paper.matching import Terms
from core.brokers.paper.quoting import move_quote
from core.brokers.paper.settling import settle_orders
from core.brokers.paper.simulation import Fault, figure
from core.domain.errors import NotSent, OutcomeUnknown, Rejected
from core.domain.order import BrokerOrder

# On a read these are all one: no answer.
NO_ANSWER = frozenset(
    {"not_sent", "unavailable", "rate_limit", "reject", "timeout_before_accept", "lost_reply"}
)

Answer = Callable[[Account, Call, Fault, datetime], BrokerOrder]


def _not_sent(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    raise NotSent(fault.why)


def _rate_limit(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    raise NotSent(f"{fault.code or 'rate_limit'}: {fault.why}")


def _reject(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    raise Rejected(fault.code or "rejected", fault.why)


def _timeout(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    raise OutcomeUnknown(fault.why)


def _lost_reply(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    try:
        call.carry_out(account, now)
    except Rejected as error:
        # The refusal is what got lost.
        raise OutcomeUnknown(fault.why) from error
    raise OutcomeUnknown(fault.why)


def _late_accept(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    send_late(account, call, now + timedelta(seconds=fault.after_seconds))
    raise OutcomeUnknown(fault.why)


def _partial(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    return call.carry_out(account, now, Terms(fill_ratio=figure(fault.ratio)))


def _delayed(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    due = now + timedelta(seconds=fault.after_seconds)
    return call.carry_out(account, now, Terms(match_after=due))


def _price_gap(account: Account, call: Call, fault: Fault, now: datetime) -> BrokerOrder:
    jump(account, fault, now)
    return call.carry_out(account, now)


WRITE_ANSWERS: Mapping[str, Answer] = {
    "not_sent": _not_sent,
    "unavailable": _not_sent,
    "rate_limit": _rate_limit,
    "reject": _reject,
    "timeout_before_accept": _timeout,
    "lost_reply": _lost_reply,
    "late_accept": _late_accept,
    "partial": _partial,
    "delayed_event": _delayed,
    "price_gap": _price_gap,
}


def jump(account: Account, fault: Fault, now: datetime) -> None:
    """The quote goes to the fault's price in one step, and everything it passes is settled."""
    if fault.symbol is not None and fault.price is not None:
        move_quote(account, fault.symbol, figure(fault.price), now)
        settle_orders(account, now)
