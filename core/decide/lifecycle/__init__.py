"""From entry to exit: how a position's protection follows its profit."""
