"""Names of orders that the book meets for the first time."""

import pytest

from core.domain.naming import Names, possible_names


def test_a_name_is_given_once() -> None:
    names = Names("main", ["tu-taken"])
    first = names.of("BTCUSDT", "7", None)
    second = names.of("ETHUSDT", "7", None)
    assert len({first, second}) == 2
    assert names.of("BTCUSDT", "8", "tu-1") == "tu-1"
    assert names.of("BTCUSDT", "9", "tu-taken") != "tu-taken"


def test_the_names_that_an_order_could_bear_are_known_beforehand() -> None:
    possible = possible_names("main", "BTCUSDT", "7", "tu-1")
    names = Names("main", [])
    assert [names.of("BTCUSDT", "7", "tu-1") for _ in possible] == list(possible)
    with pytest.raises(ValueError, match="every name"):
        names.of("BTCUSDT", "7", "tu-1")


def test_a_foreign_client_id_is_no_name() -> None:
    assert possible_names("main", "BTCUSDT", "7", "bot") == possible_names(
        "main", "BTCUSDT", "7", None
    )
