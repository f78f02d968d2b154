"""An exported script, run in a namespace of its own."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from normviz.export import script
from normviz.spec import Spec


def loaded(spec: Spec, chapter: str = "", **settings: Any) -> Any:
    """The script of a spec as a module, not run yet; settings replace those of the spec."""
    module = ModuleType("exported")
    sys.modules["exported"] = module
    exec(compile(script(spec, chapter), "exported.py", "exec"), module.__dict__)
    module.__dict__.update(settings)
    return module
