"""Our ids for orders that the book meets for the first time: derived, so that replays agree."""

from collections.abc import Iterable
from hashlib import sha256

from core.domain.order import is_our_key


def possible_names(
    account: str, symbol: str, broker_order_id: str, client_order_id: str | None
) -> tuple[str, ...]:
    """What an order could be called, the likeliest first; the rows of these names matter to it."""
    ours = (client_order_id or "",) if is_our_key(client_order_id) else ()
    # Some venues count per symbol, and a key may have been sent twice: the symbol sets apart.
    return (
        *ours,
        _derived(account, broker_order_id),
        _derived(account, symbol, broker_order_id),
    )


class Names:
    """Hands out order ids that no row bears yet, always the same ones for the same orders."""

    def __init__(self, account: str, taken: Iterable[str]):
        self._account = account
        self._taken = set(taken)

    def of(self, symbol: str, broker_order_id: str, client_order_id: str | None) -> str:
        """Our own key is the id; any other order is named after its broker id."""
        names = possible_names(self._account, symbol, broker_order_id, client_order_id)
        for name in names:
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise ValueError(f"the book has every name that {symbol} {broker_order_id} could bear")


def _derived(*meaning: str) -> str:
    return "o-" + sha256("|".join(meaning).encode()).hexdigest()[:20]
