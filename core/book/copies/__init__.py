"""Copies of the book: taking, checking, keeping and putting them back."""
