"""The paper broker keeps the contract of all brokers."""

from tests.core.brokers.contract import BrokerContract


class TestPaperBroker(BrokerContract):
    """The venue comes from conftest.py."""
