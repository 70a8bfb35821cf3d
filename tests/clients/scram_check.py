"""An MQTT 5 client whose SCRAM is scramp's; drives a broker and exits 0 when it behaves. One check a run."""

import argparse
import socket
import struct
import sys

from scramp import ScramClient, ScramException, ScramMechanism

METHOD = "SCRAM-SHA-256"
PATIENCE = 20
CONNACK, PUBLISH, SUBACK, DISCONNECT, AUTH = 0x20, 0x30, 0x90, 0xE0, 0xF0


def text(value):
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def length(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(first, body):
    return bytes([first]) + length(len(body)) + body


def properties(method, data):
    listed = b"\x15" + text(method)
    if data is not None:
        listed += b"\x16" + text(data)
    return length(len(listed)) + listed


class Client:
    def __init__(self, args):
        self.socket = socket.create_connection(("127.0.0.1", args.port), timeout=PATIENCE)

    def send(self, data):
        self.socket.sendall(data)

    def exactly(self, size):
        out = b""
        while len(out) < size:
            more = self.socket.recv(size - len(out))
            expect(more, "the broker answers rather than closes")
            out += more
        return out

    def read(self):
        first, size, shift = self.exactly(1)[0], 0, 0
        while True:
            byte = self.exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first, self.exactly(size)

    def connect(self, client_id, data, level=5):
        body = text("MQTT") + bytes([level, 2]) + struct.pack(">H", 60)
        body += properties(METHOD, data) + text(client_id)
        self.send(packet(0x10, body))

    def auth(self, code, data, method=METHOD):
        self.send(packet(AUTH, bytes([code]) + properties(method, data)))

    def expect_auth(self, code):
        """The data of an AUTH with this code."""
        first, body = self.read()
        expect_equal((first, body[0]), (AUTH, code), "an AUTH comes")
        found = listed(body[1:])
        expect_equal(found.get(0x15), METHOD, "AUTH tells the method")
        return found.get(0x16, "")


def listed(body):
    """Strings and binaries of a property list, by id; numbers are skipped."""
    size = at = 0
    while True:
        byte = body[at]
        size |= (byte & 0x7F) << (7 * at)
        at += 1
        if byte < 0x80:
            break
    end, found = at + size, {}
    widths = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
    while at < end:
        key = body[at]
        at += 1
        if key in widths:
            at += widths[key]
            continue
        (size,) = struct.unpack(">H", body[at : at + 2])
        found[key] = body[at + 2 : at + 2 + size].decode()
        at += 2 + size
    return found


def expect(holds, what):
    if not holds:
        sys.exit(f"expected: {what}")


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: {wanted!r}, found {found!r}")


def prove(client, args, begin):
    """Both messages; what is left is the server's answer."""
    scram = ScramClient([METHOD], args.user, args.password)
    begin(scram.get_client_first())
    scram.set_server_first(client.expect_auth(0x18))
    client.auth(0x18, scram.get_client_final())
    return scram


def login(args):
    client = Client(args)
    scram = prove(client, args, lambda first: client.connect(args.user, first))
    first, body = client.read()
    expect_equal((first, body[1]), (CONNACK, 0), "CONNACK")
    found = listed(body[2:])
    expect_equal(found.get(0x15), METHOD, "CONNACK tells the method")
    scram.set_server_final(found[0x16])
    return client


def roundtrip(args):
    client = login(args)
    client.send(packet(0x82, b"\0\1\0" + text("a/b") + b"\0"))
    expect_equal(client.read()[0], SUBACK, "SUBACK")
    # again, with the session going on in between
    scram = ScramClient([METHOD], args.user, args.password)
    client.auth(0x19, scram.get_client_first())
    scram.set_server_first(client.expect_auth(0x18))
    client.send(packet(PUBLISH, text("a/b") + b"\0" + b"hello"))
    first, body = client.read()
    expect_equal((first, body[-5:]), (PUBLISH, b"hello"), "the message")
    client.auth(0x18, scram.get_client_final())
    scram.set_server_final(client.expect_auth(0))
    # and once more, with a proof that does not fit
    wrong = ScramClient([METHOD], args.user, args.password + "x")
    client.auth(0x19, wrong.get_client_first())
    wrong.set_server_first(client.expect_auth(0x18))
    client.auth(0x18, wrong.get_client_final())
    first, body = client.read()
    expect_equal((first, body[0]), (DISCONNECT, 0x87), "DISCONNECT")


def begun_by_the_server(args):
    client = Client(args)
    client.connect(args.user, None)
    expect_equal(client.expect_auth(0x18), "", "an empty challenge")
    scram = prove(client, args, lambda first: client.auth(0x18, first))
    first, body = client.read()
    expect_equal((first, body[1]), (CONNACK, 0), "CONNACK")
    scram.set_server_final(listed(body[2:])[0x16])


def refused(args):
    client = Client(args)
    prove(client, args, lambda first: client.connect(args.user, first))
    first, body = client.read()
    expect_equal((first, body[1]), (CONNACK, 0x86), "CONNACK")
    expect_equal(client.socket.recv(1), b"", "the broker closes")


def salts(args):
    """The salt that a name is shown: the same each time."""
    seen = set()
    for _ in range(3):
        client = Client(args)
        scram = ScramClient([METHOD], args.user, args.password)
        client.connect(args.user, scram.get_client_first())
        challenge = dict(part.split("=", 1) for part in client.expect_auth(0x18).split(","))
        seen.add((challenge["s"], challenge["i"]))
    expect_equal(len(seen), 1, "salts and iterations of one user")


def verifier(args):
    """Prints a line for a password file."""
    from base64 import b64encode

    salt, stored, server, rounds = ScramMechanism().make_auth_info(args.password, iteration_count=4096)
    salt, stored, server = (b64encode(part).decode() for part in (salt, stored, server))
    print(f"{args.user}:{METHOD}${rounds}:{salt}${stored}:{server}")


CHECKS = {check.__name__: check for check in (roundtrip, begun_by_the_server, refused, salts, verifier)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    arguments = parser.parse_args()
    try:
        CHECKS[arguments.check](arguments)
    except ScramException as error:
        sys.exit(f"scramp says: {error}")
