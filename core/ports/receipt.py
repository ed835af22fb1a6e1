"""What a broker write demands: proof that it stands in the journal (core/apply/journal.py)."""

from typing import ClassVar

from core.domain.record import Step


class Mint:
    """The right to make receipts; there is one per program and the journal takes it."""

    _taken: ClassVar[bool] = False

    def __init__(self) -> None:
        if Mint._taken:
            raise RuntimeError("the mint is taken: only the journal hands out receipts")
        Mint._taken = True

    def receipt(self, step: Step) -> "Receipt":
        return Receipt(self, step)


class Receipt:
    """Proof that a step was durably journaled before anything is sent."""

    __slots__ = ("step",)

    def __init__(self, mint: Mint, step: Step):
        if type(mint) is not Mint:
            raise TypeError("a receipt comes from the journal, not from a constructor")
        self.step = step

    @property
    def idempotency_key(self) -> str:
        return self.step.idempotency_key
