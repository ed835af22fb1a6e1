"""Venues: each adapter translates types, identifiers and errors, and decides nothing."""
