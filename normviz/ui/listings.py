"""What is taken away over HTTP from the pages whose settings live in the browser.

    GET /lab/code/{experiment}.py       the script, with the settings of the query: that of the page's link
    GET /lab/code/{experiment}.ipynb    the same as a notebook
    GET /lab/code/{experiment}.html     the page as one file that opens without a server, in its language

All lie under Streamlit's base path.  What cannot be met is answered with 400 or 404 and a sentence.  Making
a file takes milliseconds; nothing is computed or kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

from normviz.export import ExportError, file_name, notebook, script
from normviz.spec import Spec
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import Start
from normviz.ui.offline import computing
from normviz.ui.settings import command
from normviz.ui.words import of_request, speaking

PAGES: dict[str, type[Spec]] = {"start": Start, "anatomy": Anatomy}
"""The experiments that have no run on the server."""


def _page(spec: Spec) -> str:
    return computing(
        cast("Start | Anatomy", spec),
        origin=f"{command(spec, 'export')} --format html --out {spec.name}.html",
    )


FORMS: dict[str, tuple[Callable[[Spec], str], str]] = {
    "py": (script, "text/x-python"),
    "ipynb": (notebook, "application/x-ipynb+json"),
    "html": (_page, "text/html"),
}
"""By the ending of the file: what makes it, and its type."""


def address(experiment: str, ending: str) -> str:
    """Where a file of an experiment is served, relative to the site's base path."""
    return f"lab/code/{experiment}.{ending}"


def routes() -> list[Route]:
    """The route, under the configured base path."""
    base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"{base.rstrip('/')}/lab/code/{{experiment}}.{{ending}}", _serve, methods=["GET"])]


def _serve(request: Request) -> Response:
    """One file; a plain function, so that the event loop goes on meanwhile."""
    experiment, ending = request.path_params["experiment"], request.path_params["ending"]
    if experiment not in PAGES or ending not in FORMS:
        return _refused("There is no such code.", 404)
    spec, problems = PAGES[experiment].from_query(request.query_params)
    if problems:
        return _refused(" ".join(problem.sentence for problem in problems), 400)
    make, kind = FORMS[ending]
    try:
        with speaking(of_request(request)):
            text = make(spec)
    except ExportError as reason:
        return _refused(str(reason), 400)
    disposition = f'attachment; filename="{file_name(experiment, "", ending)}"'
    return Response(text, headers=_HEADERS | {"Content-Disposition": disposition}, media_type=kind)


def _refused(sentence: str, status: int) -> Response:
    return PlainTextResponse(sentence, status, headers=_HEADERS)


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
