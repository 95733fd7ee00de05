"""Who may ask the page anything? Only a browser on this computer that was given the key, under the page's own name."""

from collections.abc import Mapping
from hmac import compare_digest
from secrets import token_urlsafe
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_FORM = 1_000_000  # bytes
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip


class Keys:
    """The secrets of one server: the key in the address it prints, the cookie that the key is changed for, the token of its forms.

    The port is in the cookie's name, since browsers keep the cookies of all ports of a host together.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.key, self.form_token, self._session = (token_urlsafe(32) for _ in range(3))

    @property
    def hosts(self) -> set[str]:
        """What a request may name as its host: another name that leads here is another page's trick."""
        return {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}

    @property
    def cookie(self) -> str:
        """Name and value of the cookie, and who may send it."""
        return f"{self._cookie_name}={self._session}; Path=/; HttpOnly; SameSite=Strict"

    def is_key(self, query: str) -> bool:
        """Whether an address carries the key."""
        return compare_digest(parse_qs(query).get("key", [""])[0].encode(), self.key.encode())

    def is_let_in(self, headers: Headers) -> bool:
        """Whether a request carries the cookie."""
        held = cookie_parser(headers.get("cookie", "")).get(self._cookie_name, "")
        return compare_digest(held.encode(), self._session.encode())

    def is_own_form(self, fields: Mapping[str, str]) -> bool:
        """Whether a form was sent from a page of this server."""
        return compare_digest(fields.get("token", "").encode(), self.form_token.encode())

    @property
    def _cookie_name(self) -> str:
        return f"judgefair-review-{self.port}"


class Guard:
    """Turns away what does not come from the reader's own browser, and puts the same strict headers on every answer."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, send_strictly)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, query = Headers(scope=scope), scope["query_string"].decode("latin-1")
        if headers.get("host", "") not in self._keys.hosts:
            return PlainTextResponse("Refused: this page answers to 127.0.0.1 alone.", 403)
        if scope["method"] == "GET" and self._keys.is_key(query):
            return RedirectResponse("/", 303, {"Set-Cookie": self._keys.cookie})
        if not self._keys.is_let_in(headers):
            return PlainTextResponse("Refused: open the address that judgefair review printed, with its key.", 403)
        size = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not size.isdigit() or int(size) > LARGEST_FORM:
            return PlainTextResponse(f"Refused: a form may have {LARGEST_FORM:,} bytes, and has to say how many it has.", 413)
        return None
