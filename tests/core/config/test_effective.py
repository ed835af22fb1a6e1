"""Flag before environment before file before default; mistakes are named with place and remedy."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.config.effective import Effective, load
from core.config.settings import Account, Settings
from core.domain.errors import Usage
from tests.core.config.conftest import Configure

TTL = "RECONCILE.stage_ttl"


def sources(effective: Effective) -> dict[str, str]:
    return {each.path: each.source for each in effective.values}


def told(refusal: pytest.ExceptionInfo[Usage]) -> str:
    return "\n".join((refusal.value.message, *refusal.value.details))


def test_an_empty_file_gives_the_defaults(configure: Configure) -> None:
    effective = load(configure(""), {})
    assert effective.settings == Settings()
    assert set(sources(effective).values()) == {"default"}


def test_the_file_is_heard_before_the_default(configure: Configure) -> None:
    effective = load(configure("RECONCILE:\n  stage_ttl: 5m\n"), {})
    assert effective.settings.RECONCILE.stage_ttl == "5m"
    assert sources(effective)[TTL] == "config/local_reconcile.yml:2"


def test_a_variable_is_heard_before_the_file_and_a_flag_before_both(configure: Configure) -> None:
    root = configure("RECONCILE:\n  stage_ttl: 5m\n")
    variables = {"TRUEUP_RECONCILE__STAGE_TTL": "6m"}
    spoken = load(root, variables)
    assert (spoken.settings.RECONCILE.stage_ttl, sources(spoken)[TTL]) == (
        "6m",
        "TRUEUP_RECONCILE__STAGE_TTL",
    )
    flagged = load(root, variables, {TTL: ("--ttl", "7m")})
    assert (flagged.settings.RECONCILE.stage_ttl, sources(flagged)[TTL]) == ("7m", "--ttl")


def test_our_own_variable_is_heard_before_an_alias(configure: Configure) -> None:
    alias = {"ORDERMANAGER_CANCEL_STALE_ORDER_TIMEOUT": "60"}
    key = "EXECUTION.cancel_stale_order_timeout"
    effective = load(configure(""), alias)
    assert effective.settings.EXECUTION.cancel_stale_order_timeout == 60
    assert sources(effective)[key] == "ORDERMANAGER_CANCEL_STALE_ORDER_TIMEOUT"
    both = load(configure(""), {**alias, "TRUEUP_EXECUTION__CANCEL_STALE_ORDER_TIMEOUT": "90"})
    assert both.settings.EXECUTION.cancel_stale_order_timeout == 90


def test_an_empty_variable_says_nothing(configure: Configure) -> None:
    effective = load(configure("LOG_DIR: ./mine\n"), {"TRUEUP_LOG_DIR": ""})
    assert effective.settings.LOG_DIR == "./mine"


def test_a_money_key_keeps_every_digit(configure: Configure) -> None:
    text = "0.1000000000000000055"
    effective = load(configure(f"RECONCILE:\n  max_unrealized_loss_pct: {text}\n"), {})
    assert effective.settings.RECONCILE.max_unrealized_loss_pct == Decimal(text)


def test_accounts_replace_the_default_one_and_keep_their_defaults(configure: Configure) -> None:
    text = "ACCOUNTS:\n  alpha:\n    symbols: [BTCUSDT]\n  beta:\n"
    effective = load(configure(text), {"TRUEUP_ACCOUNTS__BETA__HISTORY_DAYS": "30"})
    accounts = effective.settings.ACCOUNTS
    assert list(accounts) == ["alpha", "beta"]
    assert accounts["alpha"] == Account(symbols=["BTCUSDT"])
    assert accounts["beta"] == Account(history_days=30)


def test_lists_of_one_reading_are_not_shared_with_the_next(configure: Configure) -> None:
    first = load(configure(""), {}).settings
    first.RECONCILE.spy_symbols.append("NQ")
    assert load(configure(""), {}).settings.RECONCILE.spy_symbols == ["ES", "MES", "SPY"]


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        (
            "SAFEMODE: true\n",
            1,
            "'SAFEMODE' is not a known key; the nearest known key is SAFE_MODE",
        ),
        ("RECONCILE:\n  stage_tll: 5m\n", 2, "the nearest known key is RECONCILE.stage_ttl"),
        ("stage_ttl: 5m\n", 1, "the nearest known key is RECONCILE.stage_ttl"),
        ("dry_run: false\n", 1, "the nearest known key is DRY_RUN"),
        ("zzzzqqq: 1\n", 1, "'zzzzqqq' is not a known key"),
        ("<<: {DRY_RUN: false}\n", 1, "'<<' is not a known key"),
        ("ACCOUNTS:\n  main:\n    brokr: ib\n", 3, "nearest known key is ACCOUNTS.main.broker"),
        ("\nRECONCILE: 5\n", 2, "RECONCILE is a section: put its keys below it"),
        ("ACCOUNTS: [main]\n", 1, "ACCOUNTS is a section"),
        ("ACCOUNTS:\n", 1, "ACCOUNTS needs at least one name"),
        ("ACCOUNTS:\n  no: {}\n", 2, "is not a name to use here"),
        ("ACCOUNTS:\n  '../x': {}\n", 2, "is not a name to use here"),
        ("LOG_DIR: no\n", 1, 'LOG_DIR: expected a text; if no is meant, write "no" in quotes'),
        ("LOG_DIR: [a]\n", 1, "LOG_DIR: expected a single value here"),
        ("EXECUTION:\n  cancel_stale_order_timeout: 012\n", 2, "not '012'"),
        ("RECONCILE:\n  timestamp_match_window_seconds: 12:30:45\n", 2, "not '12:30:45'"),
        ("RECONCILE:\n  stage_ttl: 15\n", 2, "write"),
        ("FORCE_SYNC_DELETE: yes\n", 1, "expected true or false, not 'yes'"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(
    configure: Configure, text: str, place: int, why: str
) -> None:
    with pytest.raises(Usage) as refusal:
        load(configure(text), {})
    assert f"config/local_reconcile.yml:{place}: " in told(refusal)
    assert why in told(refusal)
    assert "config check" in str(refusal.value.hint)


def test_all_mistakes_are_told_at_once(configure: Configure) -> None:
    with pytest.raises(Usage) as refusal:
        load(configure("LOG_DIR: no\nLOG_DIRR: x\n"), {"TRUEUP_BACKUP__DAILY": "many"})
    assert refusal.value.message == "the configuration has 3 mistakes"
    assert len(refusal.value.details) == 3


def test_a_mistaken_variable_is_named(configure: Configure) -> None:
    with pytest.raises(Usage) as refusal:
        load(configure(""), {"TRUEUP_BACKUP__DAILY": "many"})
    assert told(refusal) == (
        "TRUEUP_BACKUP__DAILY: BACKUP.daily: expected a whole number, not 'many'"
    )


def test_a_variable_of_an_unknown_section_key_is_an_error(configure: Configure) -> None:
    with pytest.raises(Usage, match=r"nearest known key is RECONCILE.stage_ttl"):
        load(configure(""), {"TRUEUP_RECONCILE__STAGE_TLL": "5m"})


def test_a_variable_that_only_resembles_a_key_is_a_warning(configure: Configure) -> None:
    effective = load(configure(""), {"TRUEUP_SAFEMODE": "true"})
    assert effective.warnings == (
        "TRUEUP_SAFEMODE: 'SAFEMODE' is not a known key; the nearest known key is SAFE_MODE",
    )


def test_variables_that_are_not_configuration_are_left_alone(configure: Configure) -> None:
    environment = {"TRUEUP_HOME": "/x", "TRUEUP_TEST_POSTGRES": "x", "PATH": "/bin", "HOME": "/"}
    assert load(configure(""), environment).warnings == ()


def test_the_home_lies_where_the_settings_say(configure: Configure, tmp_path: Path) -> None:
    root = configure("LOG_DIR: ../elsewhere\nDATABASE:\n  path: /var/x/book.db\n")
    home = load(root, {}).home
    assert home.run_log == tmp_path.parent / "elsewhere/reconcile.log"
    assert home.book == Path("/var/x/book.db")


@pytest.mark.parametrize("flaw", ["missing", "directory", "link", "dangling", "huge", "pipe"])
def test_what_is_not_a_plain_file_is_refused(configure: Configure, flaw: str) -> None:
    root = configure("")
    file = root / "config/local_reconcile.yml"
    file.unlink()
    match flaw:
        case "directory":
            file.mkdir()
        case "link":
            (root / "real.yml").write_text("", "utf-8")
            file.symlink_to(root / "real.yml")
        case "dangling":
            file.symlink_to(root / "nowhere")
        case "huge":
            file.write_text("# x\n" * 2_500_000, "utf-8")
        case "pipe":
            import os

            os.mkfifo(file)
    with pytest.raises(Usage, match=r"^config/local_reconcile.yml (does not exist|is )"):
        load(root, {})


IB = "{{broker: ib, port: 4002, client_id: {}, managed_account: {}}}"


@pytest.mark.parametrize(
    ("one", "two", "warned"),
    [
        ((17, "DU1"), (18, "DU2"), []),
        ((17, "DU1"), (17, "DU2"), ["client id 17 at 127.0.0.1:4002"]),
        ((17, "DU1"), (18, "DU1"), ["both DU1: its orders and positions would be kept twice"]),
        ((17, "auto"), (18, "auto"), []),
    ],
)
def test_ib_accounts_that_get_into_each_others_way_are_warned_of(
    configure: Configure, one: tuple[int, str], two: tuple[int, str], warned: list[str]
) -> None:
    written = f"ACCOUNTS:\n  a: {IB.format(*one)}\n  b: {IB.format(*two)}\n"
    found = load(configure(written), {}).warnings
    assert len(found) == len(warned)
    assert all(part in warning for part, warning in zip(warned, found, strict=True))
    disabled = written.replace("{broker: ib", "{enabled: false, broker: ib", 1)
    assert load(configure(disabled), {}).warnings == ()
