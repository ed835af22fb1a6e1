"""The nouns: what exists in an account and in a book, as frozen values that only tell."""
