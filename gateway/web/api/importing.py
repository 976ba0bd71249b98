"""Taking over what exists elsewhere."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.desk import importing
from gateway.flows.desk.importing import Format, Imported, What
from gateway.model.access import Action
from gateway.web.api.endpoints import JSON, Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import CodeOrNone

ENDPOINTS = Endpoints("Import", "Taking over reservations, rates and availability from files.")

FILE_BYTES_MAX = 32 * 1024 * 1024
FORMATS = {"text/csv": Format.CSV, JSON: Format.JSON, "application/xml": Format.OTA}


class ImportQuery(msgspec.Struct, frozen=True):
    what: Annotated[What, Meta(description="what is in the file")]
    connection: Annotated[CodeOrNone, Meta(description="whose codes the file speaks; absent for ours")] = ""
    known_to_pms: Annotated[bool, Meta(description="the PMS holds these reservations already")] = True
    dry_run: Annotated[bool, Meta(description="only say what would be taken")] = False


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/import",
    Action.IMPORT,
    query=ImportQuery,
    answer=shown_type(Imported),
    repeat=Repeat.CLAIMED,
    formats=tuple(FORMATS),
    body_bytes_max=FILE_BYTES_MAX,
)
async def import_file(call: Call[ImportQuery, Nothing]) -> Answer:
    """Import a file.

    The body is the file. Every line is tried first, and only if all can be taken, all are: `committed` says so, and
    `lines` say what became of each. Taking a file again changes nothing.
    """
    query = call.query
    return Answer(
        await importing.take(
            call.services,
            call.property_id,
            query.what,
            FORMATS[call.media_type],
            call.raw,
            call.principal.author,
            connection=query.connection,
            known_to_pms=query.known_to_pms,
            dry_run=query.dry_run,
        )
    )
