"""Deciding about signals: whether one can be believed, and what an account answers to it."""
