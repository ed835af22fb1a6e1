"""The operator's commands and how their results are shown."""
