"""``gateway key``: who may use the API and the pages."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.kinds import expiry
from gateway.cli.output import instant, show, table
from gateway.cli.running import author, run_flow
from gateway.model.access import EVERY_PROPERTY, AccessRole, Grant, Principal, PrincipalKind
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.access.rights import Given, Listed
    from gateway.flows.services import Services

NAME = "key"
HELP = "make, list and revoke keys of programs and sign-ins of people"
_PAGE = 200


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", help="what it is for; of a person, what they sign in with")
    create.add_argument("--role", choices=[role.value for role in AccessRole], default=AccessRole.READ_ONLY.value)
    create.add_argument("--property", action="append", metavar="ID", help="may be said again; every one if left out")
    create.add_argument("--allow", action="append", default=[], metavar="CIDR", help="a network it must come from")
    create.add_argument("--expires", type=expiry, metavar="YYYY-MM-DD|90d", help="good until then (UTC)")
    create.add_argument("--person", action="store_true", help="a sign-in for the pages instead of a key")
    create.add_argument("--ask-password", action="store_true", help="ask for the person's password, or read a line")
    listing = actions.add_parser("list", help="show who may do what")
    listing.add_argument("--people", action="store_true", help="people instead of keys")
    revoke = actions.add_parser("revoke", help="make it useless from now on")
    revoke.add_argument("id")
    for action in (create, listing, revoke):
        # Also behind the action's name; there its absence must not undo what stood before it.
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 0 if it was done."""
    if arguments.action == "create":
        if arguments.ask_password and not arguments.person:
            raise ValueError("--ask-password is for people: say --person, too; a key's secret is made up and printed")
        password = _password() if arguments.ask_password else None
        given = run_flow(settings, lambda services: _create(services, arguments, password))
        show(arguments, given, _created(given))
    elif arguments.action == "list":
        found = run_flow(settings, lambda services: _list(services, arguments))
        show(arguments, [{"principal": each.principal, "use": each.use} for each in found], _table(found))
    else:
        revoked = run_flow(settings, lambda services: _revoke(services, arguments))
        show(arguments, revoked, f"revoked: {revoked.name}")
    return exits.DONE


def _password() -> str:
    """Typed twice, or a line of what is piped in."""
    try:
        is_typed = sys.stdin.isatty()
        password = getpass.getpass("Password: ") if is_typed else sys.stdin.readline().rstrip("\r\n")
        if password and is_typed and getpass.getpass("Once more: ") != password:
            raise ValueError("the two passwords differ; nobody was added")
    except EOFError:
        password = ""
    if not password:
        raise ValueError("no password was given; nobody was added. Without --ask-password one is made up and printed")
    return password


async def _create(services: Services, arguments: argparse.Namespace, password: str | None) -> Given:
    from gateway.flows.access.rights import Wanted, create_key, create_person

    role = AccessRole(arguments.role)
    grants = tuple(Grant(role, scope_id) for scope_id in arguments.property or [EVERY_PROPERTY])
    wanted = Wanted(name=arguments.name, grants=grants, allow=tuple(arguments.allow), expires_ms=arguments.expires)
    if arguments.person:
        return await create_person(services, None, wanted, password, author=author())
    return await create_key(services, None, wanted, author=author())


async def _list(services: Services, arguments: argparse.Namespace) -> list[Listed]:
    from gateway.flows.access.rights import listed

    kind = PrincipalKind.PERSON if arguments.people else PrincipalKind.KEY
    found: list[Listed] = []
    while page := await listed(services, None, kind, found[-1].principal.id if found else "", _PAGE):
        found += page
    return found


async def _revoke(services: Services, arguments: argparse.Namespace) -> Principal:
    from gateway.flows.access.rights import revoke

    return await revoke(services, None, arguments.id)


def _created(given: Given) -> str:
    """Only the secret goes to stdout, so that a script can keep it."""
    if not given.secret:
        return f"{given.principal.name} can sign in now"
    print(f"{given.principal.id}: this is shown only once", file=sys.stderr)
    return given.secret


def _table(found: list[Listed]) -> str:
    head = ("ID", "NAME", "ROLES", "FROM", "MADE BY", "EXPIRES", "LAST USED", "REVOKED")
    rows = [
        (
            each.principal.id,
            each.principal.name,
            " ".join(f"{grant.role.value}@{grant.property}" for grant in each.principal.grants),
            " ".join(each.principal.allow) or "-",
            each.principal.created_by,
            instant(each.principal.expires_ms or 0),
            f"{instant(each.use.used_ms)} {each.use.address}" if each.use else "-",
            instant(each.principal.revoked_ms or 0),
        )
        for each in found
    ]
    return table(head, rows) if rows else "none"
