"""The book: our own record of orders, executions and positions, on SQLite."""
