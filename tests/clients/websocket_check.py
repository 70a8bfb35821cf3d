"""Drives a broker with the websockets library and exits 0 when it keeps to RFC 6455 and to MQTT's rules for it."""

import argparse
import ssl
import sys
import time

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

PATIENCE = 20
CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05ws-py"
CONNACK = b"\x20\x02\x00\x00"
SUBSCRIBE = b"\x82\x06\x00\x01\x00\x01a\x00"
SUBACK = b"\x90\x03\x00\x01\x00"
PUBLISH = b"\x30\x05\x00\x01ahi"
PINGREQ, PINGRESP = b"\xc0\x00", b"\xd0\x00"
DISCONNECT = b"\xe0\x00"


def expect(holds, what):
    if not holds:
        sys.exit(f"expected: {what}")


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: {wanted!r}, found {found!r}")


class Client:
    def __init__(self, args, **more):
        context = None
        if args.url.startswith("wss"):
            context = ssl.create_default_context(cafile=args.ca)
            context.set_alpn_protocols(["http/1.1"])
        options = {"subprotocols": ["mqtt"], "ssl": context, "open_timeout": PATIENCE, "compression": None}
        self.socket = connect(args.url, **{**options, **more})

    def read(self, length):
        """So many bytes of messages, however they are framed."""
        found = b""
        while len(found) < length:
            found += self.socket.recv(timeout=PATIENCE)
        return found

    def login(self):
        self.socket.send(CONNECT)
        expect_equal(self.read(len(CONNACK)), CONNACK, "CONNACK")
        return self

    def code(self):
        """The code with which the server closes."""
        try:
            while True:
                self.socket.recv(timeout=PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def messages(args):
    client = Client(args).login()
    expect_equal(client.socket.subprotocol, "mqtt", "the subprotocol")
    if args.url.startswith("wss"):
        expect_equal(client.socket.socket.selected_alpn_protocol(), "http/1.1", "ALPN")
    # one packet in three frames of one message, then three packets in one frame
    client.socket.send(iter([SUBSCRIBE[:3], SUBSCRIBE[3:4], SUBSCRIBE[4:]]))
    expect_equal(client.read(len(SUBACK)), SUBACK, "SUBACK")
    client.socket.send(PINGREQ + PUBLISH + PINGREQ)
    answers = client.read(len(PINGRESP) * 2 + len(PUBLISH))
    expect_equal(answers.replace(PUBLISH, b""), PINGRESP * 2, "both PINGRESPs and the message")
    expect(client.socket.ping(b"there?").wait(PATIENCE), "a pong")
    large = b"\x30\x80\x80\x20\x00\x01a" + b"x" * (0x80000 - 3)
    client.socket.send(large)
    expect_equal(client.read(len(large)), large, "a large message")
    client.socket.send(DISCONNECT)
    expect_equal(client.code(), 1000, "the server closes after DISCONNECT")


def code_that_came_back(args, sent):
    """The library gives its socket a timeout while another thread of it reads; a TLS record that comes in two parts then
    ends that read as timed out, at once. Only such a read is tried again."""
    for _ in range(3):
        client = Client(args).login()
        began = time.monotonic()
        client.socket.close(sent, "bye")
        at_once = time.monotonic() - began < client.socket.close_timeout
        received, error = client.socket.protocol.close_rcvd, client.socket.recv_exc
        if not (isinstance(error, TimeoutError) and at_once):
            break
    return (received and received.code, error)


def closes(args):
    expect_equal(code_that_came_back(args, 3001), (3001, None), "the client's code comes back")
    client = Client(args).login()
    client.socket.send("text")
    expect_equal(client.code(), 1003, "text is not taken")


def status(args, url, **more):
    try:
        Client(argparse.Namespace(**{**vars(args), "url": url}), **more)
    except InvalidStatus as refused:
        return refused.response.status_code
    sys.exit(f"expected: {url} is refused")


def refusals(args):
    expect_equal(status(args, args.url + "x"), 404, "another path")
    expect_equal(status(args, args.url, subprotocols=["mqttv3.1"]), 400, "no subprotocol mqtt")
    expect_equal(status(args, args.url, subprotocols=None), 400, "no subprotocol")
    expect_equal(status(args, args.url, origin="https://elsewhere.example.com"), 403, "another origin")
    Client(args, origin="https://console.example.com").login()
    own = args.url.split("://")[1].split("/")[0]
    Client(args, origin=f"https://{own}").login()


CHECKS = {check.__name__: check for check in (messages, closes, refusals)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--ca", required=True)
    args = parser.parse_args()
    CHECKS[args.check](args)


if __name__ == "__main__":
    main()
