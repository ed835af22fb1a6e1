"""Hypothesis profiles, temporary homes in memory where the machine has room for them, and Ctrl-C
that is heard also in a run that was started in the background.

No deadline on a shared machine, and the same examples on every CI run. Every commit waits for its
fsync; on a disk that is most of what the suite would do, and a killed process does not care.
"""

import os
import shutil
import signal

from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

MEMORY = "/dev/shm"
ROOM_BYTES = 4 * 1024**3

if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)

# What a shell starts in the background ignores it, and so would every command under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
