"""Every configuration key, with its default and one line for whoever edits the file.

The field names are the keys: upper case at the top level, lower case inside the sections.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.config.secret import Secret


def key(default: Any, meaning: str, **limits: Any) -> Any:
    """A configuration key: its default, what it does, and its limits (core/config/values.py)."""
    metadata = {"meaning": meaning, **limits}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: default.copy(), metadata=metadata)
    return field(default=default, metadata=metadata)


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
class Signals:
    spool: str = key("./data/spool/signals.jsonl", "The spool that producers append signals to.")
    spool_max_mib: int = key(
        64,
        "A spool larger than this, or of an earlier day, is rotated by `signal submit`.",
        at_least=1,
    )
    retention_days: int = key(
        14, "How long a rotated spool is kept after all its signals are done.", at_least=0
    )
    max_signal_age_seconds: int = key(
        300, "A signal older than this is refused, and not executed any more.", at_least=1
    )
    max_ahead_seconds: int = key(
        5, "A signal dated further into the future than this is refused.", at_least=0
    )
    assets: list[str] = key([], "Symbols that signals may name; empty means any the venue knows.")
    rabbitmq_url: Secret | None = key(
        None, "Where signals arrive by queue: env:NAME or file:PATH of an amqp address."
    )
    queue: str = key("model-service.trading_signals", "The queue of signals.")
    order_status_queue: str | None = key(
        "ws-gateway.order_status", "The queue of order updates; null listens to none."
    )
    order_status_account: str | None = key(
        None, "The account that these order updates speak of; needed when several are enabled."
    )
    prefetch: int = key(
        100, "Messages taken from the queue before the first is committed.", at_least=1
    )
    delivery_limit: int = key(
        5,
        "How often a message may come back to the queue before it goes to the dead letters.",
        at_least=1,
    )
    backlog_alert: int = key(
        100, "More signals waiting than this are told of; 0 never.", at_least=0
    )
    attempts: int = key(3, "How often an order that never reached the venue is tried.", at_least=1)
    retry_base_seconds: Decimal = key(
        Decimal(1),
        "The pause after a first try that never reached the venue; it doubles.",
        at_least=0,
    )
    retry_cap_seconds: Decimal = key(Decimal(30), "The longest such pause.", at_least=0)
    executing_timeout_seconds: int = key(
        30, "A request that executes longer than this is looked up at the broker.", at_least=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """0 means no limit, wherever it stands."""

    max_position_size: Decimal = key(
        Decimal(1), "The largest position of one symbol, in base units.", at_least=0
    )
    max_exposure: Decimal = key(
        Decimal(50000), "The largest sum of all positions and entries, in quote.", at_least=0
    )
    max_order_size: Decimal = key(
        Decimal(0), "The largest single order, in quote currency.", at_least=0
    )
    max_order_size_ratio: Decimal = key(
        Decimal("0.1"), "The same, as a share of the available balance.", at_least=0
    )
    max_open_orders: int = key(0, "The most own orders open at a time.", at_least=0)
    max_daily_volume: Decimal = key(
        Decimal(0), "The most that may be traded in a UTC day, in quote.", at_least=0
    )
    max_daily_loss: Decimal = key(
        Decimal(0),
        "A realised loss of the UTC day that halts entries until `trueup risk reset`.",
        at_least=0,
    )
    cooldown_after_loss_seconds: int = key(
        0, "Seconds without a new entry in a symbol after a loss in it.", at_least=0
    )
    on_violation: str = key(
        "reject",
        "reject: no order. shrink: the order is made as small as the limits ask.",
        choices=("reject", "shrink"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    standing_policy: list[str] = key(
        ["record", "erase", "protect", "trade"],
        "Classes of change that `manage` approves by itself once armed; the rest is staged.",
        choices=("record", "correct", "erase", "protect", "trade"),
    )
    reconcile_interval: int = key(
        300, "Seconds between two rounds of reconciliation in `manage`.", at_least=1
    )
    enable_balance_check: bool = key(
        True, "true: refuse an order beyond the available balance before it is sent."
    )
    min_confidence: Decimal = key(
        Decimal(0), "A signal with less confidence than this is refused.", at_least=0, at_most=1
    )
    market_confidence: Decimal = key(
        Decimal("0.9"), "A signal with more confidence than this goes to the market.", at_least=0
    )
    market_spread_pct: Decimal = key(
        Decimal("0.1"), "A spread below this percentage goes to the market.", at_least=0
    )
    limit_offset_ratio: Decimal = key(
        Decimal("0.5"),
        "How much of the spread a limit price stays away from the market.",
        at_least=0,
    )
    max_snapshot_age_seconds: int = key(
        60, "A market snapshot older than this is replaced by the current quote.", at_least=0
    )
    price_move_warning_pct: Decimal = key(
        Decimal(5), "A quote further than this from the signal's price is warned of.", at_least=0
    )
    post_only: bool = key(True, "Limit orders never take; the venue refuses those that would.")
    adjust_to_minimum: bool = key(
        False, "true: a quantity below the venue's minimum becomes the minimum."
    )
    enable_order_splitting: bool = key(
        False, "true: amounts above max_single_order_size become several orders."
    )
    max_single_order_size: Decimal = key(
        Decimal(10000), "The largest part when splitting, in quote currency.", above=0
    )
    scale_in: bool = key(False, "true: a signal may add to a position.")
    max_scale_ins: int = key(3, "How often it may.", at_least=0)
    scale_in_factor: Decimal = key(
        Decimal(1), "Each addition is the signal's amount times this, once more each time.", above=0
    )
    allow_short: bool = key(True, "false: a sell signal without a position is refused.")
    allow_reverse: bool = key(
        False, "true: a signal against the position closes it and opens the other way."
    )
    warmup: str = key(
        "simulate",
        "What warm-up signals do: simulate, execute or minimum_size.",
        choices=("simulate", "execute", "minimum_size"),
    )
    cancel_opposite_orders_only: bool = key(
        False, "true: a new signal cancels only our pending orders of the other side."
    )
    cancel_stale_order_timeout: int = key(
        3600,
        "Seconds after which an own open order is proposed for cancelling; 0 never.",
        at_least=0,
    )
    cancel_partially_filled: bool = key(
        False, "Whether an order that is partly filled may be cancelled too."
    )
    order_timeout: int = key(
        30, "Seconds within which the fills of an order have to be known.", at_least=1
    )
    duplicate_window_seconds: int = key(
        10, "An order like one just sent for the same signal is blocked for so long.", at_least=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    require_stop: bool = key(True, "Propose a stop for every open position that has none.")
    initial_stop_pct: Decimal = key(
        Decimal(8),
        "Distance of that stop in ROE percent; the price moves by this ÷ leverage.",
        above=0,
    )
    protect_external_positions: bool = key(
        True, "false: positions opened by hand get no stop from here."
    )
    default_leverage: Decimal = key(
        Decimal(1), "Leverage assumed for that distance when the broker does not tell it.", above=0
    )
    trail: bool = key(True, "The stop of a position that gains follows its price, in `manage`.")
    trail_trigger_pct: Decimal = key(
        Decimal(10), "The gain, in ROE percent, from which on the stop follows.", above=0
    )
    trail_tiers: list[str] = key(
        ["50:2", "30:3", "20:4", "0:5"],
        "How far it stays behind, as GAIN:STEP in ROE percent; the highest gain reached counts.",
        tiers=True,
    )
    min_stop_modify_interval_ms: int = key(
        5000, "The shortest time between two moves of one stop.", at_least=0
    )
    plan_order_renewal_days: int = key(
        6,
        "A stop that the venue ends after seven days, as MEXC does, is renewed at this age.",
        at_least=0,
        at_most=7,
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
    BACKUP: Retention = section(Retention, "Which backups are kept.")
    ACCOUNTS: dict[str, Account] = field(
        default_factory=lambda: {"main": Account()},
        metadata={"meaning": "The trading accounts, by name."},
    )

    def account(self, name: str) -> Account:
        return self.ACCOUNTS[name]


# Restricting wins over precedence for these; the value is what "restricted" means.
SAFETY_KEYS: Mapping[str, bool] = {"DRY_RUN": True, "SAFE_MODE": True, "DRY_RUN_CONFIRM": False}
