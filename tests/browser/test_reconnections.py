"""A page whose session and stream are led to different servers: loading it again helps, and it does so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, WebSocketRoute

from tests.browser.visitors import Visitor

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
RUN = "train?norms=none,batch&depth=2&width=16&steps=50&seeds=1&seed=31"


@dataclass
class Astray:
    """A visitor whose streams are led to a server that knows none of their runs, so many times."""

    visitor: Visitor
    most: int
    loads: int = 0
    asked: list[str] = field(default_factory=list)
    """What that server was asked for."""

    def __post_init__(self) -> None:
        page = self.visitor.page
        page.on("domcontentloaded", self._count)
        page.route_web_socket(re.compile("/lab/open/"), lambda socket: socket.close(code=4404))
        page.route_web_socket(re.compile("/lab/stream/"), self._lead)

    def _count(self, _: Page) -> None:
        self.loads += 1

    def _lead(self, socket: WebSocketRoute) -> None:
        if self.loads < 2 and len(self.asked) < self.most:
            self.asked.append(socket.url.partition("?")[0])
            socket.close(code=4404, reason="This run is not known here any more.")
        else:
            socket.connect_to_server()


def test_it_is_loaded_again_when_its_script_goes_on_naming_an_address_that_is_not_known(
    visit: Visit,
) -> None:
    astray = Astray(visit(), most=100)
    astray.visitor.play(RUN)
    assert astray.loads == 2
    assert len(set(astray.asked)) == 1
    assert astray.visitor.data("loss")


def test_it_is_not_loaded_again_for_an_address_that_is_known_soon(visit: Visit) -> None:
    astray = Astray(visit(), most=3)
    astray.visitor.play(RUN)
    assert (astray.loads, len(astray.asked)) == (1, 3)
