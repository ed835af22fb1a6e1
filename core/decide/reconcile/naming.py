"""Our ids for orders that the book meets for the first time: derived, so that replays agree."""

from collections.abc import Iterable
from hashlib import sha256

from core.domain.order import is_our_key


class Names:
    """Hands out order ids that no row bears yet, always the same ones for the same orders."""

    def __init__(self, account: str, taken: Iterable[str]):
        self._account = account
        self._taken = set(taken)

    def of(self, symbol: str, broker_order_id: str, client_order_id: str | None) -> str:
        """Our own key is the id; any other order is named after its broker id."""
        # Some venues count per symbol, and a key may have been sent twice: the symbol sets apart.
        for name in (
            client_order_id if is_our_key(client_order_id) else None,
            _derived(self._account, broker_order_id),
            _derived(self._account, symbol, broker_order_id),
        ):
            if name and name not in self._taken:
                self._taken.add(name)
                return name
        raise ValueError(f"the book has every name that {symbol} {broker_order_id} could bear")


def _derived(*meaning: str) -> str:
    return "o-" + sha256("|".join(meaning).encode()).hexdigest()[:20]
