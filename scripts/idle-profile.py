#!/usr/bin/env python3
"""What an idle client of edge and shard holds, block by block.

scripts/idle-profile.py BINARY [--clients N] [--tls CERTIFICATE KEY] [--dhat]

Starts an edge and a shard of BINARY, a worker each, and brings in N clients one after another: CONNECT, ten SUBSCRIBEs
(two with a wildcard), one publish of 1 KB at QoS 1. Prints how much Pss_Anon has grown for each; with --dhat, the heap's
largest blocks at its peak, in bytes asked for per client. Needs valgrind for that.
"""

import argparse
import json
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time
from pathlib import Path

CONFIG = """
admission: {{mode: Open}}
log: {{level: warn}}
admin: {{address: '127.0.0.1:{admin}'}}
"""
SHARD = "shard: {{workers: 1, linkAddress: '127.0.0.1:{link}', linkTokenFile: {folder}/token}}\n"
EDGE = """
listeners: [{{name: mqtt, address: '127.0.0.1:{mqtt}', {protocol}}}]
authentication: {{anonymous: Always, clientIdPattern: '*'}}
edge: {{workers: 1, id: idle, shards: ['127.0.0.1:{link}'], linkTokenFile: {folder}/token}}
"""
PUBLISH = 0x32
SUBSCRIBE = 0x82


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def packet(first, body):
    length, left = b"", len(body)
    while left > 127:
        length += bytes([left % 128 | 128])
        left //= 128
    return bytes([first]) + length + bytes([left]) + body


def client(port, number, tls):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        connection = tls.wrap_socket(connection)

    def read(size):
        got = b""
        while len(got) < size:
            some = connection.recv(size - len(got))
            if not some:
                raise ConnectionError("closed by the edge")
            got += some
        return got

    def ask(first, body):
        connection.sendall(packet(first, body))
        # every answer here is short: its length is one byte
        read(read(2)[1])

    ask(0x10, text("MQTT") + b"\x04\x02" + struct.pack(">H", 600) + text(f"gw-{number}"))
    filters = [f"gw/{number}/device/{n}/set" for n in range(8)]
    filters += [f"gw/{number}/group/{n}/#" for n in range(2)]
    for packet_id, topic_filter in enumerate(filters, 1):
        ask(SUBSCRIBE, struct.pack(">H", packet_id) + text(topic_filter) + b"\x01")
    ask(PUBLISH, text(f"gw/{number}/event") + struct.pack(">H", 1) + b"x" * 1024)
    return connection


def anonymous_memory(process):
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss_Anon:"))
    return int(line.split()[1]) * 1024


def largest_blocks(path, clients, count=14):
    heap = json.loads(path.read_text())
    frames = [frame.split(": ", 1)[-1] for frame in heap["ftbl"]]
    for point in sorted(heap["pps"], key=lambda point: -point.get("gb", 0))[:count]:
        calls = [frames[at].split(" (")[0] for at in point["fs"]]
        ours = next((call for call in calls if "herdgate" in call), calls[0])
        size, blocks = point["gb"] / clients, point["gbk"] / clients
        print(f"  {size:8.1f} bytes in {blocks:4.2f} blocks  {ours[:110]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--clients", type=int, default=4000)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), type=Path)
    parser.add_argument("--dhat", action="store_true")
    options = parser.parse_args()
    tls, protocol = None, "protocol: mqtt"
    if options.tls:
        tls = ssl.create_default_context(cafile=options.tls[0])
        tls.check_hostname = False
        certificate, key = (path.resolve() for path in options.tls)
        protocol = f"protocol: mqtts, tls: {{certificateFile: {certificate}, privateKeyFile: {key}}}"
    with tempfile.TemporaryDirectory(prefix="idle-profile-") as folder:
        measure(options, Path(folder), tls, protocol)


def measure(options, folder, tls, protocol):
    (folder / "token").write_text("only for this run")
    mqtt, link = free_port(), free_port()
    processes = {}
    for role, own in (("shard", SHARD), ("edge", EDGE)):
        config = (CONFIG + own).format(admin=free_port(), link=link, mqtt=mqtt, folder=folder, protocol=protocol)
        (folder / f"{role}.yaml").write_text(config)
        dhat = ["valgrind", "--tool=dhat", f"--dhat-out-file={folder}/{role}.json"] if options.dhat else []
        command = [*dhat, options.binary.resolve(), role, "-c", folder / f"{role}.yaml"]
        with (folder / f"{role}.log").open("w") as log:
            processes[role] = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        first_client(mqtt, tls, folder).close()
        time.sleep(1)
        before = {role: anonymous_memory(process) for role, process in processes.items()}
        connections = [client(mqtt, number, tls) for number in range(options.clients)]
        time.sleep(5)
        each = {role: (anonymous_memory(processes[role]) - before[role]) / len(connections) for role in before}
        if not options.dhat:
            print(f"shard {each['shard']:.0f}, edge {each['edge']:.0f}, together {sum(each.values()):.0f} bytes each")
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM if options.dhat else signal.SIGKILL)
        for process in processes.values():
            process.wait()
    for role in processes if options.dhat else ():
        print(role)
        largest_blocks(folder / f"{role}.json", options.clients)


def first_client(port, tls, folder):
    """Under valgrind a start takes a while."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return client(port, "first", tls)
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit((folder / "edge.log").read_text()) from None
            time.sleep(0.2)


if __name__ == "__main__":
    main()
