"""The player's routes with Airflow's permissions and its database: who gets which kept file, and who does not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.plugins_manager import AirflowPlugin
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.utils.session import create_session
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from airflow_provider_suno.links.addresses import PREFIX, kept_file_path
from airflow_provider_suno.plugins.player import stored_file
from airflow_provider_suno.plugins.player.player_plugin import SunoPlayerPlugin
from tests.support.airflow_versions import push_xcom
from tests.support.object_stores import s3_server
from tests.support.scheduling import Scheduling

SOUND = b"ID3" + bytes(range(256)) * 40


@dataclass
class Player:
    """The player's routes, a run whose task has pushed `files`, and the folder that is served."""

    client: TestClient
    root: Path
    dag_id: str
    run_id: str
    manager: SimpleAuthManager

    def push(self, *uris: Any, as_text: bool = False) -> None:
        """Let the task have pushed these files: as a worker pushes them, or as Airflow itself stores values."""
        value = [{"uri": uri, "media_type": "audio/mpeg"} for uri in uris]
        self.push_value(value, as_text=as_text)

    def push_value(self, value: Any, *, as_text: bool = False) -> None:
        key = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": "keep", "key": "files"}
        with create_session() as session:
            push_xcom(value, as_text=as_text, session=session, **key)

    def get(self, *, role: str | None = "viewer", method: str = "GET", path: str | None = None, **headers: str) -> Any:
        if role:
            user = SimpleAuthManagerUser(username="somebody", role=None if role == "none" else role)
            headers["Authorization"] = f"Bearer {self.manager.generate_jwt(user)}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        path = path or kept_file_path(self.dag_id, self.run_id, "keep")
        return self.client.request(method, f"/base{path}", headers=headers, follow_redirects=False)


@pytest.fixture(scope="module")
def client() -> TestClient:
    (route,) = SunoPlayerPlugin().fastapi_apps
    return TestClient(Starlette(routes=[Mount(f"/base{PREFIX}", route["app"])]))


@pytest.fixture
def player(
    client: TestClient, schedule: Callable[[DAG], Scheduling], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Player:
    monkeypatch.setenv("AIRFLOW__SUNO__PLAYER_ROOTS", str(tmp_path / "songs"))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://localhost/base")
    (tmp_path / "songs").mkdir()
    with DAG(dag_id="keeps_songs", schedule=None) as dag:
        EmptyOperator(task_id="keep")
    run = schedule(dag)
    manager = create_auth_manager()
    assert isinstance(manager, SimpleAuthManager)
    return Player(client, tmp_path / "songs", dag.dag_id, run._dag_run.run_id, manager)


@pytest.fixture
def sound(player: Player) -> Path:
    (player.root / "a song.mp3").write_bytes(SOUND)
    player.push(f"file://{player.root}/a song.mp3")
    return player.root / "a song.mp3"


@pytest.mark.usefixtures("sound")
def test_a_kept_file_is_served_with_all_guards(player: Player) -> None:
    reply = player.get()
    assert (reply.status_code, reply.content) == (200, SOUND)
    guards = {name: reply.headers[name] for name in ("content-type", "x-content-type-options", "cache-control")}
    assert guards == {
        "content-type": "audio/mpeg",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
    }
    assert reply.headers["content-encoding"] == "identity"  # or older Airflow would compress it, and spoil ranges
    policy = reply.headers["content-security-policy"].split("; ")
    assert {"sandbox allow-same-origin", "default-src 'none'"} <= set(policy)
    assert "script" not in str(policy)
    assert reply.headers["content-disposition"] == "inline; filename=\"a song.mp3\"; filename*=UTF-8''a%20song.mp3"
    download = player.get(path=f"{kept_file_path(player.dag_id, player.run_id, 'keep')}&download=true")
    assert download.headers["content-disposition"].startswith("attachment; ")


def test_a_value_that_is_stored_as_text_is_read_too(player: Player, sound: Path) -> None:
    player.push(str(sound), as_text=True)
    assert player.get().content == SOUND


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("wanted", "content", "part"),
    [
        ("bytes=0-2", SOUND[:3], "0-2"),
        ("bytes=100-", SOUND[100:], f"100-{len(SOUND) - 1}"),
        ("bytes=-5", SOUND[-5:], None),
    ],
)
def test_a_part_is_served(player: Player, wanted: str, content: bytes, part: str | None) -> None:
    reply = player.get(Range=wanted)
    assert (reply.status_code, reply.content) == (206, content)
    assert reply.headers["content-length"] == str(len(content))
    assert part is None or reply.headers["content-range"] == f"bytes {part}/{len(SOUND)}"
    head = player.get(method="HEAD", Range=wanted)
    assert (head.status_code, head.content, head.headers["content-length"]) == (206, b"", str(len(content)))


@pytest.mark.usefixtures("sound")
def test_a_part_that_is_not_there_is_refused(player: Player) -> None:
    reply = player.get(Range=f"bytes={len(SOUND)}-")
    assert (reply.status_code, reply.headers["content-range"]) == (416, f"bytes */{len(SOUND)}")


def test_a_part_of_another_version_is_not_served(player: Player, sound: Path) -> None:
    version = player.get().headers["etag"]
    assert player.get(Range="bytes=0-2", If_Range=version).status_code == 206
    assert player.get(If_None_Match=version).status_code == 304
    sound.write_bytes(SOUND + b"more")
    assert player.get(Range="bytes=0-2", If_Range=version).status_code == 200
    assert player.get(If_None_Match=version).status_code == 200


def test_another_file_under_the_same_address_is_served_at_once(player: Player, sound: Path) -> None:
    version = player.get().headers["etag"]
    again = sound.with_name("a song of the next run.mp3")
    again.write_bytes(SOUND[::-1])
    player.push(str(again))
    reply = player.get(If_None_Match=version)
    assert (reply.status_code, reply.content) == (200, SOUND[::-1])


def outside(root: Path) -> Path:
    (root.parent / "outside.mp3").write_bytes(b"secret")
    return root.parent / "outside.mp3"


def linked(root: Path) -> Path:
    (root / "link.mp3").symlink_to(outside(root))
    return root / "link.mp3"


def in_linked_folder(root: Path) -> Path:
    outside(root)
    (root / "folder").symlink_to(root.parent)
    return root / "folder" / "outside.mp3"


def sibling(root: Path) -> Path:
    folder = root.with_name(f"{root.name}-of-others")
    folder.mkdir()
    (folder / "a.mp3").write_bytes(b"secret")
    return folder / "a.mp3"


def no_audio(root: Path) -> Path:
    (root / "notes.txt").write_text("secret")
    return root / "notes.txt"


def audio_by_name(root: Path) -> Path:
    (root / "a.mp3").symlink_to(no_audio(root))
    return root / "a.mp3"


REFUSED: dict[str, Callable[[Path], object]] = {
    "/etc/passwd": lambda _: "file:///etc/passwd",
    "a path without scheme": lambda _: "/etc/passwd",
    "..": lambda root: outside(root) and f"file://{root}/../outside.mp3",
    "a link out": linked,
    "a folder that is a link out": in_linked_folder,
    "a sibling whose name begins alike": sibling,
    "another folder": outside,
    "no audio": no_audio,
    "no audio under the name of audio": audio_by_name,
    "another store": lambda _: "memory://songs/a.mp3",
    "a web address": lambda _: "http://127.0.0.1/a.mp3",
    "a chain": lambda root: f"simplecache::file://{root}/a.mp3",
    "the folder itself": lambda root: root,
}


@pytest.mark.parametrize("named", REFUSED.values(), ids=REFUSED)
def test_what_is_not_audio_below_a_root_is_refused(player: Player, named: Callable[[Path], object]) -> None:
    player.push(str(named(player.root)))
    reply = player.get()
    assert reply.status_code == 403
    assert reply.json()["detail"].startswith("This file is not served: ")
    assert b"secret" not in reply.content


def test_nothing_is_served_without_roots(player: Player, sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert player.get(path=f"{PREFIX}/about").json()["kept_files"] is True
    monkeypatch.delenv("AIRFLOW__SUNO__PLAYER_ROOTS")
    reply = player.get()
    assert (reply.status_code, "[suno] player_roots" in reply.json()["detail"]) == (403, True)
    assert player.get(path=f"{PREFIX}/about").json()["kept_files"] is False
    assert sound.exists()


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"index": 1}, "has 1 files, and none with the number 1"),
        ({"map_index": 0}, "has no XCom 'files'"),
        ({"task_id": "other"}, "has no XCom 'files'"),
        ({"run_id": "other"}, "has no XCom 'files'"),
        ({"dag_id": "other"}, "has no XCom 'files'"),
    ],
)
def test_a_file_that_no_xcom_names_is_not_served(player: Player, other: dict[str, Any], says: str) -> None:
    which = {"dag_id": player.dag_id, "run_id": player.run_id, "task_id": "keep", **other}
    reply = player.get(path=kept_file_path(**which))
    assert (reply.status_code, says in reply.json()["detail"]) == (404, True)


@pytest.mark.parametrize("value", [{"uri": "x"}, "s3://backend/xcom", [None], [{"uri": 3}], ["file:///x.mp3"]])
def test_another_value_names_no_file(player: Player, value: Any) -> None:
    player.push_value(value)
    assert player.get().status_code == 404


@pytest.mark.usefixtures("sound")
def test_who_may_not_read_the_xcoms_gets_no_file(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def is_authorized(self: Any, *, method: str, access_entity: Any, details: Any, user: Any) -> bool:
        asked.append((method, access_entity.name, details.id))
        return False

    assert player.get(role=None).status_code == 401
    assert player.get(role="none").status_code == 403
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", is_authorized)
    assert player.get().status_code == 403
    assert asked == [("GET", "XCOM", player.dag_id)]


def test_a_query_does_not_name_another_dag_to_airflow(player: Player, sound: Path) -> None:
    path = kept_file_path("other", player.run_id, "keep")
    assert player.get(path=f"{path}&dag_id={player.dag_id}").status_code == 404
    assert sound.exists()


@pytest.mark.parametrize("make", [None, os.mkdir, os.mkfifo])
def test_a_file_that_is_gone_is_said_to_be_gone(player: Player, make: Callable[[Path], None] | None) -> None:
    path = player.root / "a.mp3"
    if make:
        make(path)
    player.push(str(path))
    reply = player.get()
    assert (reply.status_code, reply.json()["detail"][:17]) == (410, "This file is gone")


def test_a_store_that_does_not_answer_is_no_missing_file(player: Player, sound: Path, monkeypatch: Any) -> None:
    def fail(_path: str) -> None:
        raise PermissionError(13, "not for you", str(sound))

    monkeypatch.setattr(stored_file, "LocalFile", fail)
    reply = player.get()
    assert reply.status_code == 503
    assert str(sound) not in reply.text


@pytest.fixture
def bucket() -> Iterator[Any]:
    with s3_server("player") as (files, _):
        yield files


def test_files_of_an_object_store_are_served(player: Player, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(stored_file.PIECE + 1000)
    for name in ("songs/a #1.mp3", "songs-of-others/a.mp3"):
        bucket.pipe_file(f"player/{name}", content)
    monkeypatch.setenv("AIRFLOW__SUNO__PLAYER_ROOTS", "/nowhere, s3://player/songs")
    player.push("s3://player/songs/a #1.mp3", "s3://player/songs-of-others/a.mp3", "s3://player/songs/gone.mp3")
    assert player.get().content == content
    part = player.get(Range=f"bytes={stored_file.PIECE - 2}-{stored_file.PIECE + 1}")
    assert (part.status_code, part.content) == (206, content[stored_file.PIECE - 2 : stored_file.PIECE + 2])
    other, gone = (kept_file_path(player.dag_id, player.run_id, "keep", index=index) for index in (1, 2))
    assert [player.get(path=path).status_code for path in (other, gone)] == [403, 410]


def test_the_players_address_leads_to_the_library_or_says_why_there_is_none(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = player.get(path=f"{PREFIX}/")
    if not hasattr(AirflowPlugin, "react_apps"):
        reply = player.get(path=f"{PREFIX}/", role=None)
        assert (reply.status_code, "Airflow 3.1" in reply.text) == (404, True)
        return
    assert (reply.status_code, reply.headers["location"]) == (302, "/base/plugin/suno-music")
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_view", lambda *_, **__: False)
    reply = player.get(path=f"{PREFIX}/")
    assert (reply.status_code, "<strong>Plugins</strong>" in reply.text) == (403, True)


def test_both_places_load_one_module_below_the_base_path(player: Player) -> None:
    apps = SunoPlayerPlugin().react_apps
    assert {app["destination"] for app in apps} == {"dag_run", "nav"}
    assert len({app["url_route"] for app in apps}) == 2
    (module,) = {app["bundle_url"] for app in apps}
    reply = player.client.get(module)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert reply.headers["cache-control"] == "no-cache"
    assert all(f'"{app["name"]}"' in reply.text or f"globalThis.{app['name']} =" in reply.text for app in apps)
