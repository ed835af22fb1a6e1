"""Values that are each well written and cannot both be meant: such a configuration is refused."""

from collections.abc import Iterator

from core.config.settings import Settings


def contradictions(settings: Settings) -> Iterator[str]:
    yield from _signals(settings)
    yield from _order_updates(settings)
    yield from _execution(settings)


def _signals(settings: Settings) -> Iterator[str]:
    signals = settings.SIGNALS
    if signals.retry_base_seconds > signals.retry_cap_seconds:
        yield (
            f"SIGNALS.retry_base_seconds ({signals.retry_base_seconds}) is above "
            f"SIGNALS.retry_cap_seconds ({signals.retry_cap_seconds}): the first pause is longer "
            "than the longest"
        )
    if signals.order_status_queue == signals.queue:
        yield (
            f"SIGNALS.queue and SIGNALS.order_status_queue are both {signals.queue!r:.60}: signals "
            "and order updates need a queue each"
        )


def _order_updates(settings: Settings) -> Iterator[str]:
    signals, told = settings.SIGNALS, settings.SIGNALS.order_status_account
    if told is not None and told not in settings.ACCOUNTS:
        yield (
            f"SIGNALS.order_status_account: no account {told!r:.40}; configured: "
            f"{', '.join(settings.ACCOUNTS)}"
        )
    enabled = [name for name, account in settings.ACCOUNTS.items() if account.enabled]
    listening = signals.rabbitmq_url is not None and signals.order_status_queue is not None
    if listening and told is None and len(enabled) > 1:
        yield (
            "SIGNALS.order_status_account: say which account the order updates in "
            f"{signals.order_status_queue} speak of ({', '.join(enabled)}), or set "
            "SIGNALS.order_status_queue: null"
        )


def _execution(settings: Settings) -> Iterator[str]:
    execution, risk = settings.EXECUTION, settings.RISK
    if execution.scale_in and execution.max_scale_ins == 0:
        yield "EXECUTION.scale_in is true, but EXECUTION.max_scale_ins is 0: nothing can be added"
    if execution.enable_order_splitting and 0 < risk.max_order_size < (
        execution.max_single_order_size
    ):
        yield (
            f"EXECUTION.max_single_order_size ({execution.max_single_order_size}) is above "
            f"RISK.max_order_size ({risk.max_order_size}): the parts of a split order would be "
            "refused"
        )
