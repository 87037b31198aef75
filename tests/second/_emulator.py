"""MiniStack as a process that evaluates IAM and speaks TLS alone, and whoever calls it."""

import base64
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from petrostream.local.endpoint import ACCOUNT, HOST, REGION
from petrostream.settings import PROJECT_ROOT

PYTHON = PROJECT_ROOT / ".venv-second" / "bin" / "python"
ISSUER = "token.actions.githubusercontent.com"
_SERVER = Path(__file__).with_name("_ministack.py")
_ROOT = {"AWS_ACCESS_KEY_ID": "AKIAROOTROOTROOT", "AWS_SECRET_ACCESS_KEY": "root" * 10}
_START_SECONDS = 60
_STOP_SECONDS = 10


@dataclass(frozen=True)
class Caller:
    """Somebody with credentials, as the variables that AWS's clients read."""

    environment: dict[str, str]

    def use(self, monkeypatch: pytest.MonkeyPatch, others: Mapping[str, str] | None = None) -> None:
        """Let this process call as them: boto3 keeps the keys that it has seen first."""
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in {**self.environment, **(others or {})}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    def client(self, service: str) -> Any:
        """A client with their credentials, whoever the process calls as."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            verify=self.environment["AWS_CA_BUNDLE"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment.get("AWS_SESSION_TOKEN"),
            config=Config(retries={"max_attempts": 1}),
        )


@dataclass(frozen=True)
class MiniStack:
    """A running MiniStack."""

    endpoint: str
    certificate: Path

    @property
    def root(self) -> Caller:
        """Whoever may do everything; only what no policy is written for is done as them."""
        return self._caller(_ROOT)

    def user(self, name: str, *policies: str | dict[str, Any]) -> Caller:
        """A new user who holds exactly these policies."""
        iam = self.root.client("iam")
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            document = policy if isinstance(policy, str) else json.dumps(policy)
            iam.put_user_policy(
                UserName=name, PolicyName=f"policy-{number}", PolicyDocument=document
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        names = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY"}
        return self._caller({variable: key[part] for part, variable in names.items()})

    def workflow(self, role: str, subject: str) -> Caller:
        """A workflow of a repository, which takes a role by what GitHub says of it."""
        taken = self.root.client("sts").assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="workflow", WebIdentityToken=_token(subject)
        )["Credentials"]
        return self._caller(
            {
                "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
                "AWS_SESSION_TOKEN": taken["SessionToken"],
            }
        )

    def _caller(self, credentials: Mapping[str, str]) -> Caller:
        return Caller(
            {
                "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_CA_BUNDLE": str(self.certificate),
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "NO_PROXY": HOST,
                **credentials,
            }
        )


@contextmanager
def running(folder: Path) -> Iterator[MiniStack]:
    """Start MiniStack with its files in a folder, and stop it."""
    certificate, key = _certificate(folder)
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": HOST,
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "DOCKER_HOST": f"unix://{folder}/none",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        **_ROOT,
    }
    log = folder / "ministack.log"
    with (
        log.open("w") as sink,
        subprocess.Popen(
            [PYTHON, _SERVER], cwd=folder, env=environment, stdout=sink, stderr=sink
        ) as process,
    ):
        stack = MiniStack(f"https://{HOST}:{port}", certificate)
        try:
            _wait_until_up(stack, process, log)
            yield stack
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_up(stack: MiniStack, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    trust = ssl.create_default_context(cafile=stack.certificate)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    while process.poll() is None and time.monotonic() < deadline:
        try:
            opener.open(f"{stack.endpoint}/_ministack/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"MiniStack does not come up:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PetroStream's tests")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def _token(subject: str) -> str:
    """What GitHub gives a workflow to show; MiniStack reads it and does not check who signed it."""
    claims = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": subject}
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return ".".join([*(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts), "AAAA"])
