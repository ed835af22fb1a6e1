"""Fields of a message read one by one: each says what is wrong with it, and none stops the next."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from enum import StrEnum
from typing import Any, TypeVar

from core.decide.qualify.parsing import Flawed, kind_of
from core.domain.moment import parse_moment
from core.domain.money import parse_decimal

Word = TypeVar("Word", bound=StrEnum)

TEXT_MAX = 128
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# In seconds it would be the year 5138, so it is milliseconds.
_MILLISECONDS_FROM = 10**11
# What the book can hold; producers compute with more places than a price has.
_STEP = Decimal("1e-20")
_EXACT = Context(prec=60, rounding=ROUND_DOWN)


class Fields:
    """`told_as` names fields the way the producer wrote them, where that differs."""

    def __init__(
        self,
        document: Mapping[str, Any],
        reasons: list[str],
        *,
        inside: str = "",
        told_as: Mapping[str, str] | None = None,
    ):
        self._document = document
        self._reasons = reasons
        self._inside = inside
        self._told_as = told_as or {}

    def wrong(self, name: str, why: str) -> None:
        self._reasons.append(f"{self._inside}{self._told_as.get(name, name)}: {why}")

    def has(self, name: str) -> bool:
        return self._document.get(name) is not None

    def _given(self, name: str, required: bool) -> Any:
        value = self._document.get(name)
        if value is None and required:
            self.wrong(name, "missing")
        # What is flawed has been told already.
        return None if isinstance(value, Flawed) else value

    # --- texts ------------------------------------------------------------------------------------

    def text(self, name: str, *, required: bool = False, most: int = TEXT_MAX) -> str | None:
        value = self._given(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(name, f"expected a text, not {kind_of(value)}")
        elif not value.strip():
            self.wrong(name, "empty")
        elif len(value) > most:
            self.wrong(name, f"longer than {most} characters")
        else:
            return value
        return None

    def symbol(self, name: str) -> str | None:
        """Names files, lanes and rows: nothing in it may act or hide."""
        value = self.text(name, required=True, most=64)
        if value is not None and (not value.isprintable() or value != value.strip()):
            self.wrong(name, f"not a symbol: {value!r:.40}")
            return None
        return value

    def uuid(self, name: str, *, required: bool = False) -> str | None:
        value = self.text(name, required=required)
        if value is not None and not _UUID.fullmatch(value.lower()):
            self.wrong(name, f"not a UUID: {value!r:.60}")
            return None
        # One spelling, or two of them would be two signals.
        return value.lower() if value is not None else None

    def word(
        self, name: str, *choices: Word, required: bool = False, otherwise: Word | None = None
    ) -> Word | None:
        value = self.text(name, required=required)
        if value is None:
            return otherwise
        for choice in choices:
            if value == choice.value:
                return choice
        self.wrong(name, f"must be {' or '.join(choices)}, not {value!r:.40}")
        return otherwise

    # --- figures ----------------------------------------------------------------------------------

    def number(
        self,
        name: str,
        *,
        required: bool = False,
        above: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> Decimal | None:
        value = self._figure(name, required)
        if value is None:
            return None
        if above is not None and value <= above:
            self.wrong(name, f"must be more than {above}")
        elif at_least is not None and value < at_least:
            self.wrong(name, f"must be at least {at_least}")
        elif at_most is not None and value > at_most:
            self.wrong(name, f"must be at most {at_most}")
        else:
            return value
        return None

    def _figure(self, name: str, required: bool) -> Decimal | None:
        """A JSON number or a plain decimal as text, which is how digits survive other programs."""
        match self._given(name, required):
            case None:
                return None
            case int() | Decimal() as value if not isinstance(value, bool):
                return _kept_places(Decimal(value))
            case str() as text:
                try:
                    return parse_decimal(text)
                except ValueError:
                    self.wrong(name, f"expected a number, not {text!r:.40}")
            case value:
                self.wrong(name, f"expected a number, not {kind_of(value)}")
        return None

    def flag(self, name: str) -> bool:
        value = self._given(name, required=False)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(name, f"expected true or false, not {kind_of(value)}")
        return False

    # --- moments and objects ----------------------------------------------------------------------

    def moment(
        self, name: str, *, required: bool = False, or_seconds: bool = False
    ) -> datetime | None:
        value = self._given(name, required)
        try:
            if value is None:
                return None
            if or_seconds and isinstance(value, int | Decimal) and not isinstance(value, bool):
                return _moment_since_epoch(Decimal(value))
            return parse_moment(value)
        except ValueError as error:
            self.wrong(name, str(error))
            return None

    def object(self, name: str) -> dict[str, Any]:
        value = self._given(name, required=False)
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong(name, f"expected an object, not {kind_of(value)}")
        return {}

    def below(self, name: str) -> "Fields":
        """The fields of an object inside; none when it is missing or no object."""
        told = self._told_as.get(name, name)
        return Fields(self.object(name), self._reasons, inside=f"{self._inside}{told}.")


def _kept_places(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -20:
        value = value.quantize(_STEP, context=_EXACT)
    return value or Decimal(0)


def _moment_since_epoch(value: Decimal) -> datetime:
    seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
    try:
        return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError:
        raise ValueError(f"not a moment in time: {value}") from None


def kept(value: Any) -> Any:
    """What is not ours to read, ready for the book: every number that is not whole as text."""
    match value:
        case dict():
            return {key: kept(each) for key, each in value.items()}
        case list():
            return [kept(each) for each in value]
        case Decimal():
            return str(value)
        case Flawed():
            return None
    return value
