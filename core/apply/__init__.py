"""The door: the one place where the broker or the book is changed."""
