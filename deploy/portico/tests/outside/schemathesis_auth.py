"""Signs Schemathesis in: as an administrator, in a session that lasts.

Operations that end sessions get one of their own each time.
"""

from __future__ import annotations

import os
from typing import ClassVar

import requests
import schemathesis

HTTP = os.environ["PORTICO_HTTP"]
ACCOUNT = {
    "email": os.environ["PORTICO_EMAIL"],
    "password": os.environ["PORTICO_PASSWORD"],
}


def token(path: str, body: dict[str, str]) -> str:
    """The access token of a new session."""
    answer = requests.post(f"{HTTP}/api/v1/auth/{path}", json=body, timeout=20)
    answer.raise_for_status()
    return str(answer.json()["data"]["token"])


@schemathesis.auth(refresh_interval=None)
class Session:
    """Who calls an operation."""

    lasting: ClassVar[str | None] = None
    strangers: ClassVar[int] = 0

    def get(self, case: schemathesis.Case, _: schemathesis.AuthContext) -> str:
        path = case.operation.path
        is_about_sessions = path.startswith("/api/v1/auth/") and case.method != "GET"
        if is_about_sessions and not path.endswith("/password/strength"):
            Session.strangers += 1
            stranger = {
                "email": f"stranger-{Session.strangers}@example.com",
                "password": ACCOUNT["password"],
                "name": "Stranger",
            }
            return token("register", stranger)
        Session.lasting = Session.lasting or token("login", ACCOUNT)
        return Session.lasting

    def set(
        self, case: schemathesis.Case, data: str, _: schemathesis.AuthContext
    ) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
