"""Values that cannot both be meant are refused, with both of them named."""

import pytest

from core.config.effective import load
from core.domain.errors import Usage
from tests.core.config.conftest import Configure

TWO_ACCOUNTS = "ACCOUNTS:\n  a: {broker: paper}\n  b: {broker: paper}\n"
QUEUED = "SIGNALS:\n  rabbitmq_url: env:AMQP\n"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "SIGNALS:\n  retry_base_seconds: 40\n",
            "SIGNALS.retry_base_seconds (40) is above SIGNALS.retry_cap_seconds (30)",
        ),
        ("SIGNALS:\n  order_status_queue: x\n  queue: x\n", "both 'x'"),
        (
            "SIGNALS:\n  order_status_account: mian\n",
            "SIGNALS.order_status_account: no account 'mian'; configured: main",
        ),
        (
            QUEUED + TWO_ACCOUNTS,
            "say which account the order updates in ws-gateway.order_status speak of (a, b)",
        ),
        (
            "EXECUTION:\n  scale_in: true\n  max_scale_ins: 0\n",
            "EXECUTION.scale_in is true, but EXECUTION.max_scale_ins is 0",
        ),
        (
            "EXECUTION:\n  enable_order_splitting: true\nRISK:\n  max_order_size: 5000\n",
            "EXECUTION.max_single_order_size (10000) is above RISK.max_order_size (5000)",
        ),
    ],
)
def test_it_is_refused(configure: Configure, written: str, told: str) -> None:
    with pytest.raises(Usage) as refused:
        load(configure(written), {})
    assert told in refused.value.message
    assert "trueup config check" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "written",
    [
        "SIGNALS:\n  retry_base_seconds: 30\n",
        "SIGNALS:\n  order_status_account: main\n",
        TWO_ACCOUNTS,
        "SIGNALS:\n  rabbitmq_url: env:AMQP\n  order_status_queue: null\n" + TWO_ACCOUNTS,
        "SIGNALS:\n  rabbitmq_url: env:AMQP\n  order_status_account: b\n" + TWO_ACCOUNTS,
        QUEUED + TWO_ACCOUNTS.replace("a: {broker: paper", "a: {enabled: false, broker: paper"),
        QUEUED,
        "EXECUTION:\n  scale_in: true\n",
        "EXECUTION:\n  enable_order_splitting: true\n",
        "EXECUTION:\n  enable_order_splitting: true\nRISK:\n  max_order_size: 10000\n",
        "RISK:\n  max_order_size: 5000\n",
    ],
)
def test_what_can_be_meant_is_not(configure: Configure, written: str) -> None:
    assert load(configure(written), {}).warnings == ()


def test_all_of_them_are_told_at_once(configure: Configure) -> None:
    both = "SIGNALS:\n  retry_base_seconds: 40\nEXECUTION:\n  scale_in: true\n  max_scale_ins: 0\n"
    with pytest.raises(Usage, match="2 mistakes") as refused:
        load(configure(both), {})
    assert len(refused.value.details) == 2


def test_a_variable_can_contradict_the_file(configure: Configure) -> None:
    written = configure("RISK:\n  max_order_size: 5000\n")
    with pytest.raises(Usage, match="would be refused"):
        load(written, {"ORDERMANAGER_ENABLE_ORDER_SPLITTING": "true"})
