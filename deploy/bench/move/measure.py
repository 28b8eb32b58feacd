"""Fills an installation on SQLite, moves it to PostgreSQL, and measures that.

usage: measure.py PROGRAM FOLDER POSTGRES_URL VERSION
"""

import pathlib
import resource
import sqlite3
import subprocess
import sys
import time

PEOPLE = 100_000
PROJECTS = 10_000
MEMBERSHIPS = 1_000_000

# What is promised: minutes, and memory that does not grow with the data.
MOST_SECONDS = 300
MOST_MEGABYTES = 64

HERE = pathlib.Path(__file__).parent


def fill(folder: pathlib.Path) -> None:
    """Writes the rows straight into the files."""
    for service in ("users", "auth", "projects"):
        database = sqlite3.connect(folder / f"{service}.db")
        database.execute(
            "CREATE TEMP TABLE size AS SELECT ? AS people, ? AS projects, ? AS each, "
            "NULL AS everywhere, true AS with_events",
            (PEOPLE, PROJECTS, MEMBERSHIPS // PROJECTS),
        )
        statements = (HERE / f"{service}.sql").read_text(encoding="utf-8")
        database.executescript(f"BEGIN; {statements} COMMIT;")
        database.close()


def main() -> None:
    program, folder, postgres, version = sys.argv[1:]
    fill(pathlib.Path(folder))
    size = sum(file.stat().st_size for file in pathlib.Path(folder).iterdir()) / 1e6

    begun = time.monotonic()
    command = [program, "move", "--from", f"sqlite://{folder}", "--to", postgres]
    moved = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - begun
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6

    if moved.returncode:
        sys.exit("it was not moved")
    lines = [line.split() for line in moved.stdout.split("\n\n", maxsplit=1)[0].splitlines()[1:]]
    rows = {line[0]: int(line[1]) for line in lines}
    assert rows["users.users"] == PEOPLE and rows["projects.members"] == MEMBERSHIPS, rows
    results = f"""# A move from SQLite to PostgreSQL

{version}. Written by `deploy/bench/move/run`.

{PEOPLE:,} people and {MEMBERSHIPS:,} memberships in {PROJECTS:,} projects: with passwords and events
{sum(rows.values()):,} rows, in files of {size:.0f} MB. Moved, read again and compared; program and
PostgreSQL share the machine.

| what | measured | at most |
|---|---|---|
| time | {seconds:.0f} s | {MOST_SECONDS} s |
| greatest memory of the program | {megabytes:.0f} MB | {MOST_MEGABYTES} MB |
"""
    (HERE / "RESULTS.md").write_text(results, encoding="utf-8")
    print(results)
    if seconds > MOST_SECONDS or megabytes > MOST_MEGABYTES:
        sys.exit("a budget is missed")


main()
