"""Bound figures: declared in Python, resolved in the browser and here."""
