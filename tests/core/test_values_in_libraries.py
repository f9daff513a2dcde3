"""What libraries that people give secrets to make of them: the same as of a `str`, `bytes` or `dict` (S1.18)."""

from __future__ import annotations

import ctypes
import hashlib
import http.server
import io
import json
import locale
import os
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import threading
import urllib.request
import zipfile
import zlib
from concurrent import futures

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import grpc
import jwt
import numpy as np
import psycopg2.extensions
import pytest
import requests
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tacenda import Secret, SecretBundle, SecretBytes, reveal

VALUE = "example-token-1"
SECRET = Secret(VALUE)
BYTES = SecretBytes(VALUE.encode())


@pytest.fixture(scope="module")
def echo():
    """A web server that answers with the headers and the body that it was sent."""

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            answer = json.dumps({"headers": dict(self.headers), "path": self.path, "body": body.decode()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST  # noqa: N815 - its name in http.server

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def sent(answer):
    return json.loads(answer)


def test_headers_of_requests(echo):
    """`Bearer` in an f-string and a secret as a whole header arrive as they are (S1.60, S1.61)."""
    headers = {"Authorization": f"Bearer {SECRET}", "X-API-Key": SECRET}
    arrived = sent(requests.get(echo, headers=headers, timeout=10).content)["headers"]
    assert (arrived["Authorization"], arrived["X-API-Key"]) == (f"Bearer {VALUE}", VALUE)


@pytest.mark.parametrize(
    "options",
    [
        {"params": {"key": SECRET}},
        {"data": {"key": SECRET}},
        {"json": {"key": SECRET}},
        {"data": BYTES},
        {"json": None},
    ],
    ids=["params", "form", "json", "body", "login"],
)
def test_contents_of_requests(echo, options):
    """Query, form, JSON, body and a user with password: what is sent is what plain values send."""

    def plain(value):
        return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else _plain(value)

    session = requests.Session()
    mine = sent(session.post(f"{echo}/x", auth=(SECRET, SECRET), timeout=10, **options).content)
    assert mine == sent(session.post(f"{echo}/x", auth=(VALUE, VALUE), timeout=10, **plain(options)).content)


def _plain(value):
    return VALUE.encode() if isinstance(value, bytes) else VALUE if value else value


def test_json_of_requests(echo):
    """A whole bundle is sent as JSON."""
    bundle = SecretBundle({"user": "example", "port": 5432, "nested": [{"key": VALUE}]})
    body = sent(requests.post(echo, json=bundle, timeout=10).content)["body"]
    assert json.loads(body) == {"user": "example", "port": 5432, "nested": [{"key": VALUE}]}


def test_urllib(echo):
    """The standard library's client takes secrets as header and body."""
    request = urllib.request.Request(echo, data=BYTES, headers={"X-API-Key": SECRET})
    with urllib.request.urlopen(request) as answer:
        arrived = sent(answer.read())
    assert (arrived["headers"]["X-Api-Key"], arrived["body"]) == (VALUE, VALUE)


def test_boto3():
    """Credentials sign as plain ones do, and parameters pass boto3's validation."""
    signed = []
    for key in (SECRET, VALUE):
        request = botocore.awsrequest.AWSRequest("GET", "https://example.com/", headers={"X-Amz-Date": "x"})
        request.context["timestamp"] = "20300101T000000Z"
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, key, key), "s3", "us-east-1")
        scope = signer.string_to_sign(request, "canonical")
        signed.append(signer.signature(scope, request))
    assert signed[0] == signed[1]
    client = boto3.client(
        "secretsmanager", region_name="us-east-1", aws_access_key_id=SECRET, aws_secret_access_key=SECRET
    )
    bodies = []
    client.meta.events.register("before-send", lambda request, **_: bodies.append(request.body) or stop())
    for text, binary in ((SECRET, BYTES), (VALUE, VALUE.encode())):
        with pytest.raises(Stopped):
            client.create_secret(Name=text, SecretString=text, SecretBinary=binary, ClientRequestToken="x" * 32)
    assert bodies[0] == bodies[1]
    assert VALUE.encode() in bodies[0]


class Stopped(Exception):
    """Nothing is sent."""


def stop():
    raise Stopped


def test_grpc_metadata():
    """Metadata goes through gRPC's C core to a real server; binary needs `reveal`: it refuses subclasses of bytes."""
    seen = {}

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            seen.update(details.invocation_metadata)
            return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            metadata = [("authorization", SECRET), ("key-bin", reveal(BYTES))]
            call = channel.unary_unary("/s/m")
            assert call(reveal(BYTES), metadata=metadata, timeout=10) == VALUE.encode()
            with pytest.raises(TypeError, match="SecretBytes"):
                call(BYTES, timeout=10)
    finally:
        server.stop(0).wait()
    assert (seen["authorization"], seen["key-bin"]) == (VALUE, VALUE.encode())


def test_psycopg2():
    """A bundle's keys are arguments of `connect`, and values are adapted in queries, numbers as numbers (S1.56-57)."""
    creds = SecretBundle(
        {"host": "localhost", "port": 5432, "dbname": "example", "user": "example", "password": "a b'c"}
    )
    dsn = psycopg2.extensions.make_dsn(**creds)
    assert psycopg2.extensions.parse_dsn(dsn) == {**dict(creds), "port": "5432"}
    assert psycopg2.extensions.adapt(Secret(VALUE)).getquoted() == f"'{VALUE}'".encode()
    assert psycopg2.extensions.adapt(SecretBytes(b"x")).getquoted() == psycopg2.extensions.adapt(b"x").getquoted()


def test_sqlite():
    """Parameters of a query."""
    with sqlite3.connect(":memory:") as database:
        assert database.execute("select ?, ?", (SECRET, BYTES)).fetchone() == (VALUE, VALUE.encode())
    database.close()


def test_google_service_account():
    """A service account's JSON is taken as it is, by google-auth and by what it signs with (S1.62)."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from google.oauth2.service_account import Credentials

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"client_email": "x@example.com", "token_uri": "https://example.com", "private_key": key.decode()}
    mine = Credentials.from_service_account_info(SecretBundle({**account, "type": "service_account"}))
    with SecretBundle({**account, "type": "service_account"}).as_file("key.json") as path:
        theirs = Credentials.from_service_account_file(path)
    assert mine.sign_bytes(b"x") == theirs.sign_bytes(b"x")


def test_cryptography():
    """Keys and pass phrases of cryptography, PyJWT and ssl, from values and from files."""
    assert Fernet(Secret(key := Fernet.generate_key().decode())).decrypt(Fernet(key).encrypt(b"x")) == b"x"
    token = jwt.encode({"a": 1}, Secret(VALUE * 3), "HS256")
    assert jwt.decode(token, VALUE * 3, ["HS256"]) == {"a": 1}
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(BYTES)
    )
    loaded = serialization.load_pem_private_key(SecretBytes(pem), BYTES)
    assert loaded.key_size == 256
    with SecretBytes(pem).as_file("key.pem") as path, pytest.raises(ssl.SSLError, match="PEM"):
        ssl.create_default_context().load_cert_chain(path, password=SECRET)  # it has a key, and no certificate


@pytest.mark.parametrize(
    "use",
    [
        lambda text, data: hashlib.pbkdf2_hmac("sha256", data, data, 1),
        lambda text, data: hashlib.scrypt(data, salt=data, n=2, r=1, p=1),
        lambda text, data: ctypes.create_string_buffer(data).value,
        lambda text, data: ctypes.c_wchar_p(text).value,
        lambda text, data: ctypes.py_object(text).value,
        lambda text, data: struct.pack("20s", data),
        lambda text, data: zlib.compress(data),
        lambda text, data: locale.strxfrm(text),
        lambda text, data: text.encode().decode("ascii").translate({1: 2}),
        lambda text, data: socket.inet_pton(socket.AF_INET, Secret("127.0.0.1")),
        lambda text, data: int(Secret("5432")) + float(Secret("1.5")),
        lambda text, data: np.asarray([text]).tolist() + np.frombuffer(data, "u1").tolist(),
        lambda text, data: io.BytesIO(data).read() + memoryview(data)[:3].tobytes(),
        lambda text, data: getattr(sys, Secret("platform")) + sys.intern(str(text)),
        lambda text, data: subprocess.run(["cat"], input=data, capture_output=True, check=True).stdout,
        lambda text, data: subprocess.run(
            ["printenv", "EXAMPLE"], env={**os.environ, "EXAMPLE": text}, capture_output=True, check=True
        ).stdout,
        lambda text, data: "%s %10s {}".format(text) % (text, text) + f"{text:>20}",  # noqa: UP032 - people do
        lambda text, data: (text + "x", "x" + text, text * 2, text[:4], text.split("-"), text.format(), *text),
    ],
)  # fmt: skip
def test_interfaces_of_c(use):
    """What asks for a `str` or `bytes` at the level of C gets one."""
    assert use(SECRET, BYTES) == use(VALUE, VALUE.encode())


def test_zipfile():
    """A password of an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", VALUE)
        archive.setpassword(BYTES)
        assert archive.pwd == VALUE.encode()
