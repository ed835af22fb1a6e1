"""A simulated venue whose account is one JSON file in the snapshot format.

The file is the venue's whole memory: several processes, and a person with an editor, may use it at
once. Quotes stand still until somebody moves them; every access first settles what they say.
"""
