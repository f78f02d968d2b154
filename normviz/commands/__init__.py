"""The commands of ``python -m normviz``: a module each, or one for two that belong together."""
