"""Pieces of exported scripts: plain PyTorch, one network at a time, as one would write it by hand.

Each module is a part of a script, its docstring that part's heading and comment.  `normviz.export` reads
them as text; tests run them.
"""
