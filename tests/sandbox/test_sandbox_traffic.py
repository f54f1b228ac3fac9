"""Requests are counted, and faults see each of them before the server does."""

import http.client

import pytest
from sandbox_requests import ask, fetch
from starlette.responses import HTMLResponse

from allbrains import sandbox
from allbrains.errors import ConfigurationError

KEY = "ds000011/sub-01/anat/sub-01_T1w.nii.gz"


class FirstTimeBusy:
    """The first visit with each key of a route meets a gateway's error page."""

    def __init__(self, route):
        self.route = route

    async def __call__(self, visit, app, scope, receive, send):
        if visit.route == self.route and visit.number == 0:
            app = HTMLResponse("<html>504 Gateway Time-out</html>", status_code=504)
        await app(scope, receive, send)


class Mangled:
    """What the bucket delivers has the right length and wrong bytes."""

    async def __call__(self, visit, app, scope, receive, send):
        async def mangle(message):
            if visit.route == "s3.get" and message["type"] == "http.response.body":
                message = {**message, "body": bytes(255 - byte for byte in message["body"])}
            await send(message)

        await app(scope, receive, mangle)


class Cut:
    """What the bucket delivers ends after its first byte."""

    async def __call__(self, visit, app, scope, receive, send):
        async def cut(message):
            if visit.route == "s3.get" and message["type"] == "http.response.body":
                if message["body"]:
                    await send({**message, "body": message["body"][:1], "more_body": True})
                return
            await send(message)

        await app(scope, receive, cut)


class Noting:
    """Nothing happens, and it is written down."""

    def __init__(self):
        self.visits = []

    async def __call__(self, visit, app, scope, receive, send):
        self.visits.append((visit.route, visit.key, visit.number))
        await app(scope, receive, send)


def test_each_request_is_counted_under_its_route_and_key(server):
    site = server.api.removesuffix("/graphql")
    ask(server, "query Page($n: Int) {datasets(first: $n) {pageInfo {count}}}", n=1)
    ask(server, "query Page($n: Int) {datasets(first: $n) {pageInfo {count}}}", n=1)
    ask(server, "query Page($n: Int) {datasets(first: $n) {pageInfo {count}}}", n=2)
    ask(server, "{__typename}")
    fetch(server.api, "POST", b"[]", {"Content-Type": "application/json"})
    fetch(f"{server.bucket}/{KEY}", headers={"Range": "bytes=0-0"})
    fetch(f"{server.bucket}/{KEY}?versionId=x")
    fetch(f"{server.bucket}/{KEY}", "HEAD")
    fetch(f"{server.bucket}/?list-type=2&prefix=ds000011%2Fsub-01")
    fetch(f"{site}/datasets/ds000011/objects/{'0' * 40}?filename=x")
    fetch(f"{site}/datasets/ds000011/snapshots/2.0.1/files/a:b")
    fetch(f"{site}/")
    assert server.requests.of("graphql") == {'Page {"n":1}': 2, 'Page {"n":2}': 1, "{}": 1, "": 1}
    assert server.requests.of("s3.get") == {KEY: 2}
    assert server.requests.of("s3.head") == {KEY: 1}
    assert server.requests.of("s3.list") == {"ds000011/sub-01": 1}
    assert server.requests.of("objects") == {f"ds000011/{'0' * 40}": 1}
    assert server.requests.of("files") == {"ds000011/2.0.1/files/a:b": 1}
    assert server.requests.of("other") == {"/crn/": 1}
    assert server.requests.total("graphql") == 5
    server.requests.clear()
    assert server.requests.of("s3.get") == {}


def test_a_fault_answers_in_the_servers_place(root):
    with sandbox.serve(root, faults=[FirstTimeBusy("graphql")]) as server:
        busy = ask(server, "{__typename}")
        assert (busy.status, busy.headers["content-type"]) == (504, "text/html; charset=utf-8")
        assert ask(server, "{__typename}").json["data"] == {"__typename": "Query"}
        assert fetch(f"{server.bucket}/{KEY}").status == 200


def test_faults_stack_with_the_first_outermost(root):
    content = (root / KEY).read_bytes()
    before, behind = Noting(), Noting()
    with sandbox.serve(root, faults=[before, FirstTimeBusy("s3.get"), Mangled(), behind]) as server:
        assert fetch(f"{server.bucket}/{KEY}").status == 504
        mangled = fetch(f"{server.bucket}/{KEY}")
    assert mangled.status == 200
    assert mangled.body == bytes(255 - byte for byte in content)
    assert mangled.headers["content-length"] == str(len(content))
    assert before.visits == [("s3.get", KEY, 0), ("s3.get", KEY, 1)]
    assert behind.visits == [("s3.get", KEY, 1)]


def test_a_fault_can_break_off_in_the_middle_of_a_body(root):
    with sandbox.serve(root, faults=[Cut()]) as server, pytest.raises(http.client.IncompleteRead) as error:
        fetch(f"{server.bucket}/{KEY}")
    assert error.value.partial == (root / KEY).read_bytes()[:1]


def test_names_that_a_web_page_could_have_bound_to_loopback_are_refused(steady):
    port = steady.api.split("/")[2].partition(":")[2]
    for host, status in {"evil.example": 400, f"localhost:{port}": 200, f"127.0.0.1:{port}": 200}.items():
        assert fetch(f"{steady.bucket}/{KEY}", headers={"Host": host}).status == status


def test_urls_lead_back_the_way_the_request_came(steady):
    port = steady.api.split("/")[2].partition(":")[2]
    api = f"http://localhost:{port}/crn/graphql"
    body = b'{"query":"{snapshot(datasetId:\\"phantoms\\",tag:\\"1.0.0\\"){files{urls}}}"}'
    answer = fetch(api, "POST", body, {"Content-Type": "application/json"})
    assert answer.json["data"]["snapshot"]["files"][0]["urls"][0].startswith(f"http://localhost:{port}/")


def test_a_closed_sandbox_answers_no_more_and_frees_its_port(steady_root):
    with sandbox.serve(steady_root) as first:
        port = int(first.api.split("/")[2].partition(":")[2])
        with pytest.raises(ConfigurationError, match=f"port {port}"), sandbox.serve(steady_root, port=port):
            pass
    with pytest.raises(ConnectionRefusedError):
        fetch(first.api)
    with sandbox.serve(steady_root, port=port) as second:
        assert second.api == first.api
        assert fetch(f"{second.bucket}/{KEY}").status == 200
