#!/usr/bin/env bash
# Calls an API under Peeker's contract, one request after the other. After a 429 it waits as long as
# the body says, 5 seconds where it does not say, and up to a second more, so that several scripts do
# not come back together.
#
#   PEEKER_URL=https://api.example.com PEEKER_API_KEY=pk_live_... ./peeker.sh METHOD PATH...
#
# Needs curl and jq. Prints each answer on a line, and each wait on standard error.
set -euo pipefail

method=$1
shift

call() {
    local reply status body seconds
    while true; do
        reply=$(curl --silent --show-error --request "$method" --write-out '\n%{http_code}' \
            --header "Authorization: Bearer $PEEKER_API_KEY" "$PEEKER_URL$1")
        status=${reply##*$'\n'}
        body=${reply%$'\n'*}
        case $status in
            2*) printf '%s\n' "$body"; return ;;
            429) ;;
            *) printf 'status %s: %s\n' "$status" "$body" >&2; return 1 ;;
        esac
        seconds=$(jq -r '.error.details.retry_after_seconds // 5' <<<"$body")
        printf 'rate limited, waiting %s s\n' "$seconds" >&2
        sleep "$seconds.$(printf '%03d' $((RANDOM % 1000)))"
    done
}

for path in "$@"; do
    call "$path"
done
