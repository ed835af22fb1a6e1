from pathlib import Path

import pytest

from tests.core.book.copies.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A book with two orders and their executions."""
    shelf = Shelf(tmp_path)
    shelf.add_orders("V-1", "V-2")
    return shelf
