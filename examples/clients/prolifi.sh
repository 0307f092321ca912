#!/usr/bin/env bash
# Calls an API under Prolifi's contract, one request after the other. curl itself waits as long as a
# Retry-After says, and tries each request four times at the most.
#
#   PROLIFI_URL=https://api.example.com PROLIFI_API_KEY=... ./prolifi.sh PATH...
#
# Needs curl 7.66 or later. Prints each answer on a line.
set -euo pipefail

for path in "$@"; do
    curl --silent --show-error --retry 3 --write-out '\n' \
        --header "Authorization: Bearer $PROLIFI_API_KEY" "$PROLIFI_URL$path"
done
