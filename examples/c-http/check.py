#!/usr/bin/env python3
"""Runs the server with a published contract and looks at what it answers: check.py SERVER CONTRACTS"""

import http.client
import subprocess
import sys


def ask(port, method, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), body


def serve(server, contract):
    process = subprocess.Popen([server, contract], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, int(process.stdout.readline())


def stop(process):
    process.stdin.close()
    assert process.wait(timeout=20) == 0, process.returncode


def productlane(server, folder):
    """20 writes in any ten seconds; the refusal's fields name the minute's limit."""
    process, port = serve(server, f"{folder}/productlane.toml")
    headers = {"Authorization": "Bearer check", "Content-Length": "0"}
    answers = [ask(port, "POST", "/v1/issues", headers) for _ in range(21)]
    assert [status for status, _, _ in answers] == [200] * 20 + [429], answers[-1]
    _, fields, body = answers[-1]
    assert fields["X-RateLimit-Limit"] == "60", fields
    assert int(fields["X-RateLimit-Remaining"]) >= 40, fields
    assert int(fields["Retry-After"]) >= 1, fields
    assert fields["Content-Type"] == "application/json", fields
    start = b'{"error":{"code":"rate_limited","message":"Rate limit exceeded.",'
    assert body.startswith(start) and b'"details":{"limit":60,"window":"1m"}' in body, body
    # Without a key no rule applies.
    assert ask(port, "GET", "/v1/issues", {})[0] == 200
    stop(process)


def prefetch(server, folder):
    """Permits come back once a response is sent, so one request after another passes."""
    process, port = serve(server, f"{folder}/prefetch.toml")
    running = []
    for _ in range(50):
        status, fields, _ = ask(port, "GET", "/", {"X-API-Key": "check"})
        assert status == 200 and fields["X-Concurrency-Limit"] == "8", (status, fields)
        running.append(fields["X-Concurrency-Running"])
    # The next request may come before the server has seen the last one off, but not each time.
    assert "1" in running[8:], running
    stop(process)


productlane(sys.argv[1], sys.argv[2])
prefetch(sys.argv[1], sys.argv[2])
print("c: the HTTP server keeps to two of the contracts")
