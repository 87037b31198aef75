"""What the pages read beside the summaries; each remembers what it has read, for all visitors."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import streamlit as st
from botocore.exceptions import BotoCoreError, ClientError

from dashboard.curated.annotation_reader import AnnotationReader
from dashboard.curated.event_reader import EventReader
from dashboard.curated.label_reader import LabelReader
from dashboard.curated.unreadable import Unreadable
from dashboard.forecast.background import Forecasts
from dashboard.shell.session import curated_now
from dashboard.wells.normal_bands import PublishedNormal
from petrostream.alarms.annotations import Annotations
from petrostream.aws.buckets import Bucket
from petrostream.aws.clients import error_code
from petrostream.errors import PetroStreamError, SettingsError
from petrostream.registry.models import CurrentModel, ModelRegistry
from petrostream.registry.profile_store import ProfileStore
from petrostream.settings import Settings

_REFUSED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "Forbidden", "403", "UnauthorizedOperation"}
)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Readers:
    """Readers of one curated bucket."""

    events: EventReader
    annotations: Annotations
    annotation_reader: AnnotationReader
    labels: LabelReader
    forecasts: Forecasts
    profiles: ProfileStore
    normal: PublishedNormal
    registry: ModelRegistry | None

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """What was said of alarms, and labels, that can't be read."""
        said = (Unreadable(*each) for each in self.annotations.unreadable.items())
        return (*said, *self.labels.unreadable)


def find_readers() -> Readers:
    """The readers of the curated bucket that the environment names."""
    settings = Settings.load("curated_bucket")
    return _readers(
        settings.curated_bucket,
        settings.models_bucket,
        settings.model_parameter,
        os.environ.get("AWS_ENDPOINT_URL", ""),
    )


@st.cache_resource(show_spinner=False, max_entries=2)
def _readers(bucket: str, models: str, parameter: str, endpoint: str) -> Readers:  # noqa: ARG001 - another place, another cache
    curated = curated_now()
    annotations = Annotations(curated.bucket)
    registry = ModelRegistry(Bucket(models), parameter) if models and parameter else None
    return Readers(
        events=curated.events,
        annotations=annotations,
        annotation_reader=AnnotationReader(annotations),
        labels=LabelReader(curated.bucket),
        forecasts=Forecasts(),
        profiles=ProfileStore(curated.bucket, lenient=True),
        normal=PublishedNormal(CurrentModel(registry) if registry else None),
        registry=registry,
    )


def part(what: str, permission: str, read: Callable[[], _Result]) -> _Result | None:
    """Read a part of a page; where that fails, say what is missing and let the rest be drawn.

    Parameters
    ----------
    what
        The part, as the subject of a sentence.
    permission
        What reading it takes, in Markdown.
    """
    try:
        return read()
    except PetroStreamError as error:
        st.warning(f"**{what} can't be had.** {reason(error, permission)}", icon=":material/block:")
        with st.expander("What was answered"):
            st.text(str(error))
        return None


def reason(error: PetroStreamError, permission: str) -> str:
    """Say in Markdown why something can't be had; holds no text from outside."""
    cause = error.__cause__
    if isinstance(cause, ClientError) and error_code(cause) in _REFUSED:
        return f"These credentials lack the permission: it takes {permission}."
    if isinstance(error, SettingsError):
        return (
            "The stack does not name it, or there are no credentials: `petrostream status` shows "
            "more."
        )
    if isinstance(cause, BotoCoreError):
        return "AWS does not answer; it is asked again with the next refresh."
    return "`petrostream status` shows how the stack is."
