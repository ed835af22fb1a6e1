"""The gates are read anew each time, from what lies there at that moment."""

import os

from core.config.gates import Gates
from core.config.watch import GateWatch
from tests.core.config.conftest import Configure

OPEN = "DRY_RUN: false\nSAFE_MODE: false\nDRY_RUN_CONFIRM: true\n"


def opened(gates: Gates) -> bool:
    return (gates.dry_run, gates.safe_mode, gates.confirm) == (False, False, True)


def test_the_sentinel_shuts_and_its_going_opens(configure: Configure) -> None:
    root = configure(OPEN)
    watch = GateWatch(root, {})
    assert opened(watch.now())
    (root / "status").mkdir()
    (root / "status/SAFE_MODE").write_text("hands off", "utf-8")
    shut = watch.now()
    assert shut.safe_mode
    assert shut.why["SAFE_MODE"] == "status/SAFE_MODE: hands off"
    (root / "status/SAFE_MODE").unlink()
    assert opened(watch.now())


def test_an_edit_counts_at_once_even_when_time_and_size_stay_the_same(
    configure: Configure,
) -> None:
    root = configure(OPEN.replace("SAFE_MODE: false", "SAFE_MODE: false "))
    file = root / "config/local_reconcile.yml"
    before = file.stat()
    watch = GateWatch(root, {})
    assert opened(watch.now())
    configure(OPEN.replace("SAFE_MODE: false", "SAFE_MODE:  true "))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert watch.now().safe_mode


def test_a_file_that_became_unreadable_shuts_everything(configure: Configure) -> None:
    root = configure(OPEN)
    watch = GateWatch(root, {})
    assert opened(watch.now())
    for broken in ("DRY_RUN: [\n", "DRY_RUNN: false\n" + OPEN, "a: &a [*a]\n"):
        configure(broken)
        now = watch.now()
        assert (now.dry_run, now.safe_mode, now.confirm) == (True, True, False)
        assert now.why["SAFE_MODE"].startswith("the configuration cannot be read: ")
    (root / "config/local_reconcile.yml").unlink()
    assert watch.now().safe_mode
    configure(OPEN)
    assert opened(watch.now())


def test_variables_and_flags_go_on_counting(configure: Configure) -> None:
    root = configure(OPEN)
    assert GateWatch(root, {"TRUEUP_SAFE_MODE": "true"}).now().safe_mode
    assert GateWatch(root, {}, {"DRY_RUN": ("--dry-run", "true")}).now().dry_run
