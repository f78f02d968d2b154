"""Catalogues of what the site says, in GNU gettext's form: one folder a language, English as the key.

    python -m normviz.locale    collect new sentences into every ``.po``, and compile them

A ``.po`` is for translators, its ``.mo`` is what the server reads; both are kept, so that the site speaks
without anything being compiled.  Collecting and compiling need Babel (``requirements-dev.txt``).
"""
