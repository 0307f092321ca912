"""A Flask service behind a contract, with a limit of its own on one view."""

import flask
from ratecell import Contract
from ratecell.flask import RouteLimit
from ratecell.wsgi import ContractMiddleware

CONTRACT = Contract(
    """
name = "shop"
[[rule]]
name = "ip"
limit = "fixed 300/min"
by = "ip"
[response]
headers = ["x-ratelimit", "retry-after"]
"""
)

app = flask.Flask("shop")
app.wsgi_app = ContractMiddleware(app.wsgi_app, CONTRACT)  # type: ignore[method-assign]
searches = RouteLimit("hour: 100/hour; minute: 10/minute", key="header:x-user")


@app.get("/search")
@searches.limit
def search() -> str:
    """Answers ten times a minute and user, and a hundred times an hour."""
    return "found nothing"


client = app.test_client()
answers = [client.get("/search", headers={"x-user": "alice"}) for _ in range(11)]
assert [answer.status_code for answer in answers] == [200] * 10 + [429]
print(answers[-1].headers["retry-after"], answers[-1].text)
