"""The house of trueup: observe, decide, write down, and one door that carries it out."""

__version__ = "0.1.0"
