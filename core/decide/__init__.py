"""Decisions: pure functions from what was observed to what should change. No I/O, no clock."""
