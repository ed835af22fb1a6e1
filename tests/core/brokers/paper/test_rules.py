"""What the venue refuses: the code, and that nothing has changed in the file."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.brokers.paper import rules
from core.domain.errors import NotSent, Rejected, Unavailable
from core.domain.moment import moment_text
from core.domain.order import Allows, OrderRequest, OrderType, Side
from tests.core.brokers.paper.venue import NOON, PaperVenue, perpetual, quote
from tests.core.brokers.receipts import receipt

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("unknown_symbol", {"symbol": "DOGEUSDT"}),
    ("contract_expired", {"symbol": "OLD"}),
    ("position_mode_mismatch", {"position_side": "long"}),
    ("invalid_quantity", {"quantity": 0}),
    ("invalid_quantity", {"quantity": -1}),
    ("quantity_step", {"quantity": "1.0005"}),
    ("min_quantity", {"quantity": "0.001", "symbol": "LARGE"}),
    ("price_required", {"kind": "limit"}),
    ("price_required", {"kind": "stop_limit", "trigger_price": 90}),
    ("price_not_allowed", {"price": 100}),
    ("price_not_allowed", {"kind": "stop", "price": 100, "trigger_price": 90}),
    ("price_tick", {"kind": "limit", "price": "95.05"}),
    ("trigger_required", {"kind": "stop"}),
    ("trigger_required", {"kind": "trailing_stop"}),
    ("trigger_not_allowed", {"kind": "limit", "price": 95, "trigger_price": 90}),
    ("trigger_tick", {"kind": "stop", "trigger_price": "90.05"}),
    ("time_in_force_not_supported", {"time_in_force": "GTX"}),
    ("post_only_not_allowed", {"post_only": True}),
    (
        "post_only_not_allowed",
        {"kind": "limit", "price": 95, "time_in_force": "IOC", "post_only": True},
    ),
    ("post_only_would_cross", {"kind": "limit", "price": "100.1", "post_only": True}),
    ("reduce_only", {"reduce_only": True}),
    ("no_quote", {"symbol": "SILENT"}),
    ("min_notional", {"quantity": "0.04"}),
    ("min_notional", {"quantity": "0.05", "kind": "limit", "price": "99.9"}),
    ("insufficient_margin", {"quantity": 101}),
    ("insufficient_margin", {"quantity": 101, "kind": "limit", "price": 100}),
]


@pytest.fixture
def strict(venue: PaperVenue) -> PaperVenue:
    def more(content: dict[str, Any]) -> None:
        content["instruments"] += [
            perpetual("OLD", expiry=moment_text(NOON - timedelta(seconds=1))),
            perpetual("LARGE", min_quantity="1"),
            perpetual("SILENT"),
        ]
        content["quotes"] += [quote("OLD"), quote("LARGE")]

    venue.edit(more)
    return venue


@pytest.mark.parametrize(("code", "order"), REFUSED)
async def test_it_is_refused_with_this_code(
    strict: PaperVenue, code: str, order: dict[str, Any]
) -> None:
    before = strict.path.read_bytes()
    with pytest.raises(Rejected) as caught:
        await strict.place("tu-1", "buy", order.pop("quantity", 1), **order)
    assert caught.value.code == code
    assert strict.path.read_bytes() == before


async def test_every_code_of_the_table_is_tried_here() -> None:
    told = {
        code.strip()
        for line in (rules.__doc__ or "").splitlines()
        if line.startswith("| ") and not line.startswith("| code")
        for code in line.split("|")[1].split(",")
    }
    tried = {code for code, _ in REFUSED}
    elsewhere = {"duplicate_client_order_id", "insufficient_balance", "one_stop"}
    assert told == tried | elsewhere


async def test_where_one_stop_is_taken_a_second_one_is_refused_while_it_stands(
    venue: PaperVenue,
) -> None:
    venue.edit(lambda content: content.setdefault("simulation", {}).update(one_stop=True))
    await venue.place("tu-1", "buy", 1)
    terms = {"trigger_price": 90, "reduce_only": True}
    stop = await venue.place("tu-2", "sell", 1, "stop", **terms)
    with pytest.raises(Rejected) as caught:
        await venue.place("tu-3", "sell", 1, "stop", **terms)
    assert caught.value.code == "one_stop"
    await venue.broker.cancel(receipt("tu-4"), stop)
    await venue.place("tu-5", "sell", 1, "stop", **terms)


async def test_where_nothing_can_be_changed_the_listing_says_so(venue: PaperVenue) -> None:
    venue.edit(lambda content: content.setdefault("simulation", {}).update(amends=False))
    order = await venue.place("tu-1", "buy", 1, "limit", price=95)
    with pytest.raises(Rejected) as caught:
        await venue.broker.amend(receipt("tu-2"), order, price=Decimal(94))
    assert caught.value.code == "amend_not_supported"
    (listed,) = (await venue.broker.snapshot()).orders
    assert listed.allows is Allows.CANCEL
    assert not venue.broker.capabilities.amends


async def test_a_client_order_id_is_used_up_by_any_order_whatever_became_of_it(
    venue: PaperVenue,
) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price=95)
    await venue.broker.cancel(receipt("tu-2"), order)
    with pytest.raises(Rejected) as caught:
        await venue.place("tu-1", "buy", 1)
    assert caught.value.code == "duplicate_client_order_id"


async def test_a_venue_that_does_not_deduplicate_makes_two_orders(venue: PaperVenue) -> None:
    venue.desk.simulate(deduplicates=False)
    assert not venue.broker.capabilities.deduplicates
    await venue.place("tu-1", "buy", 1)
    await venue.place("tu-1", "buy", 1)
    assert await venue.holds() == 2


async def test_what_only_reduces_may_be_as_small_as_the_least_quantity(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", "0.06")
    order = await venue.place("tu-2", "sell", "0.01", reduce_only=True)
    assert order.filled_quantity == Decimal("0.01")


async def test_a_symbol_with_a_quote_and_no_description_trades_without_a_grid(
    venue: PaperVenue,
) -> None:
    venue.edit(lambda content: content["quotes"].append(quote("NEWUSDT")))
    order = await venue.place("tu-1", "buy", "0.00001", symbol="NEWUSDT")
    assert order.average_price == Decimal("100.1")
    assert await venue.broker.instrument("NEWUSDT") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": "0"}, "invalid_quantity"),
        ({"quantity": "4"}, "invalid_quantity"),
        ({"quantity": "5.0005"}, "quantity_step"),
        ({"price": "95.05"}, "price_tick"),
        ({"trigger_price": "95"}, "trigger_not_allowed"),
        ({"quantity": "200"}, "insufficient_margin"),
    ],
)
async def test_an_order_is_not_amended_against_the_rules(
    venue: PaperVenue, change: dict[str, str], code: str
) -> None:
    order = await venue.place("tu-1", "buy", 10, "limit", price="95")
    venue.desk.fill(order.broker_order_id, Decimal(4), Decimal(95))
    before = venue.path.read_bytes()
    with pytest.raises(Rejected) as caught:
        figures: Any = {name: Decimal(text) for name, text in change.items()}
        await venue.broker.amend(receipt("tu-2"), order, **figures)
    assert caught.value.code == code
    assert venue.path.read_bytes() == before


async def test_a_post_only_order_is_not_amended_across_the_quote(venue: PaperVenue) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price="95", post_only=True)
    with pytest.raises(Rejected) as caught:
        await venue.broker.amend(receipt("tu-2"), order, price=Decimal(101))
    assert caught.value.code == "post_only_would_cross"


@pytest.mark.parametrize(
    ("become", "code"),
    [
        ("filled", "order_already_filled"),
        ("cancelled", "order_already_cancelled"),
        ("rejected", "order_already_rejected"),
        ("expired", "order_already_expired"),
        (None, "order_not_found"),
    ],
)
async def test_an_order_that_has_ended_cannot_be_changed(
    venue: PaperVenue, become: str | None, code: str
) -> None:
    order = await venue.place("tu-1", "buy", 1, "limit", price="95")

    def end(content: dict[str, Any]) -> None:
        if become is None:
            content["orders"].clear()
        else:
            content["orders"][0]["status"] = become

    venue.edit(end)
    for attempt in (
        venue.broker.cancel(receipt("tu-2"), order),
        venue.broker.amend(receipt("tu-3"), order, quantity=Decimal(2)),
    ):
        with pytest.raises(Rejected) as caught:
            await attempt
        assert caught.value.code == code


async def test_an_account_beyond_reckoning_is_unavailable(venue: PaperVenue) -> None:
    huge = "9" * 20 + "." + "9" * 20
    row = {"symbol": "BTCUSDT", "side": "both", "quantity": huge, "average_price": huge}
    venue.edit(lambda content: content["positions"].append(row))
    venue.edit(lambda content: content["instruments"][0].update(multiplier=huge))
    with pytest.raises(Unavailable, match="beyond reckoning"):
        await venue.broker.snapshot()
    with pytest.raises(NotSent, match="beyond reckoning"):
        await venue.place("tu-1", "buy", 1)


async def test_figures_beyond_reckoning_are_refused_without_a_trace(venue: PaperVenue) -> None:
    huge = "9" * 20
    venue.edit(
        lambda content: content["instruments"][0].update(
            multiplier=huge, min_notional=None, quantity_step=None
        )
    )
    venue.edit(lambda content: content["quotes"][0].update(bid=huge, ask=huge, last=huge))
    before = venue.path.read_bytes()
    request = OrderRequest(
        symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(huge)
    )
    with pytest.raises((NotSent, Rejected)):
        await venue.broker.place(receipt("tu-1"), request)
    assert venue.path.read_bytes() == before
