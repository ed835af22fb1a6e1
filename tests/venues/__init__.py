"""Emulated venues on loopback: real servers with a small exchange behind each."""
