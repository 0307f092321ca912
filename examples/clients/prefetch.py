"""Asks an API under Prefetch's contract with exponential backoff.

After a 429 it waits 1, 2 and 4 seconds, and then gives up.

    PREFETCH_URL=https://api.example.com PREFETCH_API_KEY=... python prefetch.py COUNT

Needs the package requests. Prints how many requests were answered, given up and refused.
"""

import os
import sys
import time

import requests

URL = os.environ["PREFETCH_URL"]
HEADERS = {"X-Api-Key": os.environ["PREFETCH_API_KEY"]}

refused = 0


def get_with_backoff(session, path):
    global refused
    for seconds in (1, 2, 4, None):
        response = session.get(URL + path, headers=HEADERS, timeout=30)
        if response.status_code != 429:
            return response.json()
        refused += 1
        if seconds is not None:
            time.sleep(seconds)
    return None


def main():
    count = int(sys.argv[1])
    answered = 0
    with requests.Session() as session:
        for _ in range(count):
            answer = get_with_backoff(session, "/v1/prefetch")
            answered += bool(answer and answer["success"])
    print(f"{answered} answered, {count - answered} given up, {refused} refused on the way")


if __name__ == "__main__":
    main()
