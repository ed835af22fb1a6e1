"""Leaving trades: is it time (stage A), and may it be done now, and how (stage B)."""
