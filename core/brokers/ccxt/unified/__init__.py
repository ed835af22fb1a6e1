"""Any other exchange that ccxt knows, through its unified methods: to be reconciled, not traded.

The unified interface does not say whether an order can be found by our key, nor how long a venue
remembers one. Without that a lost reply could never be settled, so nothing is sent from here, and
absence is never concluded. Symbols are ccxt's own, such as BTC/USDT:USDT.
"""
