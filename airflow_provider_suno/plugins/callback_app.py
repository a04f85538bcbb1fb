"""
The receiver of callbacks: check the token, read which job has reached which stage, and hand that on.

The token comes before all else: without a good one, no body is read and no database is asked, and the answer is 404,
whatever is wrong. A callback is answered with 200 only when what it causes has been written, so that the service sends
it again otherwise.
"""

from __future__ import annotations

import asyncio
import logging

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from airflow_provider_suno.api.callback import (
    LONGEST_BODY,
    PING,
    Callback,
    CallbackToken,
    UnverifiedToken,
    is_signed_by_host,
)
from airflow_provider_suno.api.callback_url import TOKEN_PARAMETER
from airflow_provider_suno.hooks.connection import CallbackSettings
from airflow_provider_suno.plugins.callback_handler import CallbackHandler, NotYetHandledError
from airflow_provider_suno.plugins.callback_secrets import CallbackSecrets, NotLookedUpError

log = logging.getLogger(__name__)

_BODY_TIMEOUT = 5.0
_SEND_AGAIN = 503


class _BodyError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def make_app() -> FastAPI:
    """Return the receiver as an application of one route."""
    secrets, handler = CallbackSecrets(), CallbackHandler()
    app = FastAPI(title="Suno callbacks", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/callback")
    async def receive(request: Request) -> Response:
        unverified = UnverifiedToken.read(request.query_params.get(TOKEN_PARAMETER))
        try:
            settings = await secrets.of(unverified.suno_conn_id)
        except NotLookedUpError:
            return Response(status_code=_SEND_AGAIN)
        token = settings.verify(unverified)
        if token is None:
            return Response(status_code=404)
        if token.kind == PING:
            return Response(settings.answer(token), media_type="text/plain")
        try:
            body = await _body(request)
        except _BodyError as error:
            return Response(status_code=error.status)
        return await _handled(handler, settings, token, Callback.read(body), request)

    return app


async def _handled(
    handler: CallbackHandler,
    settings: CallbackSettings,
    token: CallbackToken,
    callback: Callback | None,
    request: Request,
) -> Response:
    if callback is None:
        log.warning("a callback through connection %r names no job, so it is ignored", token.suno_conn_id)
        return Response(status_code=400)
    headers = (request.headers.get("X-Webhook-Timestamp"), request.headers.get("X-Webhook-Signature"))
    if settings.host_key and not is_signed_by_host(callback.job_id, *headers, settings.host_key.get_secret_value()):
        log.warning(
            "a callback about %s is ignored: it lacks the signature that the connection's webhook_hmac_secret asks for",
            callback.job_id,
        )
        return Response(status_code=403)
    try:
        await handler.handle(token, callback)
    except NotYetHandledError as problem:
        log.warning("the callback about %s cannot be handled for now: %s", callback.job_id, problem)
        return Response(status_code=_SEND_AGAIN)
    except Exception:
        log.exception("the callback about %s could not be handled", callback.job_id)
        return Response(status_code=_SEND_AGAIN)
    return Response(status_code=200)


async def _body(request: Request) -> bytes:
    """Return the body, if it is short and comes in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST_BODY:
                    raise _BodyError(413)
    except TimeoutError:
        raise _BodyError(408) from None
    except ClientDisconnect:
        raise _BodyError(400) from None
    return bytes(body)
