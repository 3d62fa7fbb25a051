"""What a browser is sent: pages, files, refusals, each under headers that let it load and run nothing but ours."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from billing.console.asking import File
from billing.console.blocks import View, csv_of, tables_in
from billing.console.drawing import STATIC, draw, etag_of, static_file, static_path
from billing.console.policy import navigation
from billing.console.visit import DONE, Visit

# default-src 'none': what is not named here is not loaded. No inline script or style runs, and nobody frames a page.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    # same-origin, not none: without a referrer a browser does not say where a form was posted from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Cookie",
}
_TITLES: Mapping[int, tuple[str, str]] = {
    401: ("Signed out", "Please sign in again."),
    403: ("Not allowed", "This may not be done with the key that you signed in with."),
    404: ("Nothing here", "There is no such page, or it is not yours to see."),
    405: ("Not here", "This page answers to nothing but being opened and its own forms."),
    406: ("Not in this form", "It cannot be had in this form on this machine."),
    408: ("Too slow", "What was sent took too long to come."),
    413: ("Not a form", "What was sent is too long, or no form of ours."),
    429: ("Too many requests", "Try again in a while."),
    500: ("A fault of ours", "It was noted. Nothing was changed by half."),
    503: ("Not ready", "The store is busy. Try again in a moment."),
}


def dressed(response: Response) -> None:
    """Put the headers on that every answer of the console has."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "private, no-store")


def error_page(status: int, words: str = "") -> Response:
    """Return a refusal as a page: the same bytes for the same cause, whoever asks."""
    title, usual = _TITLES.get(status, _TITLES[500] if status >= 500 else ("Not possible", "It was refused."))
    return Response(draw("error.html.j2", title=title, words=words or usual), status, media_type="text/html")


def static_answer(name: str, known: str | None) -> Response:
    """Return one of the files that pages are drawn with. It may be kept for ever: its address says what is in it."""
    if name not in STATIC:
        return error_page(404)
    tag = f'"{static_path(name).rpartition("=")[2]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=31536000, immutable"}
    if known == tag:
        return Response(b"", 304, headers)
    return Response(static_file(name), 200, headers, media_type=STATIC[name])


def file_answer(file: File) -> Response:
    """Return a file to be kept."""
    name = "".join(each if each.isalnum() or each in "._-" else "_" for each in file.name)
    return Response(file.body, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, file.content_type)


def view_answer(request: Request, visit: Visit, view: View, token: str, status: int = 200) -> Response:
    """Return a page; or one of its tables as CSV, where the address asks for that; or that nothing has changed."""
    wanted = visit.query.get("csv")
    if wanted is not None and request.method == "GET":
        table = next((each for each in tables_in(view) if each.name == wanted), None)
        if table is None:
            return error_page(404)
        return file_answer(File(f"{table.name}.csv", "text/csv; charset=utf-8", csv_of(table)))
    tag = etag_of(view)
    if view.live_s and request.headers.get("if-none-match") == tag:
        return Response(b"", 304, {"ETag": tag})
    who = visit.scope.principal
    page = draw(
        "page.html.j2",
        view=view,
        who=who,
        csrf=token,
        once=visit.house.entropy(16).hex,
        navigation=navigation(who.role, who.scopes),
        here=request.scope["path"],
        query_with=lambda **more: f"?{urlencode({**_kept(visit), **more})}",
        done=DONE.get(visit.query.get("done", ""), ""),
        problem=visit.problem,
    )
    return Response(page, status, {"ETag": tag} if view.live_s else None, media_type="text/html")


def _kept(visit: Visit) -> dict[str, str]:
    return {name: value for name, value in visit.query.items() if name not in ("done", "csv")}
