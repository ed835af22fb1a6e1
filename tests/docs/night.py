"""The drift that README and operator guide tell of: bought in the night, and no stop."""

from datetime import UTC, datetime
from decimal import Decimal

from core.brokers.paper.desk import PaperAccount
from core.domain.order import OrderRequest, OrderType, Side
from core.host.disk import DiskFiles
from tests.home import HomeUnderTest


def night_passes(home: HomeUnderTest) -> None:
    """book: BTCUSDT buy 0.01 open / broker: filled at 59000, a position, and nothing protects it.

    The gates are as they were; the book knew the order in the evening.
    """
    gates = home.config_file.read_text("utf-8")
    venue = PaperAccount(home.paper_file, "main", files=DiskFiles(), now=lambda: datetime.now(UTC))
    venue.place(
        OrderRequest(
            symbol="BTCUSDT",
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("0.01"),
            price=Decimal(59000),
        )
    )
    home.adopt_all()
    home.config_file.write_text(gates, "utf-8")
    venue.move_quote("BTCUSDT", Decimal(58950))
