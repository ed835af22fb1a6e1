"""What halts entries, as an operator sees and lifts it."""

from typing import Any

import pytest

from tests.home import HomeUnderTest


def halted(home: HomeUnderTest, halt_id: str, kind: str, account: str = "main") -> None:
    home.execute(
        "INSERT INTO halts (halt_id, account, kind, reason, since)"
        " VALUES (?, ?, ?, '120 lost, 100 is the limit', '2026-01-05T12:00:00Z')",
        halt_id, account, kind,
    )  # fmt: skip


@pytest.fixture
def stopped(home: HomeUnderTest) -> HomeUnderTest:
    """Armed; main is halted twice, another account once."""
    home.must("risk", "status")
    home.arm()
    halted(home, "h-1", "daily_loss")
    halted(home, "h-2", "liquidation")
    halted(home, "h-3", "daily_loss", "other")
    return home


def standing(home: HomeUnderTest) -> list[str]:
    return [row["halt_id"] for row in home.json("risk", "status")["halts"]]


def reset(home: HomeUnderTest, *more: str, code: int = 0) -> Any:
    told = ("risk", "reset", "--account", "main", "--reason", "looked at it")
    return home.must(*told, "--no-input", *more, code=code)


def test_nothing_is_halted_at_first(home: HomeUnderTest) -> None:
    told = home.json("risk", "status")
    assert (told["halts"], told["lifted"]) == ([], [])
    assert told["limits"]["max_exposure"] == "50000"
    said = home.must("risk", "status").out
    assert "no entries are halted" in said
    assert "max_daily_loss" in said


def test_status_says_what_stands_and_what_to_type(stopped: HomeUnderTest) -> None:
    assert standing(stopped) == ["h-1", "h-2", "h-3"]
    said = stopped.must("risk", "status")
    assert "120 lost, 100 is the limit" in said.out
    assert "trueup risk reset --account main --reason TEXT" in said.out + said.err
    only = stopped.json("risk", "status", "--account", "main")["halts"]
    assert [halt["kind"] for halt in only] == ["daily_loss", "liquidation"]


def test_a_reset_lifts_the_halts_of_one_account_and_is_kept(stopped: HomeUnderTest) -> None:
    said = reset(stopped, "--confirm", "main").out
    assert "main: daily_loss lifted" in said
    assert "main: liquidation lifted" in said
    assert standing(stopped) == ["h-3"]
    lifted = stopped.json("risk", "status")["lifted"]
    assert {row["halt_id"]: row["lifted_because"] for row in lifted} == {
        "h-1": "looked at it",
        "h-2": "looked at it",
    }
    assert all(row["lifted_by"] and row["lifted_at"] for row in lifted)
    audit = stopped.rows("SELECT * FROM order_audit ORDER BY correlation_id")
    assert [(row["action_type"], row["correlation_id"], row["reason"]) for row in audit] == [
        ("risk_reset", "h-1", "looked at it"),
        ("risk_reset", "h-2", "looked at it"),
    ]
    assert [row["executed"] for row in audit] == [1, 1]
    log = (stopped.root / "logs" / "reconcile.log").read_text()
    assert log.count('"entries_allowed"') == 2


def test_one_kind_can_be_lifted_alone(stopped: HomeUnderTest) -> None:
    said = reset(stopped, "--kind", "daily_loss", "--confirm", "main")
    assert "main is still halted: liquidation" in said.out
    assert standing(stopped) == ["h-2", "h-3"]


def test_as_json(stopped: HomeUnderTest) -> None:
    told = reset(stopped, "--kind", "daily_loss", "--confirm", "main", "--json").document
    assert [halt["halt_id"] for halt in told["lifted"]] == ["h-1"]
    assert [halt["halt_id"] for halt in told["halts"]] == ["h-2"]


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (["--reason", "why"], 2, "say whose halts are meant"),
        (["--account", "main"], 2, "needs a reason"),
        (["--account", "main", "--reason", "  "], 2, "needs a reason"),
        (["--account", "mian", "--reason", "why"], 2, "no account 'mian'"),
        (["--account", "main", "--reason", "why"], 7, "not confirmed: main stays halted"),
        (["--account", "main", "--reason", "why", "--confirm", "other"], 7, "not confirmed"),
        (["--account", "main", "--reason", "why", "--confirm", "yes"], 7, "not confirmed"),
        (
            ["--account", "main", "--reason", "why", "--kind", "loss", "--confirm", "main"],
            2,
            "nothing of kind 'loss' halts main; standing: daily_loss, liquidation",
        ),
    ],
)
def test_what_is_not_said_clearly_lifts_nothing(
    stopped: HomeUnderTest, typed: list[str], code: int, said: str
) -> None:
    refused = stopped.must("risk", "reset", *typed, "--no-input", code=code)
    assert said in refused.err
    assert standing(stopped) == ["h-1", "h-2", "h-3"]
    assert stopped.rows("SELECT * FROM order_audit") == []


@pytest.mark.parametrize(
    "gates", [{"SAFE_MODE": "true"}, {"DRY_RUN": "true"}], ids=["safe mode", "dry run"]
)
def test_shut_gates_lift_nothing(stopped: HomeUnderTest, gates: dict[str, str]) -> None:
    stopped.set(**gates)
    refused = reset(stopped, "--confirm", "main", code=7)
    assert f"{next(iter(gates))} is on" in refused.err
    assert standing(stopped) == ["h-1", "h-2", "h-3"]


def test_where_nothing_is_halted_there_is_nothing_to_lift(home: HomeUnderTest) -> None:
    home.arm()
    refused = reset(home, "--confirm", "main", code=2)
    assert "nothing halts the entries of main" in refused.err
