"""Bearer tokens of an issuer of OpenID Connect: JWTs, checked by the issuer's public keys (JWKS)."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trade_ingest.api.access import Scope
from trade_ingest.errors import ForbiddenError, IdentityProviderError, UnauthenticatedError

if TYPE_CHECKING:
    from jwt import PyJWK, PyJWKClient

logger = logging.getLogger(__name__)

# No HMAC: a public key must never be taken for a shared secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPE_PREFIX = "trade-ingest:"

_TIMEOUT_SECONDS = 5
_LEEWAY_SECONDS = 30  # between this clock and the issuer's


@dataclass(frozen=True)
class Issuer:
    """An issuer whose tokens are taken.

    Attributes:
        issuer: its URL, as in the claim ``iss``.
        audience: for whom a token must be, as in the claim ``aud``.
        jwks_url: where its keys are; None: where its ``openid-configuration`` says.
        claim: the claim with the scopes, a text separated by spaces or a list.
    """

    issuer: str
    audience: str
    jwks_url: str | None = None
    claim: str = "scope"

    def verify(self, text: str) -> tuple[str, Scope]:
        """Who the bearer of a token is, and what it allows.

        Raises:
            UnauthenticatedError: it is not signed by the issuer, has expired, or is for somebody else.
            ForbiddenError: it is good, and has no scope of ours.
            IdentityProviderError: the issuer does not give its keys.
        """
        claims = self._claims(text)
        scope = self._scope(claims)
        name = str(claims.get("email") or claims.get("preferred_username") or claims["sub"])
        if scope is None:
            message = f"the token of {name!r} has no scope {SCOPE_PREFIX}read, …operate or …admin in {self.claim!r}"
            raise ForbiddenError(message, hint="ask the issuer's administrator for one")
        return name, scope

    def _claims(self, text: str) -> dict[str, Any]:
        import jwt

        try:
            key = self._key_of(text)
            claims: dict[str, Any] = jwt.decode(
                text,
                key=key,
                algorithms=ALGORITHMS,
                audience=self.audience,
                issuer=self.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as exc:
            # PyJWT's texts name claims and never the token
            message = f"the bearer token is not valid: {str(exc)[:1].lower()}{str(exc)[1:]}"
            raise UnauthenticatedError(message, hint="get a new one from the issuer") from exc
        return claims

    def _key_of(self, text: str) -> PyJWK:
        import jwt

        jwt.get_unverified_header(text.encode(errors="replace"))  # what is no token costs no request
        try:
            self._keys.get_jwk_set()
        except (jwt.PyJWTError, OSError, ValueError) as exc:  # no answer, or one that has no keys in it
            raise _no_keys(self.issuer, exc) from exc
        try:
            return self._keys.get_signing_key_from_jwt(text)
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, OSError, ValueError) as exc:  # asked again
            raise _no_keys(self.issuer, exc) from exc

    def _scope(self, claims: dict[str, Any]) -> Scope | None:
        value = claims.get(self.claim, "")
        words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        scopes = [scope for scope in Scope if SCOPE_PREFIX + scope in words]
        return scopes[-1] if scopes else None

    @cached_property
    def _keys(self) -> PyJWKClient:
        from jwt import PyJWKClient

        return PyJWKClient(self.jwks_url or self._discovered_url(), lifespan=300, timeout=_TIMEOUT_SECONDS)

    def _discovered_url(self) -> str:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310  # of the settings
                return str(json.load(answer)["jwks_uri"])
        except (OSError, ValueError, KeyError) as exc:
            raise _no_keys(self.issuer, exc) from exc


def _no_keys(issuer: str, error: Exception) -> IdentityProviderError:
    logger.warning("%s does not give its keys: %s", issuer, error)
    return IdentityProviderError(f"{issuer} does not give its keys", hint="try again, or use a token of trade-ingest")
