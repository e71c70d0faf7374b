"""Runs Schemathesis against a real hub with seeded cases, as an administrator and as a duty officer.

    python tests/api/run.py path/to/hub

Finds answers of the 5xx kind, answers that the description does not name, and answers that are not what it
says. A fixed seed: the same hub gives the same requests. Ends with 0 when both runs found nothing, 1 otherwise.
The hub runs in a temporary directory and is ended with the test.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = "20260722"
# Test cases for each operation; with the phases below about 40 s for each of the two runs on two cores.
EXAMPLES = "12"
# A run that takes longer than this has hung.
TIMEOUT_S = 300
PASSWORD = "correct horse battery"
# What else Schemathesis could look at is wrong here on purpose: the hub takes more than the description says
# (unknown fields, say) so that older and newer clients meet, and each of its roles may do only some of it.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance"
)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def write_configuration(folder, port):
    configs = ROOT / "configs"
    lines = [f'listen = "127.0.0.1:{port}"', "tls = false", f'data_dir = "{folder}/data"']
    for name in ("areas", "sites", "categories", "calendar"):
        lines.append(f'{name} = "{configs / name}.toml"')
    # The budgets of requests have tests of their own; 429 would hide what lies behind it.
    limits = ("reads", "writes", "exports", "sign_ins", "address_requests", "gateway_requests")
    lines += ["[limits]"] + [f"{name}_per_minute = 0" for name in limits]
    path = folder / "hub.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def command(hub, *arguments, text=None):
    done = subprocess.run([hub, *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"`hub {' '.join(arguments)}` failed:\n{done.stderr}")
    return done.stdout


class Client:
    """Requests to the hub, with what each caller has to send."""

    def __init__(self, base, headers):
        self.base = base
        self.headers = headers

    def send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", **self.headers}
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path} gave {error.code}: {error.read().decode()}")


def wait_until_ready(base, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"the hub ended by itself with {process.returncode}")
        try:
            Client(base, {}).send("GET", "/healthz")
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    sys.exit("the hub was not ready within 60 s")


def stamp(seconds=0):
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def alert(sequence, device, kind, severity):
    return {
        "id": str(uuid.uuid4()),
        "revision": 0,
        "phase": "raised",
        "sequence": sequence,
        "boot_epoch": 1,
        "kind": kind,
        "severity": severity,
        "device": device,
        "device_known": True,
        "site": "xinghe-garden",
        "place": {"building": "3", "floor": "2"},
        "raised_at": stamp(-5),
        "at": stamp(-5),
        "detected_by": {"by": "rule", "rule": "threshold"},
        "reason": {"zh": "超过阈值", "en": "over the threshold"},
    }


def reading(device, kind, value):
    at = stamp(-1)
    return {"device": device, "kind": kind, "value": value, "at": at, "received_at": at, "quality": "good"}


def seed(base, key):
    """A gateway with devices, something that nobody understood, readings, and three open cases."""
    gateway = Client(base, {"authorization": f"Bearer {key}"})
    stream = str(uuid.uuid4())
    common = {"version": 1, "gateway": "gw-1", "stream": stream, "boot_epoch": 1}
    gateway.send("POST", "/v1/heartbeats", {
        **common,
        "site": "xinghe-garden",
        "number": 1,
        "at": stamp(),
        "clock": "plausible",
        "last_sequence": 3,
        "backlog_alerts": 0,
        "backlog_readings": 0,
        "agent_version": "0.1.0",
        "uptime_ms": 1000,
        "devices": [{"device": "kitchen", "known": True, "state": "online", "kinds": ["smoke"]}],
        "quarantine": [{"source": "topic/1", "reason": "nothing reads it", "sample": '{"x":1}', "count": 1, "last_seen": stamp()}],
    })
    _, receipt = gateway.send("POST", "/v1/batches", {
        **common,
        "sent_at": stamp(),
        "alerts": [
            alert(1, "kitchen", "smoke", "P1"),
            alert(2, "east-door", "door_forced", "P2"),
            alert(3, "cellar", "water_leak", "P3"),
        ],
        "readings": [reading("kitchen", "smoke", 4.1), reading("kitchen", "temperature", 31.5)],
    })
    statuses = [item["status"] for item in json.loads(receipt)["items"]]
    if statuses != ["accepted"] * 3:
        sys.exit(f"the seeded alerts were not accepted: {receipt.decode()}")


def sign_in(base, name):
    client = Client(base, {"x-gridwatch-request": "1"})
    headers, _ = client.send("POST", "/api/v1/session", {"username": name, "password": PASSWORD})
    return headers["set-cookie"].split(";")[0]


def check(base, folder, name, key):
    """One run as this officer. Signing out would end the session that all other requests need."""
    print(f"\n==== as {name}", flush=True)
    tool = pathlib.Path(sys.executable).with_name("schemathesis")
    config = folder / "schemathesis.toml"
    # Gateways have a key of their own; everything else goes with the officer's cookie.
    config.write_text(f"""
[headers]
Cookie = "{sign_in(base, name)}"
X-Gridwatch-Request = "1"
Authorization = "Bearer {key}"
""")
    arguments = [
        str(tool), "--config-file", str(config), "run", f"{base}/api/v1/openapi.json", "--url", base,
        "--seed", SEED, "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing",
        "--checks", CHECKS, "--generation-database", "none", "--no-shrink", "--continue-on-failure",
        "--workers", "1", "--warnings", "off", "--no-color", "--request-timeout", "20",
        "--exclude-operation-id", "delete_session", "--exclude-operation-id", "get_events",
        "--suppress-health-check", "all",
    ]
    try:
        done = subprocess.run(arguments, cwd=folder, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"not done within {TIMEOUT_S} s")
        return False
    return done.returncode == 0


def main():
    hub = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        at = ("--config", str(write_configuration(folder, port)))
        for user, role in (("root", "administrator"), ("duty", "duty_officer")):
            command(hub, "user", "add", user, "--role", role, "--password-stdin", *at, text=PASSWORD)
        join = command(hub, "gateway", "add", "gw-1", "--site", "xinghe-garden", *at)
        key = re.search(r'^key = "(.+)"$', join, re.MULTILINE).group(1)
        with open(folder / "hub.log", "w+") as log:
            process = subprocess.Popen([hub, "run", *at], stdout=log, stderr=log, env={**os.environ, "RUST_BACKTRACE": "1"})
            try:
                wait_until_ready(base, process)
                seed(base, key)
                good = [check(base, folder, user, key) for user in ("duty", "root")]
            finally:
                process.send_signal(signal.SIGTERM)
                ended = process.wait(timeout=60)
                log.seek(0)
                said = log.read()
        wrong = [line for line in said.splitlines() if "panicked" in line]
        if ended != 0 or wrong:
            print(f"the hub ended with {ended}\n" + "\n".join(wrong) + "\n" + said[-4000:])
        print(f"api pass {sum(good)}\napi fail {len(good) - sum(good)}")
        return 0 if all(good) and ended == 0 and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
