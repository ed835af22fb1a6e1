"""What may stand under SIGNALS, RISK and EXECUTION, and the names that others have for it."""

from decimal import Decimal

import pytest

from core.config.effective import load
from core.config.secret import Secret
from core.config.sources import ALIASES
from core.domain.errors import Usage
from tests.core.config.conftest import Configure

# What an order-manager deployment sets, with the values that it has by default or might have.
DEPLOYED = {
    "ORDERMANAGER_ENABLE_BALANCE_CHECK": ("false", False),
    "ORDERMANAGER_ENABLE_ORDER_SPLITTING": ("true", True),
    "ORDERMANAGER_MAX_SINGLE_ORDER_SIZE": ("9000.0", Decimal(9000)),
    "ORDERMANAGER_ORDER_EXECUTION_TIMEOUT": ("45", 45),
    "ORDERMANAGER_MARKET_ORDER_CONFIDENCE_THRESHOLD": ("0.95", Decimal("0.95")),
    "ORDERMANAGER_MARKET_ORDER_SPREAD_THRESHOLD": ("0.2", Decimal("0.2")),
    "ORDERMANAGER_LIMIT_ORDER_PRICE_OFFSET_RATIO": ("0.25", Decimal("0.25")),
    "ORDERMANAGER_CANCEL_OPPOSITE_ORDERS_ONLY": ("1", True),
    "ORDERMANAGER_CANCEL_STALE_ORDER_TIMEOUT": ("60", 60),
    "ORDERMANAGER_MAX_POSITION_SIZE": ("2.0", Decimal(2)),
    "ORDERMANAGER_MAX_EXPOSURE": ("60000.0", Decimal(60000)),
    "ORDERMANAGER_MAX_ORDER_SIZE_RATIO": ("0.05", Decimal("0.05")),
}
URL = "amqp://canary-user:canary-word@127.0.0.1/"


@pytest.mark.parametrize("name", DEPLOYED)
def test_the_names_of_a_deployment_are_understood(configure: Configure, name: str) -> None:
    text, value = DEPLOYED[name]
    effective = load(configure(""), {name: text})
    (told,) = (each for each in effective.values if each.path == ALIASES[name])
    assert (told.value, told.source) == (value, name)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("EXECUTION:\n  warmup: later\n", "simulate or execute or minimum_size, not 'later'"),
        ("EXECUTION:\n  standing_policy: [record, all]\n", "trade, not 'all'"),
        ("EXECUTION:\n  standing_policy: record\n", "expected a list"),
        ("EXECUTION:\n  min_confidence: 1.1\n", "at most 1"),
        ("EXECUTION:\n  max_single_order_size: 0\n", "more than 0"),
        ("RISK:\n  on_violation: warn\n", "reject or shrink, not 'warn'"),
        ("RISK:\n  max_exposure: -1\n", "at least 0"),
        ("SIGNALS:\n  prefetch: 0\n", "at least 1"),
        ("SIGNALS:\n  rabbitmq_url: amqp://canary-user:canary-word@127.0.0.1/\n", "rabbitmq_url"),
    ],
)
def test_what_is_not_a_value_is_refused(configure: Configure, written: str, told: str) -> None:
    with pytest.raises(Usage) as refused:
        load(configure(written), {})
    assert told in refused.value.message
    assert "canary" not in str(refused.value)


def test_a_policy_may_approve_some_classes_or_none(configure: Configure) -> None:
    some = configure("EXECUTION:\n  standing_policy: [protect, correct]\n")
    assert load(some, {}).settings.EXECUTION.standing_policy == ["protect", "correct"]
    none = configure("EXECUTION:\n  standing_policy: []\n")
    assert load(none, {}).settings.EXECUTION.standing_policy == []


@pytest.mark.parametrize(
    ("written", "environment"),
    [
        ("", {"TRUEUP_SIGNALS__RABBITMQ_URL": URL}),
        ("SIGNALS:\n  rabbitmq_url: env:AMQP\n", {"AMQP": URL}),
    ],
)
def test_the_address_of_the_queue_is_shown_to_nobody(
    configure: Configure, written: str, environment: dict[str, str]
) -> None:
    effective = load(configure(written), environment)
    secret = effective.settings.SIGNALS.rabbitmq_url
    assert isinstance(secret, Secret)
    assert "canary" not in f"{effective!r} {secret}"
    assert secret.reveal() == URL
