"""Accounts that get into each other's way, although each by itself is written well."""

from collections.abc import Hashable, Iterator, Mapping
from itertools import combinations

from core.config.settings import Account

AUTO = "auto"


def clashes(accounts: Mapping[str, Account]) -> Iterator[str]:
    """Of the enabled ones behind the same IB gateway: one client id, or one managed account."""
    behind = [(n, a) for n, a in accounts.items() if a.enabled and a.broker == "ib"]
    for (name, one), (other, two) in combinations(behind, 2):
        if _gateway(one) != _gateway(two):
            continue
        both = f"ACCOUNTS.{name} and ACCOUNTS.{other} are both"
        if one.client_id == two.client_id:
            yield (
                f"{both} client id {one.client_id} at {one.host}:{one.port}, which takes only one "
                "of them at a time: give each a client_id of its own"
            )
        if one.managed_account == two.managed_account != AUTO:
            yield (
                f"{both} {one.managed_account}: its orders and positions would be kept twice; "
                "remove one of them"
            )


def _gateway(account: Account) -> Hashable:
    return account.host, account.port
