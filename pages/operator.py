"""Operator: how this server is and what may be done about it, behind a token.  In English, like its log."""

from normviz.ui.operations import show

show()
