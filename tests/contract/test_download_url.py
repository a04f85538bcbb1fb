"""Temporary links to finished files."""

from __future__ import annotations

import pytest

PATH = "/api/v1/common/download-url"
DAY = 24 * 3600


def _link(caller, url):
    return caller.call("POST", PATH, json={"url": url}).json()


def _track(caller):
    music_task_id = caller.submitted()
    caller.simulator.clock.advance(200)
    return music_task_id, caller.record(music_task_id)["response"]["sunoData"][0]


@pytest.mark.parametrize("field", ["audioUrl", "sourceAudioUrl", "streamAudioUrl", "imageUrl"])
def test_a_link_leads_to_the_same_file(caller, field):
    url, before = _track(caller)[1][field], caller.credits()
    links = [_link(caller, url)["data"] for _ in range(2)]
    assert len({url, *links}) == 3
    assert {caller.media(link).content for link in links} == {caller.media(url).content}
    assert caller.credits() == before


def test_the_files_of_other_jobs_have_links_too(caller):
    job_id = caller.converted("wav", **caller.finished_track())
    caller.simulator.clock.advance(200)
    url = caller.conversion("wav", job_id)["response"]["audioWavUrl"]
    served = caller.media(_link(caller, url)["data"], Range="bytes=0-3")
    assert (served.status_code, served.content, served.headers["Content-Type"]) == (206, b"RIFF", "audio/wav")


def test_a_link_works_for_twenty_minutes(caller):
    link = _link(caller, _track(caller)[1]["audioUrl"])["data"]
    caller.simulator.clock.advance(20 * 60 - 1)
    assert caller.media(link).status_code == 200
    caller.simulator.clock.advance(1)
    assert caller.media(link).status_code == 403
    assert caller.media(link.replace("/link/", "/link/0")).status_code == 404


def test_what_is_no_file_of_this_service_is_refused(caller):
    music_task_id, track = _track(caller)
    running = caller.submitted()
    caller.simulator.clock.advance(30)
    unfinished = caller.record(running)["response"]["sunoData"][0]
    here, name = track["audioUrl"].rsplit("/", 1)
    uploaded = caller.uploaded("tune.wav", b"x")["downloadUrl"]
    for url in (
        *(
            f"https://files.example/{name}",
            f"https://files.example/media/{name}",
            f"{here}/0{name}",
            "nowhere",
            "http://[",
        ),
        *(f"{here}/{music_task_id}", f"{here}/stream/unheard-of", unfinished["streamAudioUrl"], uploaded),
    ):
        assert _link(caller, url) == {"code": 422, "msg": "url is wrong", "data": None}
    caller.simulator.clock.advance(14 * DAY)
    assert _link(caller, track["audioUrl"])["code"] == 422
