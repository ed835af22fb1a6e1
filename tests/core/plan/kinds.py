"""One row for everything that can happen: what it looks like and how it is treated."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.domain.ambiguity import AmbiguityReason, AmbiguousMatch, Candidate
from core.domain.exit import ExitCause, ExitOrder
from core.domain.intent import IntentOrder, Purpose
from core.domain.order import OrderRequest, OrderType, Side
from core.domain.problem import Problem
from core.plan.assemble import assemble_plan
from core.plan.change import (
    AdoptPosition,
    AmendOrder,
    AnyChange,
    CancelDuplicateStop,
    CancelOrder,
    CancelOrphanStop,
    CancelStaleOrder,
    ChangeClass,
    CloseRecommendation,
    DeleteOrder,
    InitialState,
    InsertExecution,
    InsertOrder,
    MoveStop,
    PlaceExit,
    PlaceOrder,
    PlaceStop,
    ResizeStop,
    Risk,
    RollDue,
    Section,
    TakeProfit,
    UpdateExecution,
    UpdateOrder,
)
from core.plan.plan import Base, Decision, GateValues, Plan
from core.plan.proposal import Proposal
from tests.build import NOON, book_execution, book_order, order, position, stop, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    kind: str
    change: AnyChange
    entity: str
    change_class: ChangeClass
    section: Section
    decision: Decision
    at_broker: bool = False


WHY = {"account": "main", "symbol": "BTCUSDT", "reason": "tested", "because": "The test says so."}
EXIT = OrderRequest(
    symbol="BTCUSDT",
    side=Side.SELL,
    type=OrderType.STOP,
    quantity=Decimal(5),
    trigger_price=Decimal(90),
    reduce_only=True,
)
ENTRY = IntentOrder(
    symbol="BTCUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(10),
    price=Decimal(100),
    post_only=True,
    intent_id="i-1",
    signal_id="sig-1",
    sequence=1,
    purpose=Purpose.OPEN,
    amount=Decimal(1000),
    trace_id="t-1",
)

LEAVING = ExitOrder(
    symbol="BTCUSDT",
    side=Side.SELL,
    type=OrderType.MARKET,
    quantity=Decimal(10),
    time_in_force="IOC",
    reduce_only=True,
    exit_intent_id="e-1",
    trade_id="t-1",
    cause=ExitCause.MANUAL,
)

RECORD, CORRECT, ERASE = ChangeClass.RECORD, ChangeClass.CORRECT, ChangeClass.ERASE
PROTECT, TRADE = ChangeClass.PROTECT, ChangeClass.TRADE
APPROVE, PENDING, SKIP = Decision.APPROVE, Decision.PENDING, Decision.SKIP


def row(
    change: AnyChange,
    kind: str,
    entity: str,
    change_class: ChangeClass,
    section: Section,
    decision: Decision,
    *,
    at_broker: bool = False,
) -> Row:
    return Row(
        kind=kind,
        change=change,
        entity=entity,
        change_class=change_class,
        section=section,
        decision=decision,
        at_broker=at_broker,
    )


def insert_order(order_id: str = "o-1", **given: Any) -> InsertOrder:
    after = book_order(order_id, **given)
    return InsertOrder(**(WHY | {"symbol": after.symbol}), target=order_id, after=after)


def insert_execution(execution_id: str = "T-1", **given: Any) -> InsertExecution:
    after = book_execution(execution_id, **given)
    told = {"account": after.account, "symbol": after.symbol}
    return InsertExecution(**(WHY | told), target=after.execution_key, after=after)


def update_execution(execution_id: str = "T-1", **given: Any) -> UpdateExecution:
    before = book_execution(execution_id, **given)
    after = book_execution(execution_id, **(given | {"fee": "0.1"}))
    return UpdateExecution(**WHY, target=before.execution_key, before=before, after=after)


def adopt(quantity: Any = 7, was: Any = 5, **given: Any) -> AdoptPosition:
    after = stored(quantity, **given)
    before = None if was is None else stored(was, **given)
    unexplained = Decimal(quantity) - Decimal(was or 0)
    told = {"account": after.account, "symbol": after.symbol}
    return AdoptPosition(
        **(WHY | told), target=after.symbol, before=before, after=after, unexplained=unexplained
    )


def cancel_duplicate(broker_order_id: str = "S-1", **given: Any) -> CancelDuplicateStop:
    return CancelDuplicateStop(
        **WHY, target=broker_order_id, before=stop(broker_order_id, **given), risk=Risk.MEDIUM
    )


def update_order(*, corrects: bool = False, **changed: Any) -> UpdateOrder:
    return UpdateOrder(
        **WHY,
        target="o-1",
        before=book_order(),
        after=book_order(**(changed or {"status": "cancelled", "filled_quantity": 4})),
        corrects=corrects,
    )


def delete_order(*, hard: bool = False) -> DeleteOrder:
    after = None if hard else book_order(status="orphaned_deleted")
    return DeleteOrder(**WHY, target="o-1", before=book_order(), after=after)


HELD = position(5, unrealized_pnl="-20.5", mark_price="95.9")

# Every kind, and every variant of one that is treated differently.
TABLE = (
    row(insert_order(), "insert_order", "order", RECORD, Section.INSERT, APPROVE),
    row(update_order(), "update_order", "order", RECORD, Section.UPDATE, APPROVE),
    row(update_order(corrects=True), "update_order", "order", CORRECT, Section.UPDATE, PENDING),
    row(delete_order(), "delete_order", "order", ERASE, Section.DELETE, APPROVE),
    row(delete_order(hard=True), "delete_order", "order", ERASE, Section.DELETE, PENDING),
    row(insert_execution(), "insert_execution", "execution", RECORD, Section.INSERT, APPROVE),
    row(update_execution(), "update_execution", "execution", RECORD, Section.UPDATE, APPROVE),
    row(adopt(), "adopt_position", "position", CORRECT, Section.UPDATE, PENDING),
    row(adopt(was=None), "adopt_position", "position", CORRECT, Section.INSERT, PENDING),
    row(
        InitialState(**WHY, target="BTCUSDT", before=HELD),
        "initial_state",
        "position",
        RECORD,
        Section.SPY_FUTURES,
        SKIP,
    ),
    row(
        PlaceStop(**WHY, target="BTCUSDT", after=EXIT, risk=Risk.HIGH),
        "place_stop",
        "stop",
        PROTECT,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        ResizeStop(**WHY, target="S-1", before=stop(), after=stop(quantity=4)),
        "resize_stop",
        "stop",
        PROTECT,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        MoveStop(**WHY, target="S-1", before=stop(), after=stop(trigger_price=95)),
        "move_stop",
        "stop",
        PROTECT,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        cancel_duplicate(),
        "cancel_duplicate_stop",
        "stop",
        PROTECT,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        CancelOrphanStop(**WHY, target="S-1", before=stop()),
        "cancel_orphan_stop",
        "stop",
        PROTECT,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        CancelStaleOrder(**WHY, target="V-1", before=order()),
        "cancel_stale_order",
        "order",
        TRADE,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        CloseRecommendation(**WHY, target="BTCUSDT", before=HELD, after=EXIT),
        "close_recommendation",
        "position",
        PROTECT,
        Section.SPY_FUTURES,
        PENDING,
        at_broker=True,
    ),
    row(
        TakeProfit(**WHY, target="BTCUSDT", before=HELD, after=EXIT),
        "take_profit",
        "position",
        PROTECT,
        Section.SPY_FUTURES,
        PENDING,
        at_broker=True,
    ),
    row(
        RollDue(**WHY, target="BTCUSDT", before=HELD, after=EXIT),
        "roll_due",
        "position",
        PROTECT,
        Section.SPY_FUTURES,
        PENDING,
        at_broker=True,
    ),
    row(
        CancelOrder(**WHY, target="V-1", before=order()),
        "cancel_order",
        "order",
        TRADE,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        AmendOrder(**WHY, target="V-1", before=order(), after=order(price=99)),
        "amend_order",
        "order",
        TRADE,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        PlaceExit(**WHY, target="BTCUSDT", after=LEAVING),
        "place_exit",
        "order",
        PROTECT,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
    row(
        PlaceOrder(**WHY, target="i-1", after=ENTRY),
        "place_order",
        "order",
        TRADE,
        Section.BROKER,
        PENDING,
        at_broker=True,
    ),
)

MATCH = AmbiguousMatch(
    account="main",
    reason=AmbiguityReason.SIGNATURE_MATCH,
    broker_order=order("V-9"),
    candidates=(
        Candidate(
            book_order=book_order("o-9", None),
            score=Decimal("0.92"),
            agree=("symbol", "side", "quantity"),
            differ=("created_at",),
        ),
    ),
)
PROBLEM = Problem("external_order", "main", "V-8", "V-8 is not ours and external orders are off")
EVERYTHING = Proposal(
    changes=tuple(each.change for each in TABLE),
    ambiguous=(MATCH,),
    problems=(PROBLEM,),
    unchanged=214,
)


def plan_of(proposal: Proposal = EVERYTHING, **given: Any) -> Plan:
    """Made at noon from book b-1 and a complete look, for a quarter of an hour."""
    base = Base(
        book_lineage="b-1",
        book_serial=412,
        broker_fingerprint="sha256:0",
        observed_at=NOON - timedelta(seconds=2),
        complete=True,
    )
    gates = GateValues(
        dry_run=False, safe_mode=False, dry_run_confirm=False, force_sync_delete=False
    )
    values: dict[str, Any] = {
        "accounts": ["main"],
        "base": base,
        "config": gates,
        "generated_at": NOON,
        "ttl": timedelta(minutes=15),
        "tool_version": "1.2.3",
    }
    return assemble_plan(proposal, **(values | given))
