"""What a long-running process does about its memory."""

import gc

from core.host.memory import keep_for_good


def test_what_is_there_by_now_is_walked_no_more() -> None:
    before = gc.get_freeze_count()
    try:
        keep_for_good()
        assert gc.get_freeze_count() > before + 1000
    finally:
        gc.unfreeze()
