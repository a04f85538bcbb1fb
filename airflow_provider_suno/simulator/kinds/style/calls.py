"""Handler of the call that enlarges a style. It is paid, and answered at once."""

from __future__ import annotations

from decimal import Decimal

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.jobs.failures import ERROR_MESSAGES
from airflow_provider_suno.simulator.jobs.paid_call import PaidCall
from airflow_provider_suno.simulator.kinds.music.prompt_directives import is_number, read_directives
from airflow_provider_suno.simulator.kinds.style.enlarged_style import enlarged_style
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.credits import plain_number, price_of
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_FAILED = "2"


def _enlarge(call: Call, context: Context) -> Reply:
    state, content, job_id = context.state, call.text("content"), context.state.ids.job()
    profile, failure = state.profile, read_directives(content).failure
    code = None
    if failure is not None:
        code = int(failure.name) if is_number(failure.name) else 500
    price = price_of(call.endpoint, call.fields) if code is None else Decimal(0)
    if price:
        state.charge(PaidCall("style", job_id, call.fields, price), now=context.now)
    record_time = context.now if context.record_time is None else context.record_time
    data = {
        "taskId": job_id,
        "param": call.fields["content"],
        "result": enlarged_style(content) if code is None else "",
        "creditsConsumed": plain_number(price),
        "creditsRemaining": plain_number(state.credits),
        "successFlag": profile.style_success if code is None else _FAILED,
        "errorCode": code,
        profile.style_error: None if code is None else ERROR_MESSAGES.get(code, ERROR_MESSAGES[500]),
        "createTime": int(record_time * 1000),
    }
    return success(data, job_id=job_id)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.BOOST_STYLE: _enlarge}
