"""The line to a venue: every request of an account goes through here.

Reads are tried again, writes never are. What leaves here as an exception is one of ours, without a
secret in it and without a trace of the one that ccxt raised, whose text may hold both.
"""

from collections.abc import Callable
from typing import Any

import stamina
import stamina.instrumentation

from core.brokers.ccxt.figures import UNREADABLE
from core.brokers.ccxt.library import Exchange, open_exchange
from core.brokers.ccxt.meaning import Codes, Failure, Says, failure_of, safe
from core.brokers.ccxt.pace import Pace
from core.config.settings import Account
from core.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable, Usage
from core.ports import Clock

# By itself stamina prints every retry on standard output, into whatever is read from there.
stamina.instrumentation.set_on_retry_hooks(())

# Takes an answer out of its envelope; an UNREADABLE error says that it is none.
Envelope = Callable[[Any], Any]


class ReadFailed(Unavailable):
    """A read without an answer; `code` is the venue's, where it gave one."""

    def __init__(self, failure: Failure, *, hint: str | None = None):
        super().__init__(str(failure), hint=hint)
        self.failure = failure

    @property
    def code(self) -> str:
        return self.failure.code


class Duplicate(Rejected):
    """An order of this client id exists already."""


class Line:
    def __init__(
        self,
        name: str,
        settings: Account,
        clock: Clock,
        *,
        exchange_id: str,
        codes: Codes,
        envelope: Envelope,
    ):
        self._name = name
        self._settings = settings
        self._clock = clock
        self._exchange_id = exchange_id
        self._codes = codes
        self._envelope = envelope
        self._pace = Pace(settings.rate_limit, clock)
        self._opened: Exchange | None = None
        self._closed = False

    def exchange(self) -> Exchange:
        """ccxt's client; Unavailable when the configuration does not make one."""
        if self._closed:
            raise Unavailable("the account is closed")
        if self._opened is None:
            try:
                self._opened = open_exchange(self._name, self._settings, self._exchange_id)
            except Usage as error:
                raise Unavailable(error.message, hint=error.hint) from None
        return self._opened

    def is_closed(self) -> bool:
        return self._closed

    async def close(self) -> None:
        """For good: there is no request after it."""
        self._closed = True
        if self._opened is not None:
            await self._opened.close()

    # --- asking --------------------------------------------------------------------------------

    async def read(self, method: str, *args: Any) -> Any:
        """The answer out of its envelope, after as many tries as it takes and may take."""
        settings = self._settings
        tries = stamina.retry_context(
            on=_another_try,
            attempts=settings.retry,
            timeout=None,
            wait_initial=float(settings.retry_base_seconds),
            wait_max=float(settings.retry_cap_seconds),
            wait_jitter=0,
            wait_exp_base=2,
        )
        async for attempt in tries:
            with attempt:
                try:
                    return await self._read_once(method, *args)
                except ReadFailed as error:
                    if error.failure.passing and attempt.num < settings.retry:
                        await self._wait(error.failure, attempt.next_wait)
                    raise
        raise AssertionError("the last try either answers or raises")

    async def _wait(self, failure: Failure, seconds: float) -> None:
        """A rate limit holds up everything that this account would send, anything else only us."""
        if failure.rate_limited:
            self._pace.hold(max(seconds, failure.retry_after_seconds or 0))
        else:
            await self._clock.sleep(seconds)

    async def _read_once(self, method: str, *args: Any) -> Any:
        answer, failure = await self._ask(self.exchange(), method, *args)
        if failure is not None:
            raise ReadFailed(self._bearable(failure))
        return answer

    def _bearable(self, failure: Failure) -> Failure:
        """Who is told to wait longer than the configuration allows is not worth waiting for."""
        patience = failure.retry_after_seconds or 0
        if patience <= self._settings.retry_cap_seconds:
            return failure
        text = f"{failure.text} (to be asked again in {patience:.0f} s)"
        return Failure(says=failure.says, code=failure.code, text=text, passing=False)

    async def write(self, method: str, *args: Any) -> Any:
        """Sent once; whoever gets an answer from here must still find its id in it."""
        try:
            exchange = self.exchange()
        except Unavailable as error:
            raise NotSent(error.message, hint=error.hint) from None
        answer, failure = await self._ask(exchange, method, *args)
        match failure:
            case None:
                return answer
            case Failure(says=Says.NOT_SENT):
                if failure.rate_limited:
                    self._pace.hold(failure.retry_after_seconds or 0)
                raise NotSent(str(failure))
            case Failure(says=Says.REJECTED):
                raise Rejected(failure.code, failure.text)
            case Failure(says=Says.DUPLICATE):
                raise Duplicate(failure.code, failure.text)
        raise OutcomeUnknown(str(failure))

    async def _ask(self, exchange: Exchange, method: str, *args: Any) -> tuple[Any, Failure | None]:
        """Failures are returned, so that what is raised later drags no exception of ccxt along."""
        await self._pace.turn()
        try:
            answer = await getattr(exchange, method)(*args)
        except Exception as error:  # noqa: BLE001  whatever ccxt raises must be understood
            return None, failure_of(error, self._codes)
        try:
            return self._envelope(answer), None
        except UNREADABLE as error:
            return None, _no_answer(error)


def _another_try(error: Exception) -> bool | float:
    """At once, as far as stamina is concerned: the pause was made on our own clock."""
    return 0.0 if isinstance(error, ReadFailed) and error.failure.passing else False


def _no_answer(error: Exception) -> Failure:
    why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return Failure(says=Says.UNKNOWN, code="no answer", text=safe(why), passing=True)
