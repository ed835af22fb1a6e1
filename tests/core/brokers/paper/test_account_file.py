"""The account's file: what several processes, an editor and a crash may do to it."""

import fcntl
import json
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.brokers.paper.broker import PaperBroker
from core.domain.errors import DiskError, NotSent, OutcomeUnknown, Unavailable
from core.domain.order import OrderRequest, OrderStatus, OrderType, Side
from core.domain.snapshot import Found
from core.host.disk import DiskFiles
from tests.core.brokers.paper.venue import PaperVenue, document
from tests.core.brokers.receipts import receipt

BUY_ONE = OrderRequest(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1))


async def reads(broker: PaperBroker) -> None:
    """Each of them says that nothing is known."""
    for read in (
        broker.snapshot(),
        broker.find_order(symbol="BTCUSDT", client_order_id="tu-1"),
        broker.balances(),
        broker.quote("BTCUSDT"),
        broker.instrument("BTCUSDT"),
        broker.account_mode(),
        broker.clock_skew(),
    ):
        with pytest.raises(Unavailable):
            await read


# --- a file that cannot be believed ---------------------------------------------------------------


async def test_a_missing_file_is_an_account_nothing_is_known_of(venue: PaperVenue) -> None:
    venue.path.unlink()
    await reads(venue.broker)
    with pytest.raises(NotSent):
        await venue.broker.place(receipt("tu-1"), BUY_ONE)
    assert not venue.path.exists()
    assert venue.broker.capabilities.quarantine == timedelta(seconds=10)


async def test_a_missing_folder_is_not_made(tmp_path: Path, venue: PaperVenue) -> None:
    path = tmp_path / "nowhere" / "paper.json"
    broker = PaperBroker(path, "main", files=DiskFiles(), clock=venue.clock)
    await reads(broker)
    with pytest.raises(NotSent):
        await broker.place(receipt("tu-1"), BUY_ONE)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"not json",
        b"\xff\xfe",
        json.dumps(document(format="trueup.broker-snapshot/2")).encode(),
        json.dumps(document(orders=None)).encode(),
        json.dumps(document(account="other")).encode(),
        json.dumps(document(orders_since="yesterday")).encode(),
        json.dumps(document()).encode()[:-1],
        json.dumps(document(surprise="X")).encode().replace(b'"X"', b"[" * 9999 + b"]" * 9999),
    ],
)
async def test_a_file_that_cannot_be_believed_is_unavailable_and_left_alone(
    venue: PaperVenue, content: bytes
) -> None:
    venue.path.write_bytes(content)
    await reads(venue.broker)
    with pytest.raises(NotSent):
        await venue.broker.place(receipt("tu-1"), BUY_ONE)
    assert venue.path.read_bytes() == content


async def test_the_reason_names_the_file_and_the_place_inside_it(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.edit(lambda content: content["orders"][0].update(quantity="１２"))
    with pytest.raises(Unavailable, match=r"paper_broker\.json: \$\.orders\[0\]\.quantity: "):
        await venue.broker.snapshot()


async def test_one_order_written_down_twice_is_refused(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    venue.edit(lambda content: content["orders"].append(content["orders"][0]))
    with pytest.raises(Unavailable, match="V-1 is there twice"):
        await venue.broker.snapshot()


async def test_a_receipt_for_another_account_goes_nowhere(venue: PaperVenue) -> None:
    with pytest.raises(NotSent, match="other"):
        await venue.broker.place(receipt("tu-1", account="other"), BUY_ONE)


# --- an editor ------------------------------------------------------------------------------------


async def test_reading_leaves_no_trace(venue: PaperVenue, tmp_path: Path) -> None:
    before = venue.path.read_bytes()
    snapshot = await venue.broker.snapshot()
    assert snapshot.taken_at == venue.clock.now()
    await venue.broker.find_order(symbol="BTCUSDT", client_order_id="tu-1")
    assert venue.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [venue.path]


async def test_fields_that_mean_nothing_to_the_venue_are_kept(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    await venue.place("tu-2", "sell", 1, "stop", trigger_price=90, reduce_only=True)

    def scribble(content: dict[str, Any]) -> None:
        content["note"] = {"by": "me", "score": 0.1, "big": 2**60}
        for name in ("orders", "executions", "positions", "balances", "instruments", "quotes"):
            for row in content[name]:
                row["note"] = f"kept in {name}"

    venue.edit(scribble)
    await venue.place("tu-3", "buy", 1)
    await venue.move_price(Decimal(95))
    content = venue.read()
    assert content["note"] == {"by": "me", "score": 0.1, "big": 2**60}
    for name in ("orders", "executions", "positions", "balances", "instruments", "quotes"):
        assert content[name][0]["note"] == f"kept in {name}"


async def test_what_an_editor_changes_between_two_calls_is_believed(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    # Same length, same second: only the bytes tell.
    venue.path.write_bytes(venue.path.read_bytes().replace(b'"price": "95"', b'"price": "94"'))
    assert (await venue.order("tu-1")).price == 94
    venue.edit(lambda content: content["orders"].clear())
    assert (await venue.broker.snapshot()).orders == ()


async def test_numbers_given_out_are_above_every_number_in_the_file(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    order = (await venue.broker.snapshot()).orders[0]

    def by_hand(content: dict[str, Any]) -> None:
        row = content["orders"][0] | {"broker_order_id": "V-41", "client_order_id": None}
        content["orders"] += [row, row | {"broker_order_id": "X-99"}]

    venue.edit(by_hand)
    assert order.broker_order_id == "V-1"
    assert (await venue.place("tu-2", "buy", 1)).broker_order_id == "V-42"


async def test_numbers_are_not_given_out_again_after_rows_were_deleted(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1)
    await venue.place("tu-2", "buy", 1)
    venue.edit(lambda content: content.update(orders=[], executions=[], positions=[]))
    order = await venue.place("tu-3", "buy", 1)
    assert order.broker_order_id == "V-3"
    assert (await venue.broker.snapshot()).executions[0].execution_id == "T-3"


# --- several processes ----------------------------------------------------------------------------


async def test_a_broker_says_whose_account_it_trades(venue: PaperVenue) -> None:
    assert venue.broker.account == (await venue.broker.snapshot()).account == "main"


async def test_two_brokers_on_one_file_see_each_other_at_once(venue: PaperVenue) -> None:
    other = venue.reopened()
    for number in range(5):
        await venue.place(f"tu-a{number}", "buy", 1)
        await other.place(receipt(f"tu-b{number}"), BUY_ONE)
    snapshot = await venue.broker.snapshot()
    assert [order.broker_order_id for order in snapshot.orders] == [
        f"V-{number}" for number in range(1, 11)
    ]
    assert snapshot.positions[0].quantity == 10


async def test_while_another_process_holds_the_lock_nothing_is_sent(venue: PaperVenue) -> None:
    lock = venue.path.with_name(venue.path.name + ".lock")
    began = venue.clock.now()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotSent, match="lock"):
            await venue.broker.place(receipt("tu-1"), BUY_ONE)
        # Reading needs no lock as long as there is nothing to settle.
        await venue.broker.snapshot()
    assert venue.clock.now() - began >= timedelta(seconds=9)
    await venue.broker.place(receipt("tu-1"), BUY_ONE)


async def test_the_files_are_for_the_user_alone(venue: PaperVenue, tmp_path: Path) -> None:
    await venue.place("tu-1", "buy", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "paper_broker.json",
        "paper_broker.json.lock",
    ]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- a disk ---------------------------------------------------------------------------------------


class FullDisk(DiskFiles):
    """Fails to replace, before or after the content is in place."""

    def __init__(self, *, after: bool):
        self.after = after

    def replace(self, path: Path, content: bytes) -> None:
        if self.after:
            super().replace(path, content)
        raise DiskError("no space left")


@pytest.mark.parametrize(("after", "orders"), [(False, 0), (True, 1)])
async def test_when_the_account_may_not_be_saved_the_outcome_is_unknown(
    venue: PaperVenue, after: bool, orders: int
) -> None:
    broker = PaperBroker(venue.path, "main", files=FullDisk(after=after), clock=venue.clock)
    with pytest.raises(OutcomeUnknown, match="no space left"):
        await broker.place(receipt("tu-1"), BUY_ONE)
    for each in (broker, venue.reopened()):
        assert len((await each.snapshot()).orders) == orders


async def test_a_read_that_cannot_save_what_it_settled_is_unavailable(venue: PaperVenue) -> None:
    await venue.place("tu-1", "buy", 1, "limit", price=95)
    venue.edit(lambda content: content["quotes"][0].update(ask="90", bid="90", last="90"))
    broker = PaperBroker(venue.path, "main", files=FullDisk(after=False), clock=venue.clock)
    for _ in range(2):
        with pytest.raises(Unavailable, match="no space left"):
            await broker.snapshot()
    assert (await venue.order("tu-1")).status is OrderStatus.FILLED


async def test_a_defect_in_the_middle_of_a_call_leaves_nothing_behind(
    venue: PaperVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = venue.path.read_bytes()
    with monkeypatch.context() as patch:
        # The order is in memory by then, its fill is not.
        patch.delattr("core.brokers.paper.matching.book_fill")
        with pytest.raises(NameError):
            await venue.place("tu-1", "buy", 1)
    assert venue.path.read_bytes() == before
    assert (await venue.broker.snapshot()).orders == ()
    found = await venue.broker.place(receipt("tu-1"), BUY_ONE)
    assert found.broker_order_id == "V-1"


async def test_a_large_account_is_still_parsed_only_when_it_changed(venue: PaperVenue) -> None:
    for number in range(3):
        await venue.place(f"tu-{number}", "buy", 1)
    first = venue.broker._file.load()
    await venue.broker.snapshot()
    assert venue.broker._file.load() is first
    found = await venue.broker.find_order(symbol="BTCUSDT", client_order_id="tu-2")
    assert isinstance(found, Found)
