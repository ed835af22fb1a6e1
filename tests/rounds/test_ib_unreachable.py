"""No gateway, the wrong one, or one that keeps silent: told as it is, and nothing is concluded."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread

import pytest

from tests.rounds.conftest import AtIb
from tests.rounds.ib_round import IbRound
from tests.venues.ib import IbGateway, LateReply, ReplyLost, RequestLost
from tests.venues.ib.frames import LENGTH_BYTES, PREAMBLE, frame, message
from tests.venues.ib.requests import AllOpenOrders

PARTS = {"orders", "executions", "positions", "balances"}
CONNECTION_LOST = "1100: the gateway has lost its connection to IB"


@pytest.fixture
def hasty(at_ib: AtIb) -> IbRound:
    """Asks once and gives up soon; broker and book hold 100 SPY with our stop."""
    ib = at_ib()
    ib.trade("SPY", "BUY", "100")
    ib.apply()
    ib.check_true()
    ib.home.configure("ib1", timeout_seconds="0.4", retry="1")
    return ib


def check_nothing_is_concluded(ib: IbRound, because: str, remedy: str) -> None:
    """Every command says why, ends with 10, and leaves book and broker as they are."""
    home, sent, before = ib.home, ib.sent(), ib.home.rows("SELECT * FROM positions")
    planned = home.json("plan", code=10)
    assert {row["code"] for row in planned["problems"]} == {f"{part}_unavailable" for part in PARTS}
    assert all(because in row["message"] for row in planned["problems"])
    assert not any(rows for rows in planned["plan"].values() if isinstance(rows, list))
    shown = home.must("plan", code=10)
    assert because in shown.out
    assert "next: trueup doctor" in shown.out
    for typed in (["stage"], ["reconcile"], ["verify"]):
        home.must(*typed, code=10)
    saved = home.must("snapshot", code=10)
    assert because in saved.err
    assert remedy in saved.err
    diagnosed = home.must("doctor", code=10)
    assert because in diagnosed.out
    assert remedy in diagnosed.out
    assert (ib.sent(), home.rows("SELECT * FROM positions")) == (sent, before)


# --- no gateway, or not this one ------------------------------------------------------------------


def test_the_gateway_is_not_running(hasty: IbRound) -> None:
    port = hasty.gateway.port
    with hasty.stopped():
        check_nothing_is_concluded(
            hasty,
            f"IB gateway at 127.0.0.1:{port}: connection refused",
            "start TWS or IB Gateway, enable its API for socket clients, "
            "and check ACCOUNTS.ib1.host and .port",
        )
        hasty.home.must("orders")
        hasty.home.must("status")
    hasty.is_patient()
    hasty.check_true()


def test_something_else_listens_on_the_port(hasty: IbRound) -> None:
    """It takes what we say, does not understand it, and hangs up."""
    with _listener(hangs_up=True) as port:
        hasty.home.configure("ib1", port=str(port))
        check_nothing_is_concluded(
            hasty,
            f"IB gateway at 127.0.0.1:{port}: the gateway closed the connection",
            "check ACCOUNTS.ib1.host and .port",
        )


def test_something_on_the_port_takes_our_greeting_and_keeps_silent(hasty: IbRound) -> None:
    with _listener(hangs_up=False) as port:
        hasty.home.configure("ib1", port=str(port))
        planned = hasty.home.must("plan", code=10)
        assert f"IB gateway at 127.0.0.1:{port}: no answer in 0.4 s" in planned.out


@pytest.mark.parametrize("moment", ["handshake", "start_api"])
def test_the_gateway_hangs_at_the_handshake(hasty: IbRound, moment: str) -> None:
    hasty.always(moment, ReplyLost())
    check_nothing_is_concluded(
        hasty, "no answer in 0.4 s", "start TWS or IB Gateway, enable its API for socket clients"
    )


# --- not as whom, or not for whom we come ---------------------------------------------------------


def test_another_program_has_our_client_id(hasty: IbRound) -> None:
    with _another_program(hasty, client_id=17):
        check_nothing_is_concluded(
            hasty,
            f"client id 17 is in use at 127.0.0.1:{hasty.gateway.port} (326: ",
            "end what else uses it, or give ACCOUNTS.ib1 a client_id of its own",
        )
    hasty.is_patient()
    hasty.check_true()


def test_the_login_does_not_have_the_account(hasty: IbRound) -> None:
    hasty.home.configure("ib1", managed_account="DU9")
    check_nothing_is_concluded(
        hasty,
        "the login manages DU1, DU2, but not DU9",
        "set ACCOUNTS.ib1.managed_account to one of them",
    )


def test_which_of_several_accounts_is_meant_has_to_be_said(hasty: IbRound) -> None:
    hasty.home.configure("ib1", managed_account="auto")
    check_nothing_is_concluded(
        hasty,
        "the login manages DU1, DU2, and none of them is chosen",
        "set ACCOUNTS.ib1.managed_account to one of them",
    )


# --- part of it is not answered -------------------------------------------------------------------


def test_positions_that_are_never_answered_are_not_flat(hasty: IbRound) -> None:
    """The library would say: no positions. Nothing is closed, no stop is an orphan."""
    hasty.always("positions", RequestLost())
    planned = hasty.home.json("plan", code=10)
    assert not any(rows for rows in planned["plan"].values() if isinstance(rows, list))
    assert planned["base"]["complete"] is False
    (problem,) = planned["problems"]
    assert problem["code"] == "positions_unavailable"
    assert "positions: no answer in 0.4 s" in problem["message"]
    assert "the broker's position is not known" in hasty.home.must("verify", code=10).out
    assert "positions: no answer in 0.4 s" in hasty.home.must("snapshot", code=10).err
    assert "positions: no answer in 0.4 s" in hasty.home.must("doctor", code=10).out
    hasty.home.must("reconcile", code=10)
    (row,) = hasty.home.rows("SELECT quantity FROM positions")
    assert row["quantity"] == "100"
    hasty.heal()
    hasty.is_patient()
    hasty.check_true()


def test_a_false_flat_login_is_not_applied_on(hasty: IbRound) -> None:
    """Staged on what was whole; at the apply the positions keep silent."""
    hasty.trade("SPY", "BUY", "10")
    plan_id = hasty.staged()
    sent = hasty.sent()
    hasty.always("positions", RequestLost())
    refused = hasty.home.must("apply", "--confirm", plan_id, code=10)
    assert "positions: no answer in 0.4 s" in refused.err
    assert hasty.sent() == sent
    hasty.heal()
    hasty.is_patient()
    hasty.home.must("apply", "--confirm", plan_id)
    hasty.check_true()


@pytest.mark.parametrize(
    ("listing", "part"),
    [("all_open_orders", "orders"), ("completed_orders", "orders"), ("executions", "executions")],
)
def test_a_listing_that_is_never_answered_proves_nothing(
    hasty: IbRound, listing: str, part: str
) -> None:
    hasty.always(listing, RequestLost())
    planned = hasty.home.json("plan", code=10)
    assert not any(rows for rows in planned["plan"].values() if isinstance(rows, list))
    assert {row["code"].partition("_")[0] for row in planned["problems"]} == {part}
    hasty.heal()
    hasty.is_patient()
    hasty.check_true()


# --- the gateway is there, and IB is not ----------------------------------------------------------


def test_the_gateway_has_no_connection_to_ib(hasty: IbRound) -> None:
    hasty.do(lambda gateway: gateway.lose_connectivity())
    planned = hasty.home.must("plan", code=10)
    assert CONNECTION_LOST in planned.out
    diagnosed = hasty.home.must("doctor", code=10)
    assert CONNECTION_LOST in diagnosed.out
    assert "wait, or log in to the gateway again" in diagnosed.out
    hasty.do(lambda gateway: gateway.restore_connectivity())
    hasty.is_patient()
    hasty.check_true()


@pytest.mark.parametrize("data_lost", [True, False], ids=["1101", "1102"])
def test_ib_is_lost_and_found_while_a_plan_is_made(hasty: IbRound, data_lost: bool) -> None:
    """What was asked meanwhile is asked again; what happened meanwhile is seen."""
    hasty.home.configure("ib1", retry="50", retry_base_seconds="0.02", retry_cap_seconds="0.02")
    hasty.fault("all_open_orders", LateReply())

    asked = hasty.do(_listings)

    def lose_and_find() -> None:
        hasty.when(lambda gateway: _listings(gateway) > asked)
        hasty.do(lambda gateway: gateway.lose_connectivity())
        hasty.trade("AAPL", "BUY", "1")
        hasty.do(lambda gateway: gateway.restore_connectivity(data_lost=data_lost))

    with ThreadPoolExecutor() as pool:
        happened = pool.submit(lose_and_find)
        planned = hasty.home.json("plan", "--detailed-exitcode", code=3)
        happened.result()
    assert planned["problems"] == []
    assert {row["symbol"] for row in planned["plan"]["to_insert"]} == {"AAPL"}
    hasty.is_patient()
    hasty.apply()
    hasty.check_true()


# --- inside ---------------------------------------------------------------------------------------


def _listings(gateway: IbGateway) -> int:
    return sum(isinstance(asked, AllOpenOrders) for _, asked in gateway.asked)


@contextmanager
def _listener(*, hangs_up: bool) -> Iterator[int]:
    """A port on which something else lives than a gateway."""
    with ExitStack() as taken, socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    taken.enter_context(connection)
                    if hangs_up:
                        connection.recv(64)
                        connection.close()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def _another_program(ib: IbRound, client_id: int) -> Iterator[None]:
    """Connected to the gateway under this client id."""
    with socket.create_connection(("127.0.0.1", ib.gateway.port)) as connection:
        versions = b"v157..176"
        connection.sendall(PREAMBLE + len(versions).to_bytes(LENGTH_BYTES, "big") + versions)
        connection.sendall(frame(message(71, 2, client_id, "")))
        ib.when(lambda gateway: client_id in gateway.clients)
        yield
    ib.when(lambda gateway: client_id not in gateway.clients)
