"""Experiments: one runner a question.

A runner is a generator named by its spec (``normviz.specs``): it yields one ``Schema`` and then ``Frame``s,
and is a pure function of the spec.  It knows nothing of processes, streams or pages.
"""
