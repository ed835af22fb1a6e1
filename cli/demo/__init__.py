"""The demo: one story (story.py), told on paper or against an emulated venue (one module each)."""
