"""What .ci/image does inside of its namespaces: starts the program from the root
file system, meets it as a client, and compares the dashboard and the alerts with
the metrics that it exports."""

import fcntl
import http.client
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(sys.argv[1])
HERE = pathlib.Path(__file__).parent.parent

# What no scenario makes happen at will, or takes certificates, is looked up in
# the source instead.
RARE = {"portico_live_resyncs_total", "portico_tls_expiry_seconds"}


def prepare():
    """A network with only loopback, and a root that nobody can write to."""
    with socket.socket() as any_socket:
        up = struct.pack("16sh", b"lo", 1)
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS, IFF_UP
    for arguments in (
        ["--make-rprivate", "/"],
        ["--bind", ROOT, ROOT],
        ["-o", "remount,ro,bind", ROOT],
        ["-t", "tmpfs", "-o", "nosuid,nodev,noexec,mode=1777", "tmpfs", ROOT / "tmp"],
    ):
        subprocess.run(["mount", *arguments], check=True)


def start(*arguments):
    environment = {
        "PORTICO_PROFILE": "dev",
        "PORTICO_DATA_DIR": "/tmp/data",
        "PORTICO_RATE_LIMIT_CREDENTIALS": "3/1m",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    }
    return subprocess.Popen(
        ["/usr/sbin/chroot", "--userspec=65532:65532", ROOT, "/usr/bin/portico", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def migrate():
    """As on Kubernetes: a role waits as long as its database lacks migrations."""
    for arguments, expected in ((["--check"], 1), ([], 0), (["--check"], 0)):
        code = start("migrate", *arguments).wait(60)
        assert code == expected, f"migrate {arguments} ended with {code}"


def call(port, method, path, body=None, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def until(what, attempt, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            result = attempt()
            if result:
                return result
        except OSError:
            pass
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


def is_confined(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    assert re.search(r"^Uid:\t65532\t65532\t", status, re.M), status
    assert re.search(r"^CapEff:\t0+$", status, re.M), status
    for forbidden in ("bin/sh", "usr/bin/sh", "bin/bash"):
        assert not (ROOT / forbidden).exists(), f"{forbidden} is in the image"


def use():
    """Something of everything that the metrics tell of."""
    status, text = call(
        8080,
        "POST",
        "/api/v1/auth/register",
        {"email": "ada@example.com", "password": "correct horse", "name": "Ada"},
    )
    assert status == 201, text
    token = json.loads(text)["data"]["token"]
    stream = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
    stream.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
    events = stream.getresponse()
    assert events.status == 200
    status, text = call(8080, "POST", "/api/v1/projects", {"name": "Apollo"}, token)
    assert status == 201, text
    while b"project:" not in events.readline():
        pass
    statuses = [
        call(8080, "POST", "/api/v1/auth/login", {"email": "eve@example.com", "password": "wrong one"})[0]
        for _ in range(5)
    ]
    assert 429 in statuses, statuses
    return stream


def names_in_use():
    """The metrics that the dashboard and the alerts name, each with who does."""
    dashboard = json.loads((HERE / "deploy/grafana/dashboards/portico.json").read_text())
    uses = [
        (f"the panel “{panel['title']}”", target["expr"])
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    alerts = (HERE / "deploy/alerts/portico.yaml").read_text()
    uses += re.findall(r"- alert: (\w+)\n\s+expr: '(.*)'", alerts)
    for who, expression in uses:
        bare = re.sub(r'"[^"]*"', "", expression)
        found = re.findall(r"\b(?:http|rpc|db|portico)_\w+(?=\{|\[|\)| |$)", bare)
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", bare))
        for by in re.findall(r"by \(([^)]*)\)", bare):
            labels |= {label.strip() for label in by.split(",")}
        names = [name for name in found if name not in labels]
        assert names or "up" in bare, f"{who} names no metric: {expression}"
        yield from ((name, who) for name in names)


def check_metrics():
    wanted = list(names_in_use())
    assert len(wanted) > 25, wanted

    def missing():
        _, text = call(9090, "GET", "/metrics")
        exported = set(re.findall(r"^(\w+)(?:\{| )", text, re.M))
        return [(name, who) for name, who in wanted if name not in exported and name not in RARE]

    try:
        until("the export of all metrics", lambda: not missing(), 15)
    except AssertionError:
        sys.exit(f"not exported: {missing()}")
    sources = (HERE / "services/chassis/src/telemetry").rglob("*.rs")
    source = "".join(path.read_text() for path in sources)
    for name in RARE:
        assert f'"{re.sub("_(total|seconds)$", "", name)}"' in source, name
    return len({name for name, _ in wanted})


def main():
    prepare()
    migrate()
    process = start()
    ready = until("readiness", lambda: call(9090, "GET", "/readyz")[0] == 200)
    assert ready
    is_confined(process)
    stream = use()
    count = check_metrics()
    stream.close()
    process.terminate()
    code = process.wait(30)
    assert code == 0, f"it ended with {code}"
    print(f"The program serves and stops from its image; all {count} metrics in use are exported.")


main()
