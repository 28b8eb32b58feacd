"""Fills an installation on SQLite and moves it to PostgreSQL; measures both.

usage: measure.py PROGRAM FOLDER POSTGRES_URL VERSION
"""

import base64
import http.client
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PEOPLE = 1_000_000
PROJECTS = 1_000_000
MEMBERS_EACH = 5

EMAIL = "root@example.com"
PASSWORD = "correct horse battery"

# What every list and search is held to, in milliseconds, at the 95th percentile.
MOST = 5.0
# How often each is asked, and those that take so long that a few times tell.
TIMES = 100
FEW_TIMES = 5
SLOW = 50.0
# The rows before page 50,000 of 20.
ROWS_BEFORE = 999_980

FILL = pathlib.Path(__file__).parent.parent / "move"
RESULTS = pathlib.Path(__file__).parent / "RESULTS.md"
# The slowest of each kind, for the table of all goals that `make bench` writes.
GOALS = pathlib.Path(__file__).parent / "goals.tsv"

# What is asked of the lists of people and of one person's projects. Of a million
# each has `common`, but for ten thousand with `uncommon` and a hundred with `rare`.
LISTS = [
    ("people, newest first", "/users?"),
    ("people by name", "/users?sort=name"),
    ("people by last change", "/users?sort=-updatedAt"),
    ("people who are members", "/users?role=MEMBER"),
    ("people who are administrators", "/users?role=ADMIN"),
    ("people who are disabled", "/users?status=DISABLED"),
    ("people, one found", "/users?q=777777"),
    ("people, 100 found", "/users?q=rare"),
    ("people, 10,000 found", "/users?q=uncommon"),
    ("people, nearly all found", "/users?q=common"),
    ("people, nearly all found, by name", "/users?q=common&sort=name"),
    ("people, a word's beginning", "/users?q=pe"),
    ("people, none found", "/users?q=nobodyatall"),
    ("my projects, newest first", "/projects?"),
    ("my projects by name", "/projects?sort=name"),
    ("my projects by last change", "/projects?sort=-updatedAt"),
    ("my projects, archived or not", "/projects?archived=any"),
    ("my projects as owner", "/projects?role=OWNER"),
    ("my projects as viewer", "/projects?role=VIEWER"),
    ("my projects, one found", "/projects?q=777777"),
    ("my projects, 100 found", "/projects?q=rare"),
    ("my projects, 10,000 found", "/projects?q=uncommon"),
    ("my projects, nearly all found", "/projects?q=common"),
    ("my projects, nearly all found, by name", "/projects?q=common&sort=name"),
    ("my projects, none found", "/projects?q=nothingatall"),
    ("public projects, newest first", "/projects?visibility=PUBLIC"),
    ("public projects by name", "/projects?visibility=PUBLIC&sort=name"),
]
WALKS = [
    ("people, page 50,000 by cursor", "/users?sort=createdAt"),
    ("my projects, page 50,000 by cursor", "/projects?sort=createdAt"),
]


class Client:
    """One connection of somebody who is signed in."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.token: str | None = None

    def call(self, method: str, path: str, body: object = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        text = None if body is None else json.dumps(body)
        self.connection.request(method, f"/api/v1{path}", text, headers)
        answer = self.connection.getresponse()
        read = answer.read()
        if answer.status == 504:
            raise TimeoutError
        assert answer.status in (200, 201), (path, read)
        return json.loads(read)

    def sign_in(self) -> None:
        signed_in = self.call("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
        self.token = signed_in["data"]["token"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(program: str, settings: dict[str, str], folder: pathlib.Path) -> Iterator[Client]:
    """The program in one process, until it is not needed any more."""
    http_port, admin_port = free_port(), free_port()
    settings = settings | {
        "PORTICO_GATEWAY_LISTEN": f"127.0.0.1:{http_port}",
        "PORTICO_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        "PORTICO_ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
    }
    with (folder / "log").open("a") as log:
        process = subprocess.Popen([program], env=settings, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                Client(http_port).call("GET", "/nothing")
            except AssertionError:
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None, "it does not start"
                time.sleep(0.05)
        client = Client(http_port)
        client.sign_in()
        yield client
    finally:
        process.terminate()
        process.wait()


def fill(folder: pathlib.Path) -> None:
    """Writes the rows straight into the files; the administrator owns all projects."""
    for service in ("users", "projects"):
        database = sqlite3.connect(folder / f"{service}.db")
        if service == "users":
            sql = "SELECT id FROM users WHERE role = 'ADMIN'"
            (everywhere,) = database.execute(sql).fetchone()
        database.execute("PRAGMA synchronous = off")
        database.execute("PRAGMA cache_size = -1000000")
        database.execute(
            "CREATE TEMP TABLE size AS SELECT ? AS people, ? AS projects, ? AS each, "
            "? AS everywhere, false AS with_events",
            (PEOPLE, PROJECTS, MEMBERS_EACH, everywhere),
        )
        statements = (FILL / f"{service}.sql").read_text(encoding="utf-8")
        database.executescript(f"BEGIN; {statements} COMMIT;")
        database.execute("PRAGMA wal_checkpoint(truncate)")
        database.close()


def index(folder: pathlib.Path) -> None:
    """Waits until the running program has indexed all rows for searches."""
    for service in ("users", "projects"):
        database = sqlite3.connect(folder / f"{service}.db")
        while database.execute("SELECT EXISTS (SELECT 1 FROM search_pending)").fetchone()[0]:
            time.sleep(1)
        database.close()


def percentiles(work: Callable[[], object]) -> tuple[float, float]:
    """What half of the calls take at most, and 95 of a hundred, in milliseconds."""

    def once() -> float:
        begun = time.perf_counter()
        try:
            work()
        except TimeoutError:
            pass
        return (time.perf_counter() - begun) * 1e3

    # The first ones read from disk, and prepare statements.
    first = min(once() for _ in range(3))
    taken = sorted(once() for _ in range(FEW_TIMES if first > SLOW else TIMES))
    return taken[len(taken) // 2], taken[len(taken) * 95 // 100]


def deep_page(client: Client, path: str) -> str:
    """Page 50,000 without the walk: a cursor says after which row a page begins, so
    that of an early page leads to a late one when the row is another."""
    first = client.call("GET", f"{path}&limit=1")["meta"]["pagination"]["nextCursor"]
    cursor = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    kind = "person" if "/users" in path else "projct"
    raw = f"{kind}{ROWS_BEFORE:010}".encode().hex()
    cursor["i"] = "-".join(raw[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    cursor["k"] = 1_700_000_000_000 + ROWS_BEFORE
    text = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
    return f"{path}&cursor={text}"


def changes(client: Client) -> list[tuple[str, float, float]]:
    numbers = iter(range(1_000_000))
    run = os.urandom(4).hex()

    def create() -> dict:
        return client.call("POST", "/projects", {"name": f"New {run} {next(numbers)}"})["data"]

    made = create()["id"]

    def change() -> None:
        client.call("PATCH", f"/projects/{made}", {"description": f"Changed {next(numbers)}"})

    def invite() -> None:
        person = {"email": f"{run}{next(numbers)}@example.org", "name": "New", "role": "MEMBER"}
        client.call("POST", "/users", person | {"password": f"long enough {run}"})

    def read() -> None:
        client.call("GET", f"/projects/{made}")

    named = [
        ("read a project", read),
        ("create a project", create),
        ("change a project", change),
        ("create a person, with a password", invite),
    ]
    return [(name, *percentiles(work)) for name, work in named]


def measure(client: Client) -> dict[str, tuple[float, float]]:
    measured = {}
    for name, path in LISTS:
        measured[name] = percentiles(lambda path=path: client.call("GET", path))
    for name, path in WALKS:
        page = deep_page(client, path)
        measured[name] = percentiles(lambda page=page: client.call("GET", page))
    for name, half, most in changes(client):
        measured[name] = (half, most)
    return measured


def settings_for(folder: pathlib.Path, postgres: str | None) -> dict[str, str]:
    settings = {
        "PORTICO_DATA_DIR": str(folder),
        "PORTICO_BOOTSTRAP_ADMIN_EMAIL": EMAIL,
        "PORTICO_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        "PORTICO_AUTH_THROTTLE": "off",
        "PORTICO_ACCESS_TOKEN_TTL": "1h",
        "RUST_LOG": "warn",
    }
    for limit in ("ANONYMOUS", "USER", "CREDENTIALS"):
        settings[f"PORTICO_RATE_LIMIT_{limit}"] = "off"
    if postgres:
        for role in ("users", "auth", "projects", "notifications"):
            url = f"{postgres}?options=-csearch_path%3Dportico_{role},public"
            settings[f"PORTICO_{role.upper()}_DATABASE_URL"] = url
    return settings


LISTED = [name for name, _ in LISTS + WALKS]


def cell(name: str, figures: tuple[float, float]) -> str:
    half, most = figures
    is_over = name in LISTED and most > MOST
    return f"{half:.1f} | {most:.1f}{' **over**' if is_over else ''}"


def goals(measured: list[dict[str, tuple[float, float]]]) -> str:
    kinds = {
        "page 1": [name for name, path in LISTS if "q=" not in path],
        "page 50,000 by cursor": [name for name, _ in WALKS],
        "a search": [name for name, path in LISTS if "q=" in path],
    }
    lines = []
    for kind, names in kinds.items():
        slowest = max(each[name][1] for each in measured for name in names)
        what = f"{kind} among {PROJECTS:,}: the slowest p95 of all"
        lines.append(f"{what}\t{slowest:.2f}\t<={MOST:g}\tms\n")
    return "".join(lines)


def main() -> None:
    program, data, postgres, version = sys.argv[1:]
    folder = pathlib.Path(data)
    folder.mkdir()
    on_sqlite = settings_for(folder, None)
    with running(program, on_sqlite, folder) as client:
        empty = {name: (half, most) for name, half, most in changes(client)}
    begun = time.monotonic()
    fill(folder)
    filled = time.monotonic() - begun
    size = sum(file.stat().st_size for file in folder.glob("*.db")) / 1e9
    begun = time.monotonic()
    with running(program, on_sqlite, folder):
        index(folder)
    indexed = time.monotonic() - begun
    with running(program, on_sqlite, folder) as client:
        sqlite = measure(client)

    begun = time.monotonic()
    command = [program, "move", "--from", f"sqlite://{folder}", "--to", postgres]
    subprocess.run(command, env=on_sqlite, check=True, stdout=subprocess.DEVNULL)
    moved = time.monotonic() - begun
    with running(program, settings_for(folder, postgres), folder) as client:
        on_postgres = measure(client)

    rows = "\n".join(
        f"| {name} | {cell(name, figures)} | {cell(name, on_postgres[name])} |"
        for name, figures in sqlite.items()
    )
    writes = "\n".join(
        f"| {name} | {half:.1f} | {most:.1f} |" for name, (half, most) in empty.items()
    )
    over = sum(each[name][1] > MOST for each in (sqlite, on_postgres) for name in LISTED)
    results = f"""# With a million of each

{version}. Written by `deploy/bench/scale/run`.

{PEOPLE:,} people and {PROJECTS:,} projects with {PROJECTS * MEMBERS_EACH:,} memberships, in files of {size:.1f} GB: filled
in {filled:.0f} s on SQLite, indexed for searches in {indexed:.0f} s beside other work, moved to PostgreSQL in {moved:.0f} s.
Asked over REST, one request after the other, by an administrator who owns all projects;
milliseconds. Each list and search is to take at most {MOST:.0f} ms at the 95th percentile; {over} figures are over that.

| what | SQLite: p50 | p95 | PostgreSQL: p50 | p95 |
|---|--:|--:|--:|--:|
{rows}

What the changes took while SQLite was empty:

| what | p50 | p95 |
|---|--:|--:|
{writes}
"""
    RESULTS.write_text(results, encoding="utf-8")
    GOALS.write_text(goals([sqlite, on_postgres]), encoding="utf-8")
    print(results)


main()
