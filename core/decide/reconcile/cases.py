"""A position as the broker tells it, as it is stored, and as the book's own rows add up."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from core.decide.reconcile.figures import Figures, figures_of, tell_the_same
from core.domain.costs import fee_paid
from core.domain.execution import BookExecution
from core.domain.holding import Correction, followed, key_of
from core.domain.market import ONE, Instrument
from core.domain.money import ZERO
from core.domain.observation import ComputedPosition, Observation
from core.domain.position import Adjustment, BookPosition, BrokerPosition, PositionKey
from core.plan.change import InsertExecution, UpdateExecution

ExecutionChange = InsertExecution | UpdateExecution
Told = BrokerPosition | BookPosition | ComputedPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A position as each side tells it, the book's two figures moved by this plan's rows.

    `expected` comes of what is stored, `summed` of what the book's own rows add up to. `leeway` is
    what fees explain of a difference between the averages; None: there is no telling.
    """

    key: PositionKey
    instrument: Instrument | None
    broker: BrokerPosition | None
    stored: BookPosition | None
    expected: BookPosition
    summed: BookPosition
    moved: bool
    leeway: Decimal | None

    @property
    def agrees(self) -> bool:
        told = figures_of(self.broker)
        return self.adds_up and tell_the_same(
            told, figures_of(self.expected), self.instrument, self.leeway
        )

    @property
    def adds_up(self) -> bool:
        """Whether the book's rows make the quantity that the broker holds."""
        told, made = (Figures(each) for each in (self.told_quantity, self.summed.quantity))
        return tell_the_same(told, made, self.instrument)

    @property
    def told_quantity(self) -> Decimal:
        return figures_of(self.broker).quantity

    @property
    def unexplained(self) -> Decimal:
        """What no row stands for, however much of it is stored: the adjustment fills this gap."""
        return self.told_quantity - self.summed.quantity


def cases_of(observation: Observation, executions: Iterable[ExecutionChange]) -> Iterator[Case]:
    """Every position that somebody holds or that this plan's executions move."""
    account, book = observation.account, observation.book
    broker = {PositionKey(account, p.symbol, p.side): p for p in observation.broker.positions}
    stored = {PositionKey(account, row.symbol, row.side): row for row in book.positions}
    adjustments: dict[PositionKey, list[Adjustment]] = defaultdict(list)
    for each in book.adjustments:
        adjustments[key_of(each)].append(each)
    new, corrected = _by_position(executions)
    sides: tuple[Mapping[PositionKey, Told], ...] = (broker, stored, book.computed)
    held = {key for side in sides for key, position in side.items() if position.quantity}
    for key in sorted(held | new.keys() | corrected.keys()):
        computed = book.computed.get(key)
        instrument = observation.broker.instruments.get(key.symbol)
        follow = partial(
            followed,
            key,
            executions=new.get(key, ()),
            corrections=corrected.get(key, ()),
            adjustments=adjustments.get(key, ()),
            left=computed.adjustments_left if computed else None,
            instrument=instrument,
        )
        expected = follow(stored=stored.get(key))
        yield Case(
            key=key,
            instrument=instrument,
            broker=broker.get(key),
            stored=stored.get(key),
            expected=expected,
            summed=follow(stored=_as_stored(computed)) if computed else expected,
            moved=key in new or key in corrected,
            leeway=_leeway(
                broker.get(key),
                computed.fees if computed else ZERO,
                (*new.get(key, ()), *(after for _, after in corrected.get(key, ()))),
                instrument,
            ),
        )


def _as_stored(computed: ComputedPosition) -> BookPosition:
    """As the book would hold it, had it remembered what its rows make."""
    key = computed.key
    return BookPosition(
        account=key.account,
        symbol=key.symbol,
        side=key.side,
        quantity=computed.quantity,
        average_price=computed.average_price,
    )


def _leeway(
    told: BrokerPosition | None,
    fees: Decimal | None,
    rows: Iterable[BookExecution],
    instrument: Instrument | None,
) -> Decimal | None:
    """Per unit, all the fees that the book's rows and these ones paid for what is held."""
    if told is None or not told.fees_in_average or not told.quantity:
        return ZERO
    paid = [fees, *(fee_paid(row, instrument) for row in rows)]
    total = ZERO
    for fee in paid:
        if fee is None:
            return None
        total += abs(fee)
    return total / abs(told.quantity) / (instrument.multiplier if instrument else ONE)


def _by_position(
    executions: Iterable[ExecutionChange],
) -> tuple[dict[PositionKey, list[BookExecution]], dict[PositionKey, list[Correction]]]:
    new: dict[PositionKey, list[BookExecution]] = defaultdict(list)
    corrected: dict[PositionKey, list[Correction]] = defaultdict(list)
    for change in executions:
        if change.before is None:
            new[key_of(change.after)].append(change.after)
        else:
            corrected[key_of(change.after)].append((change.before, change.after))
    return new, corrected
