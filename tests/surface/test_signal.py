"""signal submit, replay and dead-letters, as typed."""

import fcntl
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from core.domain.moment import moment_text
from tests.full_disk import disk_full_after
from tests.home import HomeUnderTest
from tests.producer import StillClock, desk_at, document, signal_id
from tests.spooled import drained, reader_at

BUY = ("--signal-type", "buy", "--asset", "BTCUSDT", "--amount", "1000.10", "--confidence", "0.85")


def spool_of(home: HomeUnderTest) -> Path:
    return home.root / "data" / "spool" / "signals.jsonl"


def spooled(home: HomeUnderTest) -> list[dict[str, Any]]:
    path = spool_of(home)
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def now() -> datetime:
    return datetime.now(UTC)


def fresh(name: object = "one", **given: Any) -> str:
    return json.dumps(document(name, **({"timestamp": moment_text(now())} | given)))


def take_in(home: HomeUnderTest) -> None:
    """The service, as far as signals go."""
    desk = desk_at(home, StillClock(now()))
    drained(desk, reader_at(desk, spool_of(home)))
    desk.close_book()


# --- submit ---------------------------------------------------------------------------------------


def test_a_signal_typed_by_hand(home: HomeUnderTest) -> None:
    before = now()
    told = home.json("signal", "submit", *BUY)
    (line,) = spooled(home)
    assert told == {"submitted": [{"signal_id": line["signal_id"]}]}
    assert line["strategy_id"] == "operator"
    assert before <= datetime.fromisoformat(line["timestamp"]) <= now()
    assert b'"amount":1000.10,' in spool_of(home).read_bytes()
    take_in(home)
    (row,) = home.rows("SELECT signal_id, amount, state FROM signals")
    assert row == {"signal_id": line["signal_id"], "amount": "1000.1", "state": "PUBLISHED"}


def test_each_signal_gets_an_id_of_its_own(home: HomeUnderTest) -> None:
    for _ in range(3):
        home.must("signal", "submit", *BUY)
    assert len({line["signal_id"] for line in spooled(home)}) == 3


def test_every_option_goes_onto_the_line(home: HomeUnderTest) -> None:
    given = {
        "signal-id": signal_id("x"),
        "timestamp": moment_text(now()),
        "strategy-id": "hand",
        "model-version": "v1",
        "trace-id": "t-1",
        "direction": "long",
        "confluence-type": "b",
        "effective-floor": "1",
        "effective-ceiling": "2.50",
        "order-type": "limit",
        "leverage": "3",
        "stop-loss-pct": "8",
        "take-profit-pct": "10",
        "expires-at": moment_text(now() + timedelta(hours=1)),
        "intent": "close",
        "metadata": '{"why": "seen", "n": 0.1}',
        "market-data-snapshot": '{"price": 50000.5}',
    }
    flags = [part for name, value in given.items() for part in (f"--{name}", value)]
    home.must("signal", "submit", *BUY, *flags, "--is-warmup", "--urgency", "--account", "main")
    (line,) = spooled(home)
    assert line.pop("account") == "main"
    assert line.pop("is_warmup") is line.pop("urgency") is True
    assert line.pop("metadata") == {"why": "seen", "n": 0.1}
    assert line.pop("market_data_snapshot") == {"price": 50000.5}
    for name in ("signal_type", "asset", "amount", "confidence"):
        line.pop(name)
    figures = ("effective-floor", "effective-ceiling", "leverage", "stop-loss-pct")
    expected: dict[str, Any] = {
        name.replace("-", "_"): float(value) if name in (*figures, "take-profit-pct") else value
        for name, value in given.items()
        if name not in ("metadata", "market-data-snapshot")
    }
    assert line == expected
    take_in(home)
    (row,) = home.rows("SELECT aim, effective_ceiling, urgency, is_warmup FROM signals")
    assert row == {"aim": "close", "effective_ceiling": "2.5", "urgency": 1, "is_warmup": 1}


def test_every_reason_is_told_and_nothing_is_written(home: HomeUnderTest) -> None:
    told = home.must(
        *("signal", "submit", "--signal-type", "hold", "--asset", "\x1b[2JX", "--amount", "１２"),
        *("--confidence", "NaN", "--timestamp", "2020-01-01T00:00:00Z", "--account", "nobody"),
        code=2,
    )
    for reason in (
        "signal_type: must be buy or sell, not 'hold'",
        "asset: not a symbol: '\\x1b[2JX'",
        "amount: expected a number",
        "confidence: expected a number, not 'NaN'",
        "timestamp: too old",
        "account: no account is called 'nobody'",
    ):
        assert reason in told.err
    assert "\x1b" not in told.out + told.err
    assert spooled(home) == []


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_metadata_that_is_no_object(home: HomeUnderTest, text: str) -> None:
    told = home.must("signal", "submit", *BUY, "--metadata", text, code=2)
    assert "--metadata is no JSON object that a signal can carry" in told.err
    assert spooled(home) == []


def test_a_file_of_one_signal_over_many_lines(home: HomeUnderTest, tmp_path: Path) -> None:
    path = tmp_path / "signal.json"
    pretty = json.dumps(json.loads(fresh()), indent=2).replace("1000.0", "1000.000000000000000001")
    path.write_text(pretty.replace("\n", "\r\n"), "utf-8")
    home.must("signal", "submit", "--file", str(path))
    assert len(spooled(home)) == 1
    take_in(home)
    assert home.rows("SELECT amount FROM signals") == [{"amount": "1000.000000000000000001"}]


def test_a_file_of_many_signals(home: HomeUnderTest, tmp_path: Path) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_text("\n\n".join(fresh(name) for name in "abc") + "\n", "utf-8")
    told = home.json("signal", "submit", "--file", str(path))
    assert [each["signal_id"] for each in told["submitted"]] == [signal_id(n) for n in "abc"]
    assert len(spooled(home)) == 3


def test_of_a_file_with_a_bad_line_nothing_is_submitted(
    home: HomeUnderTest, tmp_path: Path
) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_text("\n".join([fresh("a"), fresh("b", amount=0), "{x}"]), "utf-8")
    told = home.must("signal", "submit", "--file", str(path), code=2)
    assert "line 2: amount: must be more than 0" in told.err
    assert "line 3: not valid JSON" in told.err
    assert spooled(home) == []


def test_standard_input(home: HomeUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(fresh().encode())))
    home.must("signal", "submit", "--file", "-")
    assert [line["signal_id"] for line in spooled(home)] == [signal_id("one")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "there is no signal in it"), (b"\n \n", "there is no signal"), (b"{", "not valid JSON")],
)
def test_a_file_without_a_signal(
    home: HomeUnderTest, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(content)
    assert reason in home.must("signal", "submit", "--file", str(path), code=2).err


def test_a_file_that_is_not_there_and_one_with_options(home: HomeUnderTest) -> None:
    assert "does not exist" in home.must("signal", "submit", "--file", "no", code=2).err
    told = home.must("signal", "submit", "--file", "no", "--account", "main", code=2)
    assert "no option can be added" in told.err


def test_no_book_no_broker_and_no_lock_are_needed(home: HomeUnderTest) -> None:
    home.book_file.write_bytes(b"not a database")
    home.paper_file.unlink()
    with (home.root / "status" / "trueup.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        home.must("signal", "submit", *BUY)
    assert len(spooled(home)) == 1
    assert home.book_file.read_bytes() == b"not a database"


def test_a_full_disk_is_told_and_leaves_nothing(home: HomeUnderTest) -> None:
    home.must("signal", "submit", *BUY)
    before = spool_of(home).read_bytes()
    with disk_full_after(len(before) + 40):
        told = home.must("signal", "submit", *BUY, code=1)
    assert "signals.jsonl could not be written" in told.err
    assert "0 of 1 signals were submitted" in told.err
    assert spool_of(home).read_bytes() == before


def test_a_link_in_the_place_of_the_spool_is_not_followed(
    home: HomeUnderTest, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("keep\n")
    spool_of(home).symlink_to(tmp_path / "precious")
    assert "is a symbolic link" in home.must("signal", "submit", *BUY, code=1).err
    assert (tmp_path / "precious").read_text() == "keep\n"


def test_a_spool_of_yesterday_makes_way(home: HomeUnderTest) -> None:
    home.must("signal", "submit", *BUY)
    os.utime(spool_of(home), times=(0, 0))
    home.must("signal", "submit", *BUY)
    assert len(spooled(home)) == 1
    assert spool_of(home).with_name("signals-19700101-001.jsonl").exists()


# --- dead letters and replay ----------------------------------------------------------------------


def left(home: HomeUnderTest, *lines: str) -> list[str]:
    """Lines of a producer, taken in; the ids of the dead letters among them."""
    with spool_of(home).open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    take_in(home)
    return [row["letter_id"] for row in home.rows("SELECT * FROM dead_letters ORDER BY sequence")]


def test_dead_letters_are_listed(home: HomeUnderTest) -> None:
    ids = left(home, "[/]\x1b]52;c;x", fresh("bad", amount=-1))
    listed = home.json("signal", "dead-letters", "--asc")["dead_letters"]
    assert [row["letter_id"] for row in listed] == ids
    assert listed[1]["reason"] == "amount: must be more than 0"
    told = home.must("signal", "dead-letters")
    assert "signals.jsonl:2" in told.out and "amount: must be more than 0" in told.out
    assert "\x1b" not in told.out
    assert ids[0] in home.must("signal", "dead-letters", "--csv").out
    assert "\x1b" not in home.must("signal", "dead-letters", "--csv").out


def test_a_letter_that_is_still_invalid_says_so(home: HomeUnderTest) -> None:
    (letter,) = left(home, fresh("bad", amount=-1, confidence=2))
    told = home.must("signal", "replay", letter, code=2)
    assert "it is still refused; nothing was sent" in told.err
    assert "amount: must be more than 0" in told.err
    assert "confidence: must be at most 1" in told.err
    assert home.rows("SELECT replayed_at FROM dead_letters") == [{"replayed_at": None}]


def test_a_letter_that_is_valid_by_now_goes_once_more(home: HomeUnderTest) -> None:
    home.set_in("SIGNALS", assets="[ETHUSDT]")
    (letter,) = left(home, fresh("early"))
    assert "is not one of" in home.must("signal", "replay", letter, code=2).err
    home.set_in("SIGNALS", assets="[]")
    told = home.json("signal", "replay", letter)
    assert told == {"submitted": [{"signal_id": signal_id("early")}]}
    take_in(home)
    (row,) = home.rows("SELECT state, attempt, request_status FROM signals")
    assert row == {"state": "PUBLISHED", "attempt": 2, "request_status": "pending"}
    assert home.rows("SELECT replayed_at FROM dead_letters")[0]["replayed_at"]


def test_an_old_letter_goes_under_the_present_time_when_asked(home: HomeUnderTest) -> None:
    (letter,) = left(home, fresh("old", timestamp="2026-01-05T11:00:00Z"))
    assert "too old" in home.must("signal", "replay", letter, code=2).err
    home.must("signal", "replay", letter, "--now")
    take_in(home)
    (row,) = home.rows("SELECT state, amount FROM signals")
    assert row == {"state": "PUBLISHED", "amount": "1000"}


def test_a_failed_signal_goes_once_more(home: HomeUnderTest) -> None:
    left(home, fresh("x", amount=0.1, metadata={"a": [0.5]}))
    told = home.must("signal", "replay", signal_id("x"), code=2)
    assert "the signal is pending; only one that failed is sent once more" in told.err
    home.execute("UPDATE signals SET request_status = 'failed', reason = 'r'")
    home.must("signal", "replay", signal_id("x").upper())
    take_in(home)
    (row,) = home.rows("SELECT request_status, attempt, amount, metadata FROM signals")
    assert row == {
        "request_status": "pending",
        "attempt": 2,
        "amount": "0.1",
        "metadata": '{"a":["0.5"]}',
    }
    assert home.rows("SELECT * FROM dead_letters") == []


def test_a_signal_refused_on_arrival_names_its_letter(home: HomeUnderTest) -> None:
    (letter,) = left(home, fresh("x", account="nobody"))
    told = home.must("signal", "replay", signal_id("x"), code=2)
    assert f"dead letter {letter}" in told.err


def test_what_nobody_knows_is_not_replayed(home: HomeUnderTest) -> None:
    told = home.must("signal", "replay", "dl-\x1b[1m", code=2)
    assert "no dead letter and no signal is called" in told.err
    assert "\x1b" not in told.err
