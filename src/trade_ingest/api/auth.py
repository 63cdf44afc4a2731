"""Who asks, and may they: bearer tokens, browser sessions, users that a proxy names, tokens of an OIDC issuer."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flask import Flask, Request, current_app, g, request

from trade_ingest.api.access import Scope, required_scope
from trade_ingest.api.connections import connections
from trade_ingest.api.failures import FailureLimit
from trade_ingest.api.oidc import Issuer
from trade_ingest.api.options import ApiOptions
from trade_ingest.api.origin import SAFE_METHODS, Origins
from trade_ingest.errors import ConfigurationError, CrossSiteError, ForbiddenError, UnauthenticatedError
from trade_ingest.ledger.tokens import Token, csrf_token_of, find_session, find_token
from trade_ingest.settings import Settings

EXTENSION: Final = "trade_ingest_auth"
SESSION_COOKIE: Final = "trade_ingest_session"
CSRF_COOKIE, CSRF_HEADER = "XSRF-TOKEN", "X-XSRF-TOKEN"  # as Angular's HttpClient does it by itself

_LONGEST_TOKEN = 16_384


class Method(StrEnum):
    """How somebody was known."""

    LOCAL = "local"
    TOKEN = "token"  # noqa: S105
    SESSION = "session"
    PROXY = "proxy"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they may do; `token` is that of the ledger by which they came in."""

    name: str
    scope: Scope
    method: Method
    token: Token | None = None


class Gate:
    """Finds out who asks."""

    def __init__(self, settings: Settings) -> None:
        self.origins = Origins.of(settings)
        self._failures = FailureLimit()
        self._is_open = settings.api_auth == "none"
        self._proxy_header = settings.api_proxy_user_header
        self._proxy_scope = Scope(settings.api_proxy_scope)
        self._issuer = _issuer_of(settings)

    def admit(self, request: Request) -> Principal:
        """Who asks.

        Raises:
            UnauthenticatedError: nobody that is known.
            TooManyFailuresError: the same, and the address has sent too many wrong tokens or cookies.
            CrossSiteError: a page of another site asks in the name of its visitor.
        """
        bearer = _bearer_of(request)
        if bearer is not None:
            return self.admit_bearer(bearer, request)
        self.origins.check_site(request)
        principal = self._admit_session(request) or self._admit_proxied(request)
        if principal is None and self._is_open:
            principal = Principal("local", Scope.ADMIN, Method.LOCAL)
        if principal is None:
            if SESSION_COOKIE in request.cookies:
                self._failures.count(self.origins.address_of(request))
            message = "the API wants to know who asks"
            raise UnauthenticatedError(
                message, hint="send Authorization: Bearer TOKEN; make one: trade-ingest token create"
            )
        return principal

    def admit_bearer(self, text: str, request: Request) -> Principal:
        """Who bears a token; a good one lets in, however many wrong ones its address has sent.

        Raises:
            UnauthenticatedError, ForbiddenError, TooManyFailuresError, IdentityProviderError: nobody, or not now.
        """
        try:
            if self._issuer is not None and text.count(".") == 2:  # noqa: PLR2004  # a JWT; ours have no dot
                name, scope = self._issuer.verify(text)
                return Principal(name, scope, Method.OIDC)
            token = _known_token(text)
        except UnauthenticatedError:
            self._failures.count(self.origins.address_of(request))
            raise
        return Principal(token.name, Scope(token.scope), Method.TOKEN, token)

    def _admit_session(self, request: Request) -> Principal | None:
        secret = request.cookies.get(SESSION_COOKIE)
        if not secret:
            return None
        with connections().borrow() as connection:
            token = find_session(connection, secret)
        if token is None:
            return None
        sent = request.headers.get(CSRF_HEADER, "")
        if request.method not in SAFE_METHODS and not hmac.compare_digest(
            sent.encode(errors="replace"), csrf_token_of(secret).encode()
        ):
            message = f"a write of a session needs the header {CSRF_HEADER} with the value of the cookie {CSRF_COOKIE}"
            raise CrossSiteError(message)
        return Principal(token.name, Scope(token.scope), Method.SESSION, token)

    def _admit_proxied(self, request: Request) -> Principal | None:
        if self._proxy_header is None or not self.origins.is_trusted(request.remote_addr):
            return None
        name = request.headers.get(self._proxy_header, "").strip()
        return Principal(name[:200], self._proxy_scope, Method.PROXY) if name else None


def gate() -> Gate:
    """The gate of the app that handles the request."""
    found: Gate = current_app.extensions[EXTENSION]
    return found


def principal() -> Principal:
    """Who asks; only in a view that is not public."""
    found: Principal = g.principal
    return found


def install(app: Flask, options: ApiOptions) -> None:
    """Let an app answer only who may ask; each view says by `access.needs` or `access.public` who that is."""
    app.extensions[EXTENSION] = Gate(options.settings)

    @app.before_request
    def admit() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None:
            return  # there is no such route: 404 or 405
        wanted = required_scope(view)
        if wanted is None:
            return
        gate().origins.check_host(request)
        g.principal = gate().admit(request)
        if not g.principal.scope.includes(wanted):
            message = f"{g.principal.name!r} has scope {g.principal.scope}; this takes {wanted}"
            raise ForbiddenError(message, hint=f"use a token with scope {wanted}", scope=wanted.value)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    import ipaddress

    if host == "localhost" or host.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(settings: Settings) -> None:
    """Refuse to serve everybody.

    Raises:
        ConfigurationError: others can reach the address, and nothing would ask them who they are; or a proxy or an
            issuer says who asks, and whom it does not name would be the administrator.
    """
    named_by = [name for name in ("api_proxy_user_header", "api_oidc_issuer") if getattr(settings, name)]
    if settings.api_auth == "none" and named_by:
        message = f"{named_by[0]} is given, and api_auth is none: who is not named would be the administrator"
        raise ConfigurationError(message, hint="serve with --auth token", problems=(message,))
    if settings.api_auth == "none" and not is_loopback(settings.api_host):
        message = f"{settings.api_host} can be reached from other machines, and api_auth is none"
        raise ConfigurationError(message, hint="serve with --auth token, or on 127.0.0.1", problems=(message,))


def _known_token(text: str) -> Token:
    with connections().borrow() as connection:
        token = find_token(connection, text) if len(text) <= _LONGEST_TOKEN else None
    if token is None:
        message = "the bearer token is not known, has expired or was revoked"
        raise UnauthenticatedError(message, hint="make one: trade-ingest token create")
    return token


def _bearer_of(request: Request) -> str | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


def _issuer_of(settings: Settings) -> Issuer | None:
    if settings.api_oidc_issuer is None:
        return None
    if settings.api_oidc_audience is None:
        message = "api_oidc_issuer is given without api_oidc_audience: tokens for anybody would be taken"
        raise ConfigurationError(message, hint="name the audience that the issuer gives to tokens for trade-ingest")
    return Issuer(
        settings.api_oidc_issuer, settings.api_oidc_audience, settings.api_oidc_jwks_url, settings.api_oidc_claim
    )
