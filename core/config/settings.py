"""Every configuration key, with its default and one line for whoever edits the file.

The field names are the keys: upper case at the top level, lower case inside the sections.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.config.key import key
from core.config.secret import Secret
from core.config.trading_settings import Execution, Exits, Positions, Risk, Signals


def section(kind: type[Any], meaning: str) -> Any:
    return field(default_factory=kind, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    path: str = key("./data/orders.db", "The book: a SQLite file, relative to the home.")
    busy_timeout_seconds: Decimal = key(
        Decimal(5), "How long to wait for another writer before giving up.", at_least=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    require_exact_price_match: bool = key(
        False, "Signature matching wants the same price; otherwise one tick apart will do."
    )
    timestamp_match_window_seconds: int = key(
        300, "Signature matching wants creation times no further apart than this.", at_least=0
    )
    stage_ttl: str = key(
        "15m", "How long a staged plan may be applied: 90s, 15m, 2h.", duration=True
    )
    spy_symbols: list[str] = key(
        ["ES", "MES", "SPY"], "Positions watched as S&P positions, by symbol or underlying."
    )
    max_unrealized_loss_pct: Decimal = key(
        Decimal("2.0"),
        "An S&P position losing more than this is recommended for closing.",
        at_least=0,
    )
    take_profit_threshold_pct: Decimal = key(
        Decimal("1.5"),
        "An S&P position gaining more than this is recommended for taking profit.",
        at_least=0,
    )
    roll_days_before_expiry: int = key(
        8, "An S&P contract expiring within this many days is due for rolling.", at_least=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    hourly: int = key(24, "Verified backups kept, one an hour.", at_least=1)
    daily: int = key(14, "Verified backups kept, one a day.", at_least=0)
    weekly: int = key(8, "Verified backups kept, one a week.", at_least=0)
    sql_dump_max_mib: int = key(
        256,
        "A book larger than this is backed up without the SQL dump; the binary copy is the backup.",
        at_least=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One trading account. Which keys count depends on its broker: `only` says whose they are."""

    broker: str = key("paper", "paper, ib, bybit, mexc, or any exchange id that ccxt knows.")
    enabled: bool = key(True, "Whether commands without --account include it.")
    file: str = key(
        "./data/paper_broker.json", "paper: the account file, relative to the home.", only="paper"
    )
    symbols: list[str] = key([], "Watch list; empty means every symbol the account has.")
    position_mode: str = key(
        "any",
        "one-way or hedge: send nothing when the venue is set otherwise. any: not checked.",
        choices=("any", "one-way", "hedge"),
    )
    require_stop: bool | None = key(None, "Overrides POSITIONS.require_stop for this account.")
    history_days: int = key(
        7, "How far back closed orders and executions are asked for.", at_least=0
    )
    timeout_seconds: Decimal = key(
        Decimal(10), "How long one call to the broker may take.", above=0
    )
    retry: int = key(
        3, "How often a read is tried before it counts as failed; a write is sent once.", at_least=1
    )
    retry_base_seconds: Decimal = key(
        Decimal(1), "The pause after a first failed read; it doubles each time.", at_least=0
    )
    retry_cap_seconds: Decimal = key(
        Decimal(30), "The longest pause between two tries of a read.", at_least=0
    )
    rate_limit: int = key(
        0, "Requests sent a second at most; 0 leaves it to what the venue allows.", at_least=0
    )
    host: str = key("127.0.0.1", "ib: where TWS or IB Gateway listens.", only="ib")
    port: int = key(
        7497,
        "ib: its port; TWS 7497 paper, 7496 live; Gateway 4002 paper, 4001 live.",
        at_least=1,
        at_most=65535,
        only="ib",
    )
    client_id: int = key(
        17,
        "ib: our client id; only the one that placed an order can change it.",
        at_least=0,
        at_most=2_147_483_647,
        only="ib",
    )
    managed_account: str = key(
        "auto",
        "ib: the account code, such as DU1234567; auto when the login has only one.",
        only="ib",
    )
    time_zone: str = key(
        "America/New_York",
        "ib: the gateway's time zone; it tells of its current day only.",
        only="ib",
    )
    api_key: Secret | None = key(
        None,
        "ccxt: where the API key lies: env:NAME, file:PATH or keyring:SERVICE/NAME.",
        only="ccxt",
    )
    api_secret: Secret | None = key(None, "ccxt: where the API secret lies, likewise.", only="ccxt")
    environment: str = key(
        "mainnet", "ccxt: mainnet or testnet.", choices=("mainnet", "testnet"), only="ccxt"
    )
    market: str = key(
        "linear",
        "ccxt: the market this account trades in.",
        choices=("linear", "spot"),
        only="ccxt",
    )
    endpoint: str | None = key(
        None,
        "ccxt: http://HOST:PORT that stands for every address of the venue, as a proxy does.",
        address=True,
        only="ccxt",
    )
    quarantine_seconds: int = key(
        60,
        "ib: the longest that an unanswered order may still be on its way.",
        at_least=0,
        only="ib",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective configuration."""

    DRY_RUN: bool = key(
        True, "true: compute everything, change nothing at the broker or in the book."
    )
    SAFE_MODE: bool = key(True, "true: read-only, for every process.")
    DRY_RUN_CONFIRM: bool | str = key(
        False,
        "false: stage only. true: apply after confirmation. A plan id: apply exactly that plan.",
    )
    FORCE_SYNC_DELETE: bool = key(
        False, "false: orders gone at the broker are marked orphaned_deleted. true: their rows go."
    )
    AUTO_MANAGE_EXTERNAL_ORDERS: bool = key(
        True, "true: orders placed elsewhere are taken into the book. false: reported only."
    )
    BACKUP_DIR: str = key("./backups", "Where verified copies of the book are kept.")
    LOG_DIR: str = key("./logs", "Where the logs are written.")
    STATUS_DIR: str = key("./status", "Where status, lock and the safe-mode sentinel live.")
    STAGED_DIR: str = key("./staged", "Where the staged plan awaits review.")
    DATABASE: Database = section(Database, "The book.")
    RECONCILE: Reconcile = section(Reconcile, "How broker and book are compared.")
    SIGNALS: Signals = section(Signals, "Where trading signals come from.")
    RISK: Risk = section(Risk, "What no signal may exceed; 0 means no limit.")
    EXECUTION: Execution = section(Execution, "Orders at the broker.")
    POSITIONS: Positions = section(Positions, "Positions and their stops.")
    EXITS: Exits = section(Exits, "When and how trades are left.")
    BACKUP: Retention = section(Retention, "Which backups are kept.")
    ACCOUNTS: dict[str, Account] = field(
        default_factory=lambda: {"main": Account()},
        metadata={"meaning": "The trading accounts, by name."},
    )

    def account(self, name: str) -> Account:
        return self.ACCOUNTS[name]


# Restricting wins over precedence for these; the value is what "restricted" means.
SAFETY_KEYS: Mapping[str, bool] = {"DRY_RUN": True, "SAFE_MODE": True, "DRY_RUN_CONFIRM": False}
