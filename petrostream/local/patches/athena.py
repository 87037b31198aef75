"""Mends of moto's Athena: saved queries can be deleted."""

from typing import Final

from moto.athena.responses import AthenaResponse

from petrostream.local.patches._mend import Mend


def _delete_named_query(response: AthenaResponse) -> str:
    """Stock moto has no `DeleteNamedQuery`."""
    query = response._get_param("NamedQueryId")  # noqa: SLF001
    response.athena_backend.named_queries.pop(query, None)
    return "{}"


MENDS: Final = (Mend(AthenaResponse, "delete_named_query", _delete_named_query),)
