"""Bearer tokens of an issuer, whose keys are fetched from a real HTTP server."""

import base64
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trade_ingest.api.access import Scope
from trade_ingest.api.oidc import Issuer
from trade_ingest.errors import ForbiddenError, IdentityProviderError, UnauthenticatedError


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def provider(key):
    """An issuer's server: its configuration, and its keys."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k1", "use": "sig"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            base = f"http://{self.headers['Host']}"
            answers = {
                "/.well-known/openid-configuration": {"issuer": base, "jwks_uri": f"{base}/keys"},
                "/keys": {"keys": [public]},
            }
            body = json.dumps(answers[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve_keys():
    """Serves a text as the answer to every request, and says where."""
    servers = []

    def serve(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/keys"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def sign(key, provider):
    """Signs a token with some claims changed; None takes one away."""

    def sign(*, with_key=key, algorithm="RS256", kid="k1", **changes):
        claims = {
            "iss": provider,
            "aud": "desk",
            "sub": "u-1",
            "exp": time.time() + 60,
            "scope": "openid trade-ingest:operate",
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, with_key, algorithm=algorithm, headers={"kid": kid})

    return sign


@pytest.fixture
def issuer(provider):
    return Issuer(provider, "desk")


def test_good_token_says_who_and_what(issuer, sign):
    assert issuer.verify(sign()) == ("u-1", Scope.OPERATE)
    assert issuer.verify(sign(email="ann@example.com", scope="trade-ingest:read trade-ingest:admin")) == (
        "ann@example.com",
        Scope.ADMIN,
    )


def test_scope_may_be_in_another_claim_and_a_list(provider, sign):
    issuer = Issuer(provider, "desk", f"{provider}/keys", claim="roles")

    assert issuer.verify(sign(roles=["trade-ingest:read"]))[1] == Scope.READ


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"iss": "http://other.example"},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"kid": "unknown"},
        {"nbf": 9_999_999_999},
    ],
    ids=str,
)
def test_wrong_claims_let_nobody_in(issuer, sign, changes):
    with pytest.raises(UnauthenticatedError):
        issuer.verify(sign(**changes))


def test_token_of_another_key_lets_nobody_in(issuer, sign):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    with pytest.raises(UnauthenticatedError):
        issuer.verify(sign(with_key=other))


def encoded(part):
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_algorithms_that_need_no_private_key_let_nobody_in(issuer, sign, key, algorithm):
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(sign(), options={"verify_signature": False})
    text = encoded({"alg": algorithm, "typ": "JWT", "kid": "k1"}) + b"." + encoded(claims)
    signature = hmac.digest(public, text, "sha256") if algorithm == "HS256" else b""

    with pytest.raises(UnauthenticatedError):
        issuer.verify((text + b"." + encoded(signature)).decode())


@pytest.mark.parametrize("text", ["a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_lets_nobody_in(issuer, text):
    with pytest.raises(UnauthenticatedError):
        issuer.verify(text)


@pytest.mark.parametrize("scope", [None, "", "read", "trade-ingest:other", 7, {"trade-ingest:admin": 1}])
def test_good_token_without_a_scope_of_ours_may_nothing(issuer, sign, scope):
    with pytest.raises(ForbiddenError):
        issuer.verify(sign(scope=scope))


def test_issuer_that_does_not_answer_is_no_wrong_token(sign):
    for url in (None, "http://127.0.0.1:9/keys"):
        with pytest.raises(IdentityProviderError) as caught:
            Issuer("http://127.0.0.1:9", "desk", url).verify(sign())
        assert caught.value.retryable


@pytest.mark.parametrize(
    "answer", [b"<html>log in</html>", b"[]", b"{}", b'{"keys": []}', b'{"keys": 7}', b"\xff"], ids=repr
)
def test_issuer_that_answers_without_keys_is_no_wrong_token(sign, serve_keys, answer):
    with pytest.raises(IdentityProviderError):
        Issuer("http://127.0.0.1:9", "desk", serve_keys(answer)).verify(sign())


def test_text_that_is_no_utf8_is_a_wrong_token(issuer):
    with pytest.raises(UnauthenticatedError):
        issuer.verify("\ud800.a.b")
