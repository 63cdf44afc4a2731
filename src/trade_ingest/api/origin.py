"""Where a request is from: the client's address behind trusted proxies, the name it used, the site of its page."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Request

from trade_ingest.errors import ConfigurationError, CrossSiteError, HostRefusedError
from trade_ingest.settings import Settings

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Origins:
    """What the settings say of proxies and names.

    Attributes:
        proxies: networks whose word is taken for the client's address and user.
        hosts: names that the Host header may have; empty: any.
    """

    proxies: tuple[_Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Origins:
        """Read the settings.

        Raises:
            ConfigurationError: an address is none.
        """
        try:
            proxies = tuple(ipaddress.ip_network(address) for address in settings.api_proxy_addresses)
        except ValueError as exc:
            message = f"api_proxy_addresses: {exc}"
            raise ConfigurationError(message, hint="expected such as 10.0.0.5 or 10.0.0.0/24") from exc
        hosts = frozenset(name.lower() for name in settings.api_hosts)
        if hosts or settings.api_auth == "none":
            # without authentication, a page whose name was made to point here must not be taken for ours
            hosts |= frozenset(LOCAL_NAMES)
        return cls(proxies, hosts)

    def is_trusted(self, address: str | None) -> bool:
        """Whether a proxy that may speak for others has this address."""
        try:
            parsed = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self.proxies)

    def address_of(self, request: Request) -> str:
        """The client's address: the last one on the way here that is no trusted proxy."""
        address = request.remote_addr or ""
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        while self.is_trusted(address) and hops:
            address = hops.pop()
        return address[:64]

    def is_secure(self, request: Request) -> bool:
        """Whether the client came by https, here or to a trusted proxy."""
        if self.is_trusted(request.remote_addr):
            return request.headers.get("X-Forwarded-Proto", request.scheme).lower() == "https"
        return request.is_secure

    def check_host(self, request: Request) -> None:
        """Refuse names that are not ours (DNS rebinding).

        Raises:
            HostRefusedError: the Host header has another name.
        """
        name = (urlsplit(f"//{request.host}").hostname or "").lower()
        if self.hosts and name not in self.hosts:
            message = f"the server is not known as {name[:80]!r}"
            raise HostRefusedError(message, hint="ask for localhost, or add the name to api_hosts")

    def check_site(self, request: Request) -> None:
        """Refuse what a page of another site sends in the name of a user of ours.

        Browsers say where a request is from; a program that says nothing has no user's cookies either.

        Raises:
            CrossSiteError: it is from another site.
        """
        site = request.headers.get("Sec-Fetch-Site")
        is_visit = request.method in SAFE_METHODS and request.headers.get("Sec-Fetch-Mode") == "navigate"
        if site is not None:
            is_ours = site in {"same-origin", "none"} or is_visit
        else:
            origin = request.headers.get("Origin")
            is_ours = origin is None or origin.lower().partition("://")[2] == request.host.lower()
        if not is_ours:
            message = "the request comes from a page of another site"
            raise CrossSiteError(message, hint="programs send a bearer token")
