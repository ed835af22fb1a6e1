"""Long work in slices: it pauses now and then, and whoever has it done may see to something else.

The work itself is a generator and knows nothing of that; its answer is what it returns.
"""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Paced = Generator[None, None, T]

# So many rows take a millisecond or two.
SLICE = 256


def at_once(work: Paced[T]) -> T:
    """Without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            answer: T = done.value
            return answer
