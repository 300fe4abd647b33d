"""Reads mails, one JSON object a line, and prints what is wrong with each: nothing of ours is used here but
Python's own parser and Debian's python3-dkim. The DNS holds one record, the argument."""
import base64, email, email.header, email.policy, email.utils, json, sys
import dkim


def dns(name, timeout=5):
    return sys.argv[1].encode() if name == b"rapport._domainkey.shop.example." else None


def plain(text):  # a mail knows one line end, and its text ends with one
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


FIELDS = sorted(["dkim-signature", "mime-version", "date", "from", "to", "reply-to", "subject", "message-id",
                 "list-unsubscribe", "list-unsubscribe-post", "x-note", "content-type"])


def judge(want):
    raw = base64.b64decode(want["raw"])
    if raw.count(b"\r") != raw.count(b"\r\n") or raw.count(b"\n") != raw.count(b"\r\n"):
        yield "a bare CR or LF"
    if max(map(len, raw.split(b"\r\n"))) > 998:
        yield "a line of more than 998 characters"
    if b"\n." in raw:
        yield "a line that begins with a dot"
    if any(c > 126 or c < 32 and c not in b"\t\r\n" for c in set(raw)):
        yield "a byte that is not text of 7 bits"
    m = email.message_from_bytes(raw, policy=email.policy.default)
    fields = sorted(k.lower() for k in m.keys() if k.lower() != "content-transfer-encoding")
    if fields != FIELDS:
        yield "the fields %r" % fields
    for part in m.walk():
        for defect in part.defects + [d for v in part.values() for d in getattr(v, "defects", [])]:
            yield "the defect %r" % defect
    if m["subject"] != want["subject"]:
        yield "the subject %r" % m["subject"]
    if m["x-note"] != want["note"]:
        yield "the note %r" % m["x-note"]
    if [a.addr_spec for a in m["to"].addresses] != [want["to"]]:
        yield "the recipients %r" % m["to"]
    # The parser above leaves spaces between encoded words in a name, and makes one of several in a word
    # (bugs.python.org/issue35547; RFC 2047 says otherwise in section 6.2). The older one does neither.
    name, address = email.utils.parseaddr(email.message_from_bytes(raw)["to"])
    if str(email.header.make_header(email.header.decode_header(name))) != want["name"] or address != want["to"]:
        yield "the name %r" % name
    if [a.addr_spec for a in m["from"].addresses] != ["news@shop.example"]:
        yield "the sender %r" % m["from"]
    for kind, key in (("plain", "text"), ("html", "html")):
        part = m.get_body((kind,))
        got = None if part is None else plain(part.get_content())
        if got != (plain(want[key]) if want[key] else None):
            yield "the %s %.300r" % (key, got)
    try:
        signed = dkim.verify(raw, dnsfunc=dns)
    except dkim.DKIMException as e:
        signed = False
        yield str(e)
    if not signed:
        yield "the signature does not verify"


count = 0
for line in sys.stdin:
    want = json.loads(line)
    for wrong in judge(want):
        print(json.dumps({"to": want["to"], "wrong": wrong}))
    count += 1
print(json.dumps({"judged": count}))
