"""The configuration of what trades: signals, limits, orders, positions and exits."""

from dataclasses import dataclass
from decimal import Decimal

from core.config.key import key
from core.config.secret import Secret


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
    close_grace_ms: int = key(
        90000,
        "So long after its entry a position that the venue does not show is not taken for gone.",
        at_least=0,
    )
    unrealized_loss_warning_pct: Decimal = key(
        Decimal(10),
        "An open position that has lost this much, in ROE percent, is told of; 0 never.",
        at_least=0,
    )
    emergency_close_after: int = key(
        3,
        "A first stop that the venue refuses so often closes a position of ours; 0 never.",
        at_least=0,
    )
    position_snapshot_interval: int = key(
        300, "Seconds between two records of how every position stands, in `manage`.", at_least=1
    )
    position_snapshot_days: int = key(30, "How long these records are kept.", at_least=1)
    position_validation_interval: int = key(
        3600,
        "Seconds between two times that every position is added up anew from its executions.",
        at_least=1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    detect: bool = key(
        True, "Watch the prices of open trades and leave those whose time has come, in `manage`."
    )
    min_brick_movement_pct: Decimal = key(
        Decimal("0.5"),
        "How far the price moves, in percent, before the same exit is asked for once more.",
        at_least=0,
    )
    exit_cooldown_seconds: int = key(
        30, "Seconds between two exits of one trade for the same cause.", at_least=0
    )
    max_holding_minutes: int = key(
        0, "A trade held longer than this is left, whatever it gained; 0 never.", at_least=0
    )
    windows: list[str] = key(
        [],
        "When an account's market is open, as `main mon-fri 09:30-16:00 America/New_York`;"
        " an account without one is always open.",
        windows=True,
    )
    last_minutes: int = key(
        5, "So long before its market closes only stops may leave a trade.", at_least=0
    )
    max_exit_retries: int = key(
        3, "How often an exit is tried again when its order came to nothing.", at_least=0
    )
    retry_base_seconds: Decimal = key(
        Decimal(1), "The pause before the first of these; it doubles.", at_least=0
    )
    retry_cap_seconds: Decimal = key(Decimal(30), "The longest such pause.", at_least=0)
    limit_timeout_seconds: int = key(
        60, "A limit exit that has not filled after this is taken back.", at_least=1
    )
