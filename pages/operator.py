"""Operator: how this server is and what may be done about it, behind a token."""

from normviz.ui.operations import show

show()
