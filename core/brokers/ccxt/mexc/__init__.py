"""MEXC contracts.

MEXC counts in contracts; here every quantity is in the base coin. Our key is the externalOid. Stops
are plan orders, which live seven days at most and carry no id of ours: when a plan order triggers,
another order trades for it. The two are told as one order here, under the plan order's id, with the
id of the one that trades as its perm_id.
"""
