"""Malformed connections: secrets in the wrong field, or mistyped."""

from __future__ import annotations

import json
from typing import Any


def bad_connections(key: str, callback_secret: str, proxy_password: str) -> dict[str, dict[str, Any]]:
    """
    Return malformed connections, by what is wrong with them.

    :param key: the API key.
    :param callback_secret: a secret in the extras.
    :param proxy_password: another secret in the extras.
    """
    bare, bare_password = key.replace("/", ""), proxy_password.replace("/", "")

    def extra(**extras: Any) -> dict[str, Any]:
        return {"host": "h.invalid", "password": key, "extra": json.dumps(extras)}

    def host(host: str, password: str = "other-key") -> dict[str, Any]:
        return {"host": host, "password": password}

    return {
        "extra is no JSON": {**extra(), "extra": '{"callback_secret": "' + callback_secret},
        "extra is no object": {**extra(), "extra": f'["{callback_secret}"]'},
        "user in the host": host(f"https://user:{bare}@h"),
        "user in a bare host": host(f"user:{bare}@h"),
        "user and a slash": host(f"https://user:{key}@h"),
        "user and a hash": host(f"https://user:a#{key}@h"),
        "user and a question mark": host(f"https://user:1?{key}@h"),
        "user and a bracket": host(f"https://user:[{key}]@h"),
        "user and an odd character": host(f"https://user:{bare}\u2100@h"),
        "key as the host": host(f"ftp://{key}", key),
        "key as the schema": {**host("h", key), "schema": key},
        "a newline in the key": host("h", f"{key}\n{key}"),
        "a letter of Latin 1 in the key": host("h", f"{key}é"),
        "a control character in the key": host("h", f"{key}\x00"),
        "key as the profile": extra(profile=key),
        "key as verify": extra(verify=key),
        "key as the timeout": extra(timeout=key),
        "key as the callback URL": extra(callback_url=key),
        "key as the name of an extra": extra(**{key: 1}),
        "proxy without a scheme": extra(proxies=f"user:{proxy_password}@proxy:1"),
        "proxy with an odd character": extra(proxies={"https": f"http://user:{bare_password}\u2100@proxy:1"}),
        "proxy with a bad port": extra(proxies=f"http://user:{bare_password}@proxy:99999999"),
        "proxy of no known kind": extra(proxies=f"ftp://user:{bare_password}@proxy:1"),
        "upload URL with a user": extra(upload_url=f"http://user:{proxy_password}@127.0.0.1:9"),
    }
