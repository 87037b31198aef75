"""Mends of moto's Glue: nothing is left of a database that was deleted."""

from typing import Final

from moto.glue.models import GlueBackend

from petrostream.local.patches._mend import Mend

_stock_delete_database = GlueBackend.delete_database


def _delete_database(backend: GlueBackend, database_name: str) -> None:
    """Stock moto keeps the tags: who lists resources by tag is told that the database is there."""
    _stock_delete_database(backend, database_name)
    backend.tagger.delete_all_tags_for_resource(
        f"arn:{backend.partition}:glue:{backend.region_name}:{backend.account_id}"
        f":database/{database_name}"
    )


MENDS: Final = (Mend(GlueBackend, "delete_database", _delete_database),)
