"""What an operator can ask for: one use case a file, each a few steps over the layers below."""
