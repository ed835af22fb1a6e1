"""Measurements as ratios, side by side in one run: `make bench`, or `python -m bench P1 P3`."""
