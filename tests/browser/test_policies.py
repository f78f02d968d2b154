"""What a stranger's text does on a page: it is shown.  And what it could do if it ever did more: nothing.

That pages themselves do nothing which their policy forbids, every browser test sees (``visitors.HELPERS``).
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect

from normviz.ui import shelf
from tests.browser.visitors import Visitor

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]

MARKUP = (
    '<img src=x onerror="window.hit=1"><script>window.hit=1</script><iframe src=//evil.example></iframe>',
    "[link](https://evil.example) ![image](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example a@evil.example http:evil.example HTTPS://EVIL.EXAMPLE",
    ":material/home: :smile: :red[red] :blue-badge[b] $x^2$ `code` **bold** _it_ ~~gone~~ \\(y\\) $$z$$",
    "\n\n# head\n\n- item\n\n    block\n\n```\nfence\n```\n\n| a | b |\n| - | - |\n\n---\n",
    "\\[x](https://evil.example) &lt;b&gt; \u202eturned \u0000 \x1b[31m",
)
"""Everything that Markdown, HTML and Streamlit make something of."""
MADE = ", ".join(
    (
        "a", "img", "script", "iframe", "h1", "h2", "h3", "li", "pre", "code", "strong", "em", "del", "hr",
        "table", ".katex", "span[style]", "span[role=img]", "[data-testid=stIconMaterial]", "[class*=Badge]",
    )
)  # fmt: skip
QUOTED = {
    "train": ("lr", "norms", "changes", "question", "lang", "lesson"),
    "": ("mode", "batch"),
    "anatomy": ("norm",),
    "lesson": ("step", "lang"),
}
"""Pages, and parameters that their messages quote."""


@pytest.mark.parametrize("path", QUOTED)
def test_messages_show_what_they_quote_and_make_nothing_of_it(visit: Visit, path: str) -> None:
    visitor = visit()
    query = dict(zip(QUOTED[path], MARKUP, strict=False))
    lesson = {"lesson": "broken-networks"} if path == "lesson" else {}
    page = visitor.open(f"{path}?{urlencode(query | lesson, quote_via=quote)}")
    texts = page.locator('[data-testid="stAlert"] [data-testid="stMarkdownContainer"]')
    expect(texts).to_have_count(len(query))
    expect(texts.filter(has_text='<img src=x onerror="window.hit=1">')).to_have_count(1)
    expect(texts.locator(MADE)).to_have_count(0)
    harmless(visitor)


def harmless(visitor: Visitor) -> None:
    """Nothing ran, and nobody was asked."""
    assert visitor.page.evaluate("() => window.hit") is None
    assert not [url for url in visitor.requests if "evil.example" in url.partition("?")[0].lower()]


def test_a_lesson_in_a_link_leads_nowhere_else(visit: Visit) -> None:
    """Its texts may be set in Markdown; links, pictures and HTML come of nothing that it says."""
    text = "**bold** " + " ".join(one for one in MARKUP if "![" not in one)
    steps = [{"page": "anatomy", "title": MARKUP[2], "text": text, "task": text}]
    code = shelf.encode({"title": MARKUP[2], "steps": steps})
    visitor = visit()
    page = visitor.open(f"anatomy?{urlencode({'lesson': code})}")
    head = page.locator(".st-key-lesson-head")
    expect(head.locator("strong").first).to_be_visible()
    expect(head).to_contain_text("evil.example")
    # A heading has a link to itself.
    expect(head.locator("a:not([href^='#']), img, script, iframe")).to_have_count(0)
    harmless(visitor)


TRIED = (
    "document.body.insertAdjacentHTML('beforeend', `<img src=x onerror='window.hit = 1'>`)",
    "add('script', {textContent: 'window.hit = 1'})",
    "add('script', {src: 'data:text/javascript,window.hit = 1'})",
    "add('iframe', {srcdoc: '<script>parent.hit = 1</script>'})",
    "add('a', {href: 'javascript:window.hit = 1'}).click()",
    "setTimeout('window.hit = 1')",
)


def test_a_stranger_s_markup_could_do_nothing(visit: Visit) -> None:
    """Each of these works on a page without a policy."""
    visitor = visit()
    page = visitor.open("anatomy")
    page.wait_for_selector(".nva-controls")
    for tried in TRIED:
        page.evaluate(
            f"""() => {{
              const add = (name, facts) => {{
                const made = Object.assign(document.createElement(name), facts);
                document.body.append(made);
                return made;
              }};
              try {{ {tried}; }} catch {{}}
            }}"""
        )
    page.wait_for_timeout(300)
    assert page.evaluate("() => window.hit") is None
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    assert (
        page.evaluate("() => fetch('https://evil.example').then(() => 'sent', () => 'refused')") == "refused"
    )
    page.wait_for_timeout(300)
    blocked = {fault.partition("forbidden: ")[2].partition(" ")[0] for fault in visitor.faults} - {""}
    assert {"script-src-elem", "connect-src"} <= blocked, blocked
    assert not asked
    visitor.faults.clear()  # they were the point
