"""Bybit v5 on loopback: a unified account with linear and spot markets."""

from tests.venues.bybit.venue import BybitVenue

__all__ = ["BybitVenue"]
