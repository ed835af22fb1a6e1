"""Bybit v5 with a unified account: linear contracts or spot.

Our key is the orderLinkId, which Bybit never takes twice. Quantities are in the base coin on both
sides. In spot nothing is a position to Bybit; here what is owned of a coin is one.
"""
