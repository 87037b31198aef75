"""The function's image: which one the sources call for, and how it gets into the registry."""

import base64
import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from console.answers import child_output
from deploy.account.access import client, explained
from deploy.account.preflight import PLATFORM, check_docker
from petrostream.aws.clients import error_code
from petrostream.errors import PetroStreamError, ServiceUnavailable
from petrostream.settings import PROJECT_ROOT

NOT_BUILT_YET: Final = f"sha256:{'0' * 64}"
"""Stands in a plan for the digest of an image that is not built yet."""

DOCKERFILE: Final = Path("lambda/Dockerfile")
_SOURCES: Final = (
    "lambda/Dockerfile",
    "lambda/Dockerfile.dockerignore",
    "lambda/requirements.txt",
    "lambda/app.py",
    "petrostream/**/*.py",
)
_LEFT_OUT: Final = Path("petrostream/local")

_NOT_THERE: Final = frozenset({"RepositoryNotFoundException", "ImageNotFoundException"})
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in ECR."""

    name: str
    url: str

    @property
    def registry(self) -> str:
        """The host to sign in to."""
        return self.url.partition("/")[0]


class Builder(Protocol):
    """Puts an image under a tag into a repository."""

    def check(self) -> None:
        """Make sure that it can; raises `UsageError` otherwise."""

    def publish(self, repository: Repository, tag: str) -> None:
        """Put the image there."""


def sources(root: Path = PROJECT_ROOT) -> list[Path]:
    """What the Dockerfile and its ignore file let into the image, and both of them."""
    found = {path for pattern in _SOURCES for path in root.glob(pattern)}
    return sorted(path for path in found if not path.is_relative_to(root / _LEFT_OUT))


def content_tag(root: Path = PROJECT_ROOT) -> str:
    """The tag of the image that these sources make: a digest of their names and contents."""
    digest = hashlib.sha256()
    for path in sources(root):
        for part in (path.relative_to(root).as_posix().encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def find(repository: str, tag: str) -> str | None:
    """The digest of the image with a tag; `None` where there is no such image or repository."""
    with explained(f"looking for the image in {repository}"):
        try:
            details = client("ecr").describe_images(
                repositoryName=repository, imageIds=[{"imageTag": tag}]
            )["imageDetails"]
        except ClientError as error:
            if error_code(error) in _NOT_THERE:
                return None
            raise
    return str(details[0]["imageDigest"]) if details else None


def find_repository(name: str) -> Repository:
    """Look a repository up.

    Raises
    ------
    ServiceUnavailable
        If it is not there.
    """
    with explained(f"looking up the repository {name}"):
        found = client("ecr").describe_repositories(repositoryNames=[name])["repositories"]
    return Repository(name, str(found[0]["repositoryUri"]))


def ensure(repository: Repository, tag: str, builder: Builder) -> tuple[str, bool]:
    """Publish the image unless it is there; give its digest and whether it was made just now."""
    digest = find(repository.name, tag)
    if digest is not None:
        return digest, False
    builder.publish(repository, tag)
    digest = find(repository.name, tag)
    if digest is None:
        raise ServiceUnavailable(f"the image was pushed, but {repository.name} does not have it")
    return digest, True


class BuildFailed(PetroStreamError):
    """Docker could not build or push the image; it has said why itself."""


class DockerBuilder:
    """Builds for arm64 with Docker and pushes to ECR."""

    def check(self) -> None:
        """See `Builder`."""
        check_docker()

    def publish(self, repository: Repository, tag: str) -> None:
        """See `Builder`."""
        docker = shutil.which("docker") or "docker"
        user, password = _registry_login()
        login = subprocess.run(
            [docker, "login", "--username", user, "--password-stdin", repository.registry],
            input=password,
            capture_output=True,
            text=True,
            check=False,
        )
        if login.returncode != 0:
            raise BuildFailed(f"docker can't sign in to {repository.registry}: {login.stderr}")
        build = subprocess.run(
            [
                docker, "buildx", "build", "--platform", PLATFORM, "--provenance=false",
                "--sbom=false", "--push", "--file", str(DOCKERFILE),
                "--tag", f"{repository.url}:{tag}", ".",
            ],
            cwd=PROJECT_ROOT,
            stdout=child_output(),
            check=False,
        )  # fmt: skip
        if build.returncode != 0:
            raise BuildFailed("docker could not build and push the image: see above for why")


class StandInBuilder:
    """Puts a manifest without layers into the embedded ECR: its Lambda does not run images."""

    def check(self) -> None:
        """See `Builder`."""

    def publish(self, repository: Repository, tag: str) -> None:
        """See `Builder`."""
        with explained(f"putting a stand-in image into {repository.name}"):
            client("ecr").put_image(
                repositoryName=repository.name,
                imageTag=tag,
                imageManifest=stand_in_manifest(tag),
                imageManifestMediaType=_MANIFEST,
            )


def stand_in_manifest(tag: str) -> str:
    """A manifest whose one layer is the tag itself; it says of itself what it is."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _part("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [_part("text/plain", tag.encode())],
        "annotations": {
            "org.opencontainers.image.title": "stand-in for petrostream-scoring",
            "org.opencontainers.image.version": tag,
        },
    }
    return json.dumps(document, separators=(",", ":"))


def _part(media_type: str, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _registry_login() -> tuple[str, str]:
    with explained("signing in to ECR"):
        answer = client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
    return user, password
