"""MEXC contracts on loopback: perpetuals in contracts, plan orders for stops."""

from tests.venues.mexc.venue import MexcVenue

__all__ = ["MexcVenue"]
