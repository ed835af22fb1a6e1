"""Which client library there is, and what it costs not to need it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.brokers.ib import library as chosen
from core.domain.errors import Unavailable


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    chosen.library.cache_clear()
    yield
    chosen.library.cache_clear()


def test_the_one_that_is_installed_is_taken(library_name: str) -> None:
    assert chosen.library().__name__ == library_name


@pytest.mark.parametrize(
    ("libraries", "why"),
    [
        (("json", "html"), "both installed"),
        (("no_such_module_a", "no_such_module_b"), "no IB client library"),
    ],
)
def test_two_or_none_are_told_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, libraries: tuple[str, str], why: str
) -> None:
    monkeypatch.setattr(chosen, "LIBRARIES", libraries)
    with pytest.raises(Unavailable, match=why) as raised:
        chosen.library()
    assert raised.value.hint


def test_the_adapter_does_not_import_it_before_it_connects() -> None:
    code = (
        "import sys; from core.brokers.ib import IbBroker;"
        "from core.config.settings import Account;"
        "from core.host.clock import SystemClock;"
        "IbBroker('ib1', Account(broker='ib'), SystemClock()).capabilities;"
        "sys.exit(any(name in sys.modules for name in ('ib_insync', 'ib_async', 'eventkit')))"
    )
    root = Path(__file__).parents[4]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0
