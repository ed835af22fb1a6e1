"""An operator's configuration: every key, its default, and where its value came from."""
