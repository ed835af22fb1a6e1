"""Every whole line of the spool is read once, whatever is done to its files meanwhile."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.errors import DiskError
from core.operate.desk import Desk
from core.operate.taking_in import take_in
from core.signals import spool as reading
from core.signals.spool import LINE_BYTES_MAX, is_read_to_its_end
from tests.home import HomeUnderTest
from tests.producer import message, short, signal_id
from tests.spooled import drained, reader_at, told


def append(path: Path, *lines: bytes) -> None:
    """Another program's `>>`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


def logged(home: HomeUnderTest, event: str) -> list[str]:
    lines = (home.root / "logs" / "reconcile.log").read_text("utf-8").splitlines()
    return [row["because"] for line in lines if (row := json.loads(line))["event"] == event]


def ids(home: HomeUnderTest) -> list[str]:
    rows = home.rows("SELECT signal_id FROM signals ORDER BY sequence")
    return [row["signal_id"] for row in rows]


# --- lines ----------------------------------------------------------------------------------------


def test_no_spool_is_an_empty_one(desk: Desk, spool: Path) -> None:
    assert reader_at(desk, spool).next_batch() is None
    assert reader_at(desk, spool.parent / "nowhere" / "signals.jsonl").next_batch() is None


def test_what_is_appended_is_read_once(home: HomeUnderTest, desk: Desk, spool: Path) -> None:
    reader = reader_at(desk, spool)
    append(spool, message("a"), b"nonsense", message("b"))
    assert told(drained(desk, reader)) == [
        ("signals.jsonl:1", "accepted"),
        ("signals.jsonl:2", "refused"),
        ("signals.jsonl:3", "accepted"),
    ]
    assert drained(desk, reader) == []
    append(spool, message("c"))
    assert told(drained(desk, reader)) == [("signals.jsonl:4", "accepted")]
    # Whoever starts anew goes on where the book was left.
    append(spool, message("d"))
    assert told(drained(desk, reader_at(desk, spool))) == [("signals.jsonl:5", "accepted")]
    assert ids(home) == [signal_id(name) for name in "abcd"]


def test_a_batch_that_was_not_committed_comes_again(desk: Desk, spool: Path) -> None:
    reader = reader_at(desk, spool)
    append(spool, message("a"))
    first = reader.next_batch()
    assert first is not None
    assert reader.next_batch() == first


def test_many_lines_are_several_batches(desk: Desk, spool: Path) -> None:
    append(spool, *(message(number) for number in range(25)))
    reader = reader_at(desk, spool, lines_max=10)
    sizes = []
    while arrivals := drained(desk, reader, batches=1):
        sizes.append(len(arrivals))
    assert sizes == [10, 10, 5]


def test_blank_lines_say_nothing_and_count(desk: Desk, spool: Path) -> None:
    append(spool, b"", b"  \t", message("a") + b"\r", b"\r", short())
    assert told(drained(desk, reader_at(desk, spool))) == [
        ("signals.jsonl:3", "accepted"),
        ("signals.jsonl:5", "accepted"),
    ]
    append(spool, b"", b"")
    assert drained(desk, reader_at(desk, spool)) == []
    assert is_read_to_its_end(spool, lambda source: _cursor(desk, source))


def _cursor(desk: Desk, source: str) -> object:
    with desk.book.read() as book:
        return book.cursor(source)


ODD = {
    "a byte order mark": b"\xef\xbb\xbf" + message("odd"),
    "NUL bytes": b"\0" * 512,
    "half a character": b'{"strategy_id": "\xe2\x82',
    "an old Mac's line": b"one\rtwo",
    "escape codes": b"\x1b]52;c;\x07",
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_line_is_a_dead_letter_and_the_rest_goes_on(
    home: HomeUnderTest, desk: Desk, spool: Path, case: str
) -> None:
    append(spool, message("a"), ODD[case], message("b"))
    assert [end for _, end in told(drained(desk, reader_at(desk, spool)))] == [
        *("accepted", "refused", "accepted")
    ]
    (letter,) = home.rows("SELECT place, body FROM dead_letters")
    assert letter["place"] == "signals.jsonl:2"
    assert "\0" not in letter["body"]


@pytest.mark.parametrize("size", [LINE_BYTES_MAX + 1, 5 * LINE_BYTES_MAX, 64 * 1024 * 1024])
def test_a_line_that_is_too_long_is_skipped(
    home: HomeUnderTest, desk: Desk, spool: Path, size: int
) -> None:
    append(spool, message("a"), b"x" * size, message("b"))
    reader = reader_at(desk, spool)
    largest = 0
    while (batch := reader.next_batch()) is not None:
        largest = max(largest, *(len(item.raw) for item in batch.items))
        take_in(desk, batch)
    assert largest == LINE_BYTES_MAX + 1
    assert ids(home) == [signal_id("a"), signal_id("b")]
    (letter,) = home.rows("SELECT place, reason FROM dead_letters")
    assert letter == {"place": "signals.jsonl:2", "reason": "larger than 64 KiB"}


def test_a_long_line_waits_for_its_end(home: HomeUnderTest, desk: Desk, spool: Path) -> None:
    append(spool, message("a"))
    reader = reader_at(desk, spool)
    for _ in range(20):
        with spool.open("ab") as file:
            file.write(b"x" * LINE_BYTES_MAX)
        drained(desk, reader)
    assert home.rows("SELECT * FROM dead_letters") == []
    append(spool, b"", message("b"))
    assert told(drained(desk, reader)) == [
        ("signals.jsonl:2", "refused"),
        ("signals.jsonl:3", "accepted"),
    ]


def test_a_line_of_the_greatest_length_is_no_longer_than_allowed(desk: Desk, spool: Path) -> None:
    bare = len(message("a", metadata={"x": ""}))
    longest = message("a", metadata={"x": "y" * (LINE_BYTES_MAX - bare)})
    assert len(longest) == LINE_BYTES_MAX
    append(spool, *(longest + b"\r" for _ in range(9)))
    ends = [end for _, end in told(drained(desk, reader_at(desk, spool)))]
    assert ends == ["accepted", *["duplicate"] * 8]


# --- torn tails -----------------------------------------------------------------------------------


def test_a_tail_torn_at_every_byte_waits_for_its_newline(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    """Also in the middle of a character, and at once after a newline."""
    whole_lines = ['{"symbol":"B","side":"buy",', '{"€', '{"symbol":"B","side":"sell",']
    rest = '"ts":"2026-01-05T12:00:00Z","strategy_id":"€uro","params":{"amount":5}}'
    content = (
        "\n".join(line + rest if line.endswith(",") else line for line in whole_lines).encode()
        + b"\n"
    )
    expected = ["accepted", "refused", "accepted"]
    for cut in range(len(content) + 1):
        path = spool.with_name(f"cut{cut}") / "signals.jsonl"
        path.parent.mkdir(parents=True)
        mine = content.replace(b"uro", b"%03d" % cut)
        path.write_bytes(mine[:cut])
        reader = reader_at(desk, path)
        whole = mine[:cut].count(b"\n")
        first = told(drained(desk, reader))
        assert [end for _, end in first] == expected[:whole], cut
        assert reader.next_batch() is None
        with path.open("ab") as file:
            file.write(mine[cut:])
        both = first + told(drained(desk, reader))
        assert both == [(f"signals.jsonl:{n}", end) for n, end in enumerate(expected, 1)], cut


def test_a_torn_tail_followed_by_another_writer_is_a_dead_letter(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    append(spool, message("a"))
    with spool.open("ab") as file:
        file.write(message("torn")[:40])
    desk.files.append(spool, message("b").decode())
    assert [end for _, end in told(drained(desk, reader_at(desk, spool)))] == [
        *("accepted", "refused", "accepted")
    ]


# --- files ----------------------------------------------------------------------------------------


def older(spool: Path, number: int = 1) -> Path:
    return spool.with_name(f"signals-20260105-{number:03}.jsonl")


@pytest.mark.parametrize("read_before", range(5))
@pytest.mark.parametrize("rotated_after", range(1, 5))
def test_rotated_at_every_point(
    home: HomeUnderTest, desk: Desk, spool: Path, read_before: int, rotated_after: int
) -> None:
    """Four lines; so many are written before the rotation, and some of them read."""
    lines = [message(number) for number in range(4)]
    reader = reader_at(desk, spool, lines_max=1)
    append(spool, *lines[:rotated_after])
    drained(desk, reader, batches=read_before)
    spool.rename(older(spool))
    if rotated_after % 2:
        # Between the rotation and the first line of the new file.
        drained(desk, reader, batches=1)
    append(spool, *lines[rotated_after:])
    drained(desk, reader)
    assert ids(home) == [signal_id(number) for number in range(4)]
    assert home.rows("SELECT * FROM outbox WHERE event_type = 'signal.rejected'") == []


def test_rotated_in_the_middle_of_a_line(home: HomeUnderTest, desk: Desk, spool: Path) -> None:
    """A producer that has the old file open finishes its line there."""
    reader = reader_at(desk, spool)
    append(spool, message("a"))
    with spool.open("ab", buffering=0) as producer:
        producer.write(message("b")[:30])
        drained(desk, reader)
        spool.rename(older(spool))
        append(spool, message("c"))
        drained(desk, reader)
        producer.write(message("b")[30:] + b"\n" + message("d") + b"\n")
        assert told(drained(desk, reader)) == [
            ("signals-20260105-001.jsonl:2", "accepted"),
            ("signals-20260105-001.jsonl:3", "accepted"),
        ]
    assert ids(home) == [signal_id(name) for name in "acbd"]


def test_rotated_several_times_while_nobody_read(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    for number in range(12):
        append(spool, message(number))
        spool.rename(older(spool, number + 995))
    append(spool, message(12))
    drained(desk, reader_at(desk, spool))
    assert ids(home) == [signal_id(number) for number in range(13)]


def test_rotated_between_looking_and_opening(
    home: HomeUnderTest, desk: Desk, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(spool, message("old"))
    really = reading.open_plain_file

    def rotated_first(path: Path) -> int:
        if path == spool and not older(spool).exists():
            spool.rename(older(spool))
            append(spool, message("new"))
        return really(path)

    monkeypatch.setattr(reading, "open_plain_file", rotated_first)
    drained(desk, reader_at(desk, spool))
    assert ids(home) == [signal_id("old"), signal_id("new")]


def test_a_truncated_file_is_read_from_its_beginning(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    reader = reader_at(desk, spool)
    append(spool, message("a"), message("b"))
    drained(desk, reader)
    os.truncate(spool, 0)
    append(spool, message("b"))
    assert told(drained(desk, reader)) == [("signals.jsonl:1", "duplicate")]
    append(spool, message("c"))
    assert told(drained(desk, reader)) == [("signals.jsonl:2", "accepted")]
    assert logged(home, "spool_read_anew") == ["it is shorter than what was read of it"]


def test_a_truncated_file_that_grew_again_is_told_by_its_beginning(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    reader = reader_at(desk, spool)
    append(spool, message("a"), message("b"))
    drained(desk, reader)
    os.truncate(spool, 0)
    append(spool, message("c"), message("d"), message("e"))
    assert [end for _, end in told(drained(desk, reader))] == ["accepted"] * 3
    assert logged(home, "spool_read_anew") == ["it begins otherwise than what was read of it"]


def test_a_file_cut_in_the_middle_is_read_from_its_beginning(
    home: HomeUnderTest, desk: Desk, spool: Path
) -> None:
    reader = reader_at(desk, spool)
    lines = [message(number) for number in range(12)]
    append(spool, *lines)
    drained(desk, reader)
    os.truncate(spool, len(b"\n".join(lines[:10])) + 1)
    append(spool, message("longer than what was there before", metadata={"a": "b" * 1000}))
    ends = [end for _, end in told(drained(desk, reader))]
    assert ends == ["duplicate"] * 10 + ["accepted"]
    assert logged(home, "spool_read_anew") == ["no line ends where the last one ended"]


def test_a_replaced_file_is_another_one(home: HomeUnderTest, desk: Desk, spool: Path) -> None:
    reader = reader_at(desk, spool)
    append(spool, message("a"), message("b"))
    drained(desk, reader)
    fresh = spool.with_name("fresh")
    append(fresh, message("b"), message("c"), message("d"))
    fresh.replace(spool)
    assert told(drained(desk, reader)) == [
        ("signals.jsonl:1", "duplicate"),
        ("signals.jsonl:2", "accepted"),
        ("signals.jsonl:3", "accepted"),
    ]


@pytest.mark.parametrize("hostile", ["link", "pipe", "folder"])
def test_what_is_no_file_is_not_read(desk: Desk, spool: Path, tmp_path: Path, hostile: str) -> None:
    spool.parent.mkdir(parents=True, exist_ok=True)
    if hostile == "link":
        append(tmp_path / "elsewhere", message("a"))
        spool.symlink_to(tmp_path / "elsewhere")
    elif hostile == "pipe":
        os.mkfifo(spool)
    else:
        spool.mkdir()
    with pytest.raises(DiskError, match="the spool .* cannot be read: it is"):
        reader_at(desk, spool).next_batch()


# --- anything at all ------------------------------------------------------------------------------

NAMES = iter(range(10**9))
LINES = st.one_of(
    st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"")),
    st.builds(lambda: message(next(NAMES))),
    st.builds(lambda: message("known")),
    st.builds(
        lambda at, byte: bytes([*message("x")[:at], byte, *message("x")[at + 1 :]]).replace(
            b"\n", b""
        ),
        st.integers(0, 150),
        st.integers(0, 255),
    ),
    st.sampled_from([b"", b"\r", b"[" * 5000, b"x" * (LINE_BYTES_MAX + 2), b"\0" * 9]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=12), st.binary(max_size=50), st.integers(1, 5), st.booleans())
def test_each_line_ends_in_one_place(
    home: HomeUnderTest,
    desk: Desk,
    spool: Path,
    lines: list[bytes],
    tail: bytes,
    lines_max: int,
    restarts: bool,
) -> None:
    path = spool.with_name(f"any{next(NAMES)}") / "signals.jsonl"
    append(path, *lines)
    with path.open("ab") as file:
        file.write(tail.replace(b"\n", b""))
    reader = reader_at(desk, path, lines_max=lines_max)
    arrivals = []
    while found := drained(desk, reader, batches=1):
        arrivals += found
        if restarts:
            reader = reader_at(desk, path, lines_max=lines_max)
    # A blank batch moves the cursor only: what is behind it comes with the next one.
    arrivals += drained(desk, reader)
    said = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert [each.item.place for each in arrivals] == [f"signals.jsonl:{number}" for number in said]
    with desk.book.read() as book:
        for each in arrivals:
            kept = book.signal(each.signal_id) if each.signal_id else None
            letter = book.dead_letter(each.letter.letter_id) if each.letter else None
            assert (letter is not None) == (each.verdict == "refused")
            assert kept is not None or letter is not None
