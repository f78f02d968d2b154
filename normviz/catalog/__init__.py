"""What there is: norms, networks and data sets as facts, free of torch.

Each entry names where the lab finds the real thing, as "module:name".
"""
