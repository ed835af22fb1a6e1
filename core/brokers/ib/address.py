"""Which gateway is spoken to, as whom, and how patiently."""

from dataclasses import dataclass
from typing import Self

from core.config.settings import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`account` is the section that says so; `rate_limit` 0 leaves it to the library; `seconds` is
    the wait for any one thing."""

    account: str
    host: str
    port: int
    client_id: int
    seconds: float
    rate_limit: int
    time_zone: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def of(cls, name: str, settings: Account) -> Self:
        return cls(
            account=f"ACCOUNTS.{name}",
            host=settings.host,
            port=settings.port,
            client_id=settings.client_id,
            seconds=float(settings.timeout_seconds),
            rate_limit=settings.rate_limit,
            time_zone=settings.time_zone,
        )
