"""What a long-running process does about its memory."""

import gc


def keep_for_good() -> None:
    """From here on no collection walks what is there by now: libraries, and all that start-up made.

    Python looks through everything again whenever enough was added; with a venue's library loaded
    that is a tenth of a second in which nobody looks at a price.
    """
    gc.collect()
    gc.freeze()
