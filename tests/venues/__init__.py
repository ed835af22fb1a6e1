"""Emulated venues on loopback: real servers with a small exchange behind each.

    async with BybitVenue() as venue:
        client.urls["api"] = redirect(client.urls["api"], venue.url)
        venue.exchange.move_quote("BTCUSDT", bid="59000", ask="59000.1")
        venue.faults.next("order/create", Fault.LOST_REPLY)
        venue.events.drop("order")

`venue.exchange` is the world: quotes, fills, funding, liquidations, the clock. `venue.faults` and
`venue.events` are the ways in which the wire misbehaves. `venue.requests` remembers what came in.
Synchronous code wraps a venue in `InBackground`; `python -m tests.venues.bybit` starts one alone.
"""
