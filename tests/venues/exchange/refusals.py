"""Why the exchange says no, in words; each venue has its own codes for them."""

from enum import StrEnum


class Refusal(StrEnum):
    """What was wrong with a request that the exchange understood."""

    UNKNOWN_SYMBOL = "unknown symbol"
    BAD_QUANTITY = "quantity off step or out of range"
    BAD_PRICE = "price off tick or missing"
    TOO_SMALL = "value below the minimum"
    DUPLICATE = "client id already used"
    NO_FUNDS = "not enough balance"
    NOTHING_TO_REDUCE = "reduce-only without a position to reduce"
    WRONG_LEG = "position leg does not fit the position mode"
    RISING_EXPECTED = "trigger is not above the last price"
    FALLING_EXPECTED = "trigger is not below the last price"
    NOT_FOUND = "no such order"
    ALREADY_FILLED = "order is filled"
    ALREADY_CANCELLED = "order is cancelled"
    NO_CHANGE = "nothing to change"
    BELOW_FILLED = "new quantity is not above what is filled"
    LEVERAGE_RANGE = "leverage out of range"
    LEVERAGE_SAME = "leverage not changed"
    MODE_SAME = "position mode not changed"
    MODE_POSITION = "position mode cannot change while a position is open"
    MODE_ORDERS = "position mode cannot change while orders are open"
    NO_POSITION = "no position"
    STOP_SIDE = "stop on the wrong side of the price"


class Refused(Exception):
    """The exchange turned a request down and changed nothing."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal.value}{': ' if detail else ''}{detail}")
        self.refusal = refusal
        self.detail = detail
