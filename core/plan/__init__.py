"""What is to happen, written down before it does."""
