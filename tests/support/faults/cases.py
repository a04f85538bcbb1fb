"""The faults: one table of what can go wrong between us and the service, and of what each means to our money."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import pytest

from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.faults import servers
from tests.support.faults.servers import DRIP, LONG, Server, before, in_the_handshake, over_tls

MINUTE = 0.6
"""Seconds that stand for a minute of the service's, as those of the clocks stand for ours."""

LOST = "lost"
"""The submission may have been charged."""

REFUSED = "refused"
"""The service said that it did not take the submission, for now."""

UNSENT = "unsent"
"""The submission never left."""


Spoil = Callable[..., None]
"""What lets a fault begin."""


@dataclass(frozen=True)
class Case:
    """
    One fault, and what it means.

    :param submission: what becomes of a submission that meets it; ``None`` when only a look can.
    :param paid: what such a submission has cost.
    :param says: what an error, and the log of a look that met it, say of it.
    :param fault: what is ordered from the simulator.
    :param server: what stands before the simulator, or in its place.
    :param again: whether a submission that is made anew meets it too.
    :param impatient: whether only a clock can tell it, so that the connection's ``timeout`` is short.
    """

    submission: str | None
    paid: int
    says: str
    fault: dict[str, Any] = field(default_factory=dict)
    server: Server | None = None
    again: bool = False
    impatient: bool = False

    def order(self, sim: RunningSimulator, path: str, **instead: int | None) -> None:
        """
        Order it from the simulator, if it is the simulator's.

        :param instead: how often, if not as the case has it.
        """
        if self.fault:
            fault = {name: value for name, value in self.fault.items() if not instead or name not in ("times", "lasts")}
            sim.faults.add(Fault(path=path, **fault, **instead))


def lost(paid: int, says: str, **fault: Any) -> Case:
    return Case(LOST, paid, says, fault)


def slow(paid: int, says: str, **fault: Any) -> Case:
    return Case(LOST, paid, says, fault, impatient=True)


def twice(case: Case) -> Case:
    return replace(case, again=True)


def rogue(paid: int, says: str, server: Server, *, impatient: bool = False) -> Case:
    return Case(LOST, paid, says, server=server, impatient=impatient)


def unsent(says: str, server: Server, *, impatient: bool = False) -> Case:
    return Case(UNSENT, 0, says, server=server, impatient=impatient)


def refused(says: str, **fault: Any) -> Case:
    return Case(REFUSED, 0, says, fault)


def misread(says: str, **fault: Any) -> Case:
    return Case(None, 0, says, fault)


BROKE = "broke before the reply was whole"
PAGE = "The service is in trouble. (HTTP 502, not the API's envelope: '<!DOCTYPE html>"
BUSY = "Too many requests at once: try later"
CLOSED = "The service is under maintenance: try later"
NONSENSE = "check the base URL of connection 'suno_default', and any proxy before it."

CASES: dict[str, Case] = {
    # The reply is lost on its way.
    "accepted, then dropped": lost(1, BROKE, kind="drop_after"),
    "dropped before it was accepted": lost(0, BROKE, kind="drop_before"),
    "truncated": lost(1, BROKE, kind="truncated"),
    "reset in the middle of a read": lost(1, BROKE, kind="reset"),
    "accepted, then slow": slow(1, "did not answer within 0.5 s", kind="slow", seconds=LONG),
    "accepted, then silent": slow(1, "did not answer within 0.5 s", kind="hang", accept=True, seconds=LONG),
    "silent": slow(0, "did not answer within 0.5 s", kind="hang", seconds=LONG),
    "slow-loris": slow(1, "did not send its whole reply in time", kind="drip_head", seconds=DRIP),
    "slow-loris in the body": slow(1, "did not send its whole reply in time", kind="drip_body", seconds=DRIP),
    "an endless reply": lost(1, "The reply is longer than 1048576 bytes", kind="flood"),
    # What comes is no answer.
    "a 502 page": lost(0, PAGE, kind="html"),
    "a 502 page after it was accepted": lost(1, PAGE, kind="html", accept=True),
    "garbage in a 200": lost(0, NONSENSE, kind="garbage"),
    "garbage in a 200 after it was accepted": lost(1, NONSENSE, kind="garbage", accept=True),
    "an empty 200": lost(1, NONSENSE, kind="status", http_status=200, body="", accept=True),
    "code 500 in a 200": lost(1, "(code 500: Oops.)", kind="code", code=500, msg="Oops.", accept=True),
    "a gateway's 408": lost(1, "HTTP 408", kind="status", http_status=408, body="timeout", accept=True),
    "a 503 for a minute": lost(
        0, "HTTP 503", kind="status", http_status=503, body="maintenance", times=None, lasts=MINUTE
    ),
    # HTTP that is none, and TLS that breaks under a request.
    "a redirect to no address": rogue(1, "this API never redirects", before(servers.redirect_to_no_address)),
    "a redirect that drips": rogue(
        1, "did not send its whole reply in time", before(servers.redirect_that_drips), impatient=True
    ),
    "100 Continue for ever": rogue(
        1, "did not send its whole reply in time", before(servers.continue_for_ever), impatient=True
    ),
    "a reply of two lengths": rogue(1, BROKE, before(servers.two_lengths)),
    "a bomb of zeros": rogue(1, "The reply is longer than 1048576 bytes", before(servers.bomb)),
    "a TLS alert to plain HTTP": rogue(1, BROKE, before(servers.tls_alert_to_plain_http)),
    "TLS that turns into plain text": rogue(1, BROKE, over_tls(servers.text_amid_tls)),
    "TLS cut off in the reply": rogue(1, BROKE, over_tls(servers.cut_amid_tls)),
    "TLS reset in the reply": rogue(1, BROKE, over_tls(servers.reset_amid_tls)),
    # A proxy lets it pass, and the way back breaks: which is no trouble with the proxy.
    "hung up on by a proxy": rogue(1, BROKE, servers.by_proxy(servers.hang_up)),
    "reset by a proxy": rogue(1, BROKE, servers.by_proxy(servers.reset)),
    "hung up on in a tunnel": rogue(1, BROKE, over_tls(servers.hang_up, tunnel=True)),
    "reset in a tunnel": rogue(1, BROKE, over_tls(servers.reset, tunnel=True)),
    # And a second time, when the submission is made anew.
    "somebody who never accepts": twice(
        rogue(0, "did not answer within 0.5 s", servers.never_accepting, impatient=True)
    ),
    "accepted, then dropped, twice": twice(lost(1, BROKE, kind="drop_after", times=2)),
    "a 503 for more than a minute": twice(
        lost(0, "HTTP 503", kind="status", http_status=503, body="maintenance", times=None)
    ),
    # The service says: not now.
    "a 429 storm": refused(BUSY, kind="status", http_status=429, times=8),
    "a 429 storm, Retry-After: 1": refused(BUSY, kind="status", http_status=429, retry_after=1, times=1),
    "a 429 storm, Retry-After: 0": refused(BUSY, kind="code", code=429, retry_after=0, times=None, lasts=MINUTE),
    "429 pages of the edge": refused(BUSY, kind="html", http_status=429, times=8),
    "a 430 storm": refused(BUSY, kind="code", code=430, times=8),
    "maintenance for a minute": refused(CLOSED, kind="code", code=455, times=None, lasts=MINUTE),
    "maintenance for a minute, Retry-After: 1": refused(
        CLOSED, kind="code", code=455, retry_after=1, times=None, lasts=MINUTE
    ),
    # The request never leaves.
    "no such host": unsent("host of https://no-such-host.invalid", servers.no_such_host),
    "a silent name server": unsent("No name server answered for the host of", servers.silent_name_server),
    "connection refused": unsent("check the host and port of the connection, or try later", servers.nobody),
    "a full queue": unsent("within 0.5 s: check the host, or try later", servers.full_queue, impatient=True),
    "a certificate of nobody's": unsent(
        "its certificate is not trusted here: check the base URL, or the extra 'verify'", over_tls(trusted=False)
    ),
    "an expired certificate": unsent(
        "its certificate has expired: tell those who run it", over_tls(age=servers.timedelta(days=1))
    ),
    "another host's certificate": unsent(
        "its certificate is another host's: check the base URL", over_tls(name="elsewhere.example")
    ),
    "https to a plain port": unsent("should the base URL begin with http://", servers.plain_http),
    "hung up on in the handshake": unsent(
        "they could not agree on a secure connection", in_the_handshake(servers.hang_up_on_hello)
    ),
    "reset in the handshake": unsent(
        "check the host and port of the connection, or try later", in_the_handshake(servers.reset_on_hello)
    ),
    "silent in the handshake": unsent(
        "within 0.5 s: check the host, or try later", in_the_handshake(servers.say_nothing), impatient=True
    ),
    "no proxy there": unsent("check the extra 'proxies'", servers.no_proxy),
    "an unwilling proxy": unsent("check the extra 'proxies'", servers.unwilling_proxy),
    "a dripping proxy": unsent("within 0.5 s: check the host", servers.dripping_proxy, impatient=True),
    # The record is not what it should be.
    "a record of another music task": misread("the service answered for", kind="another"),
}


def cases(*submissions: str | None, again: bool | None = None, of_the_simulator: bool = False) -> list[Any]:
    """
    Return cases as parameters of a test.

    :param submissions: what becomes of a submission in them.
    :param again: only those that a second submission meets too, or only the others.
    :param of_the_simulator: only those that the simulator plays.
    """
    return [
        pytest.param(case, id=name.replace(" ", "_"))
        for name, case in CASES.items()
        if case.submission in submissions and again in (None, case.again) and (case.fault or not of_the_simulator)
    ]


def taking_turns(column: Iterable[Any], rows: list[Any]) -> list[Any]:
    """Return rows of parameters, each with one of the values of another column."""
    pairs = zip(rows, cycle(column), strict=False)
    return [pytest.param(*row.values, value, id=f"{row.id}-{value}".replace(" ", "_")) for row, value in pairs]
