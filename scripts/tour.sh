#!/usr/bin/env bash
# The README's tour against a running server: RAPPORT_URL and RAPPORT_API_KEY say which (make tour starts one api and two
# workers on PostgreSQL and Redis). Ends with an error where the README would not be true.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${RAPPORT_URL:?start a server first: make run, or make tour}" "${RAPPORT_API_KEY:?}"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
call() { curl -sS --fail-with-body -H "Authorization: Bearer $RAPPORT_API_KEY" -H 'Content-Type: application/json' "$@"; }
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; } # the first text of that name

for _ in {1..60}; do call "$RAPPORT_URL/v1/campaigns?status=finished" | grep -q '"finished"' && break; sleep 0.5; done # the demo's own

say "1,000 customers over four channels"
campaign=$(bin/rapport campaign send --template promotion --purpose marketing --csv examples/customers.csv --name "Spring sale" --wait | sed -n 1p)
bin/rapport campaign status "$campaign"

for channel in email sms telegram webhook; do
  say "A customer answers by $channel, and an agent answers back"
  letter=$(call "$RAPPORT_URL/v1/sandbox/outbox?campaign=$campaign&channel=$channel&limit=1")
  to=$(field to <<<"$letter")
  message=$(field message_id <<<"$letter")
  call -X POST "$RAPPORT_URL/v1/sandbox/replies" -d "{\"channel\":\"$channel\",\"address\":\"$to\",\"text\":\"Do you have it in blue?\",\"in_reply_to\":\"$message\"}" >/dev/null
  reply=$(call "$RAPPORT_URL/v1/replies?campaign=$campaign&limit=1")
  thread=$(field thread <<<"$reply")
  echo "$thread: $(field text <<<"$reply") (in reply to $message)"
  call -X POST "$RAPPORT_URL/v1/threads/$thread/replies" -d '{"text":"Yes, in every size.","agent":"Olga"}' >/dev/null
  for _ in {1..40}; do
    call -G "$RAPPORT_URL/v1/sandbox/outbox" --data-urlencode "address=$to" -d "channel=$channel" -d limit=3 | grep -q 'in every size' && break
    sleep 0.25
  done
  call -G "$RAPPORT_URL/v1/sandbox/outbox" --data-urlencode "address=$to" -d "channel=$channel" -d limit=3 | grep -q 'in every size'
  echo "and the answer is back with the customer"
done

say "One click ends it"
letter=$(call "$RAPPORT_URL/v1/sandbox/outbox?campaign=$campaign&channel=email&limit=1")
curl -sS --fail -o /dev/null -d List-Unsubscribe=One-Click "$(field list_unsubscribe <<<"$letter")"
customer=$(call "$RAPPORT_URL/v1/messages/$(field message_id <<<"$letter")" | field customer)
next=$(bin/rapport campaign send --template promotion --purpose marketing --csv examples/customers.csv --name "Second sale" --wait | sed -n 1p)
bin/rapport campaign explain "$next" "$customer"
bin/rapport campaign explain "$next" "$customer" | grep -q withdrawn
say "The tour is over, and everything was as the README says."
