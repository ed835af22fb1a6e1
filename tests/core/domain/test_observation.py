"""What a decision may look at."""

from tests.build import book_execution, book_view


def test_executions_are_summed_by_their_order() -> None:
    book = book_view(book_execution("T-1", 5), book_execution("T-2", 3))

    assert book.executed_quantity("V-1") == 8
    assert book.executed_quantity("V-2") == 0
    assert book.executed_quantity(None) == 0
