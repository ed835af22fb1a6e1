"""Reads broker and book at one instant into an Observation."""
