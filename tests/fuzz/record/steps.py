"""Recorded MQTT as the inputs of the targets that do not take packets: lines of filters, and steps of the session."""

CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT = 1, 3, 8, 10, 14
ACKS = (4, 5, 6, 7)
# verbs of tests/fuzz/src/session/step.rs
STEP = {"connect": 0, "subscribe": 1, "unsubscribe": 2, "publish": 3, "send": 4, "read": 5, "lose": 7,
        "disconnect": 10, "hostile": 11, "settle": 12}
PEERS = 3
# the longest packet that a step may carry
MOST_BYTES = 255


def packets(stream):
    """Type, flags and body of each whole packet."""
    while len(stream) >= 2:
        length, at, shift = 0, 1, 0
        while True:
            length |= (stream[at] & 0x7F) << shift
            shift += 7
            at += 1
            if stream[at - 1] < 0x80:
                break
        if len(stream) < at + length:
            return
        yield stream[0] >> 4, stream[0] & 15, stream[at : at + length]
        stream = stream[at + length :]


def text(body, at):
    length = int.from_bytes(body[at : at + 2], "big")
    return body[at + 2 : at + 2 + length].decode(), at + 2 + length


def is_v5(stream):
    return next(packets(stream))[2][6] == 5


def skip_properties(body, at, v5):
    return at + 1 + body[at] if v5 else at


def topics_of(body, kind, v5):
    """Filters with their options; UNSUBSCRIBE has no options."""
    at = skip_properties(body, 2, v5)
    while at < len(body):
        topic, at = text(body, at)
        yield topic, body[at] if kind == SUBSCRIBE else 0
        at += kind == SUBSCRIBE


def lines(stream):
    """For the target `filters`."""
    found = []
    v5 = is_v5(stream)
    for kind, flags, body in packets(stream):
        if kind == PUBLISH:
            found.append(("r " if flags & 1 else "p ") + text(body, 0)[0])
        elif kind in (SUBSCRIBE, UNSUBSCRIBE):
            verb = "s " if kind == SUBSCRIBE else "u "
            found += [verb + topic for topic, _ in topics_of(body, kind, v5)]
    return found


def step(verb, who, first=0, second=0):
    return bytes([STEP[verb], who & 255, first & 255, second & 255])


def history(streams):
    """For the target `session`: one peer for each stream, packet by packet in turn, then all settles."""
    out = bytes([2, 1, 1, 1])
    left = [(number % PEERS, is_v5(stream), list(packets(stream))) for number, stream in enumerate(streams)]
    while any(rest for _, _, rest in left):
        for who, v5, rest in left:
            if rest:
                out += steps_of(who, v5, *rest.pop(0))
    return out + step("settle", 0)


def steps_of(who, v5, kind, flags, body):
    send = step("send", who) + step("settle", 0)
    if kind == CONNECT:
        clean = body[7] >> 1 & 1
        return step("connect", who, v5 | clean << 1 | (2 << 2 if not clean else 0))
    if kind == PUBLISH:
        qos = flags >> 1 & 3
        return step("publish", who, len(body), qos | (flags & 1) << 2) + send
    if kind in (SUBSCRIBE, UNSUBSCRIBE):
        verb = "subscribe" if kind == SUBSCRIBE else "unsubscribe"
        wishes = [step(verb, who, len(topic), options & 3) for topic, options in topics_of(body, kind, v5)]
        return b"".join(wishes) + send
    if kind in ACKS:
        return step("read", who) + step("send", who)
    if kind == DISCONNECT:
        return step("disconnect", who)
    return b""


def verbatim(stream):
    """For the target `session`: the fourth client sends the packets as they were."""
    out = bytes([1, 1, 1, is_v5(stream)])
    out += step("connect", 0, 3) + step("subscribe", 0, 2, 2) + step("settle", 0)
    for kind, flags, body in packets(stream):
        if len(body) < MOST_BYTES:
            out += step("hostile", len(body) + 1, kind == CONNECT) + bytes([kind << 4 | flags]) + body
            out += step("settle", 0)
    return out
