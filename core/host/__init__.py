"""The machine: its clock, its chance, its disk, and the log of what we did on it."""
