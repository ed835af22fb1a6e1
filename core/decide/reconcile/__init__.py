"""What differs between broker and book, and what to do about it: match, diff, protect, propose."""
