"""What axe-core finds wrong with a page (https://www.deque.com/axe/), as sentences."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

SEVERE = ("moderate", "serious", "critical")
"""Findings of these kinds keep somebody from using the page, or make it harder."""

_HOW = (
    "{ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }"  # 24 pixels for a finger
)


def findings(page: Page) -> list[str]:
    """Severe findings on a page as it stands: how bad, which rule, where, and why."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(" + _HOW + ")")
    return [
        f"{rule['impact']}: {rule['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in SEVERE
        for node in rule["nodes"]
    ]
