"""Signals on their way in: where producers leave them, read to the last line and once each."""
