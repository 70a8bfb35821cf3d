"""Records the seeds of the fuzz targets anew, from clients and balancers that others wrote.

Usage: record.py FOLDER_OF_BINARIES [SEEDS]. Needs mosquitto's clients, haproxy, and the PyPI packages paho-mqtt and
websockets (see record.sh).
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from websockets.sync.client import connect as websocket

import steps
from tap import Ear, Tap

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 20
PASSWORDS = HERE.parent.parent / "fixtures" / "passwords"


class Broker:
    """An edge and a shard, with a tap on the link between them."""

    def __init__(self, binaries, folder):
        self.binary = pathlib.Path(binaries) / "herdgate"
        self.folder = folder
        (folder / "token").write_text("a token only the tests know")
        base = {
            "cluster": "seeds",
            "listeners": [
                {"name": "mqtt", "address": "127.0.0.1:0", "protocol": "mqtt"},
                {"name": "ws", "address": "127.0.0.1:0", "protocol": "ws"},
            ],
            "authentication": {"passwordFile": str(PASSWORDS)},
            "admission": {"mode": "Open"},
            "edge": {"workers": 1, "id": "edge-0", "linkTokenFile": str(folder / "token"), "drain": {"delaySeconds": 0}},
            "shard": {"workers": 1, "linkAddress": "127.0.0.1:0", "linkTokenFile": str(folder / "token"),
                      "drain": {"delaySeconds": 0}},
            "admin": {"address": "127.0.0.1:0"},
            "log": {"level": "info", "format": "text"},
        }
        self.shard, ready = self.start("shard", base)
        self.link = Tap(int(ready["link"].rsplit(":", 1)[1]))
        base["edge"]["shards"] = [f"127.0.0.1:{self.link.port}"]
        self.edge, ready = self.start("edge", base)
        self.ports = {name: int(where.rsplit(":", 1)[1]) for name, where in ready["listeners"].items()}
        wait_for(lambda: self.link.connections and len(self.link.connections[0].to_client) > 30, "the link")

    def start(self, role, config):
        # JSON is YAML
        path, ready = self.folder / f"{role}.yaml", self.folder / f"{role}.ready"
        path.write_text(json.dumps(config))
        process = subprocess.Popen([self.binary, role, "-c", path, "--ready-file", ready],
                                   stdout=(self.folder / f"{role}.log").open("w"), stderr=subprocess.STDOUT)
        wait_for(lambda: ready.exists() or process.poll() is not None, role)
        return process, json.loads(ready.read_text())

    def stop(self):
        for process in (self.edge, self.shard):
            process.terminate()
            process.wait(PATIENCE)


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{what} does not come")
        time.sleep(0.02)


def paho(port, version, transport="tcp"):
    """A client that uses most of what there is, and ends in the middle of a message; then the same once more."""
    v5 = version == mqtt.MQTTv5
    done = threading.Event()
    got = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="alice-1", protocol=version, transport=transport,
                         **({} if v5 else {"clean_session": False}))
    client.username_pw_set("alice", "alice's secret")
    client.will_set("gone/alice", b"lost", qos=1, retain=True)
    client.on_subscribe = lambda *_: done.set()
    client.on_unsubscribe = lambda *_: done.set()
    client.on_message = lambda c, u, message: got.append(message)
    client.on_connect = lambda *_: done.set()
    start = {}
    if v5:
        start["clean_start"] = False
        start["properties"] = Properties(PacketTypes.CONNECT)
        start["properties"].SessionExpiryInterval = 600
        start["properties"].ReceiveMaximum = 10
        start["properties"].MaximumPacketSize = 10_000
        start["properties"].TopicAliasMaximum = 5
        start["properties"].UserProperty = ("site", "north")

    def until_done():
        if not done.wait(PATIENCE):
            sys.exit("paho waits in vain")
        done.clear()

    client.connect("127.0.0.1", port, keepalive=30, **start)
    client.loop_start()
    until_done()
    if v5:
        more = Properties(PacketTypes.SUBSCRIBE)
        more.SubscriptionIdentifier = 7
        options = [SubscribeOptions(qos=2, noLocal=False, retainAsPublished=True, retainHandling=1)] * 2
        client.subscribe(list(zip(["room/+/heat", "room/#"], options)), properties=more)
    else:
        client.subscribe([("room/+/heat", 1), ("room/#", 2)])
    until_done()
    client.subscribe("$share/readers/stairs/+", 1)
    until_done()
    for number, (topic, qos) in enumerate([("room/1/heat", 0), ("room/1/heat", 1), ("room/2", 2), ("stairs/up", 1)]):
        properties = None
        if v5:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = 60
            properties.ContentType = "text/plain"
            properties.ResponseTopic = "answers/alice"
            properties.CorrelationData = b"\x01\x02"
            properties.PayloadFormatIndicator = 1
            properties.TopicAlias = 1 + number
            properties.UserProperty = ("n", str(number))
        client.publish(topic, f"message {number}", qos=qos, retain=number == 1, properties=properties)
    wait_for(lambda: len(got) >= 4, "paho's messages")
    client.unsubscribe("room/#")
    until_done()
    time.sleep(0.2)
    client.disconnect()
    client.loop_stop()


def mosquitto(port, version):
    sub = ["stdbuf", "-oL", "mosquitto_sub", "-p", str(port), "-V", version, "-i", "watcher", "-q", "2", "-t", "room/+/light",
           "-t", "+/2/#", "--will-topic", "gone/watcher", "--will-payload", "lost",
           "-U", "nothing/here", "-C", "3", "-d"]
    more = ["-x", "300", "-D", "connect", "receive-maximum", "3"] if version == "5" else ["-c"]
    watcher = subprocess.Popen(sub + more, stdout=subprocess.PIPE, text=True)
    for line in watcher.stdout:
        if "Subscribed" in line:
            break
    for qos in "012":
        pub = ["mosquitto_pub", "-p", str(port), "-V", version, "-q", qos, "-t", "room/2/light", "-m", f"on {qos}"]
        if version == "5":
            pub += ["-D", "publish", "user-property", "a", "b", "-D", "publish", "message-expiry-interval", "30"]
        subprocess.run(pub, check=True, timeout=PATIENCE)
    watcher.communicate(timeout=PATIENCE)


def websockets_frames(port):
    """A message in pieces, packets across frame borders, a ping, a close with its reason."""
    with websocket(f"ws://127.0.0.1:{port}/mqtt", subprotocols=["mqtt"], compression=None) as client:
        first = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05ws-py"
        client.send([first[:5], first[5:9], first[9:]])
        client.recv(timeout=PATIENCE)
        client.ping(b"still there?").wait(PATIENCE)
        client.send(b"\x82\x06\x00\x01\x00\x01a\x00\x30\x05\x00")
        client.send(b"\x01ahi\xc0\x00")
        client.recv(timeout=PATIENCE)
        client.send(b"\x30\x84\x02\x00\x02aa" + b"." * 256)
        client.send(b"\xe0\x00")
        client.close(1000, "done")


def swarm(binaries, folder, port, version):
    """One gateway of the fleet emulator, until it is up."""
    scenario = {
        "name": "seeds", "target": {"address": f"127.0.0.1:{port}", "protocol": "mqtt"}, "protocol": version,
        "ranges": [{"name": "one", "gateways": 1, "sources": ["127.0.0.0/30"]}],
        "identity": {"clientId": "gw-{n:5}"}, "topics": {"count": 3, "pattern": "gw-{n:5}/{t}"},
        "bringUp": {"concurrent": 1}, "restart": {"waitSeconds": 2, "timeoutSeconds": 5, "quietSeconds": 1},
    }
    path = folder / "scenario.yaml"
    path.write_text(json.dumps(scenario))
    command = [pathlib.Path(binaries) / "herdgate-swarm", "run", path]
    subprocess.run(command, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def haproxy(folder, options, host="127.0.0.1"):
    """What a server behind haproxy hears first."""
    ear, front = Ear(host), Ear(host)
    port = front.port
    front.listener.close()
    at = f"[{host}]" if ":" in host else host
    config = folder / "haproxy.cfg"
    config.write_text("global\n  maxconn 20\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 5s\n"
                      f"  timeout server 5s\nlisten mqtt\n  bind {at}:{port}\n  unique-id-format %[uuid()]\n"
                      f"  server edge {at}:{ear.port} {options}\n")
    balancer = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-q", "-f", config], stderr=subprocess.DEVNULL)
    heard = []
    if "check" not in options:
        def publish():
            command = ["mosquitto_pub", "-h", host, "-p", str(port), "-t", "t", "-m", "m", "-i", "behind"]
            wait_for(lambda: subprocess.run(command, capture_output=True).returncode != 0 and heard, "haproxy")
        threading.Thread(target=publish, daemon=True).start()
    heard.append(ear.hear(least=12))
    balancer.terminate()
    balancer.wait(PATIENCE)
    return heard[0]


class Seeds:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def write(self, target, name, data):
        folder = self.folder / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        print(f"{target}/{name}: {len(data)} bytes")


def record_mqtt(broker, binaries, folder, seeds):
    for target, paho_version, name in [("v3", mqtt.MQTTv311, "311"), ("v5", mqtt.MQTTv5, "5")]:
        streams = []
        for client in ["paho", "mosquitto", "swarm"]:
            tap = Tap(broker.ports["mqtt"])
            if client == "paho":
                paho(tap.port, paho_version)
            elif client == "mosquitto":
                mosquitto(tap.port, name)
            else:
                swarm(binaries, folder, tap.port, "5" if name == "5" else "3.1.1")
            for number, connection in enumerate(tap.finished()):
                if not connection.to_server or number > 3:
                    continue
                seeds.write(target, f"{client}-{number}-sends", connection.to_server)
                seeds.write(target, f"{client}-{number}-is-sent", connection.to_client)
                streams.append(connection.to_server)
        lines = [line for stream in streams for line in steps.lines(stream)]
        # what is subscribed is there when something is published
        lines.sort(key=lambda line: line[0] != "s")
        seeds.write("filters", f"clients-{target}", "\n".join(dict.fromkeys(lines)).encode())
        seeds.write("session", f"clients-{target}", steps.history(streams))
        seeds.write("session", f"verbatim-{target}", steps.verbatim(streams[0]))


def record_websocket(broker, seeds):
    for version in (mqtt.MQTTv311, mqtt.MQTTv5):
        tap = Tap(broker.ports["ws"])
        paho(tap.port, version, "websockets")
        seeds.write("websocket", f"paho-{version}", tap.finished()[0].to_server)
    tap = Tap(broker.ports["ws"])
    websockets_frames(tap.port)
    seeds.write("websocket", "websockets", tap.finished()[0].to_server)


def first_frame(stream):
    return 4 + int.from_bytes(stream[:4], "big")


def record_link(broker, seeds):
    """The greetings, then some frames of the rest; what says the state of health comes four times a second."""
    broker.stop()
    for number, connection in enumerate(broker.link.finished()):
        for name, kind, stream in [("edge", 0, connection.to_server), ("shard", 1, connection.to_client)]:
            if not stream:
                continue
            greeting = first_frame(stream)
            seeds.write("link", f"{name}-{number}-greeting", bytes([2]) + stream[:greeting])
            seeds.write("link", f"{name}-{number}-frames", bytes([kind]) + stream[greeting : greeting + 4_000])
            for place, frame in enumerate(kinds_of_frames(stream[greeting:])):
                seeds.write("link", f"{name}-{number}-frame-{place}", bytes([kind]) + frame)


def kinds_of_frames(stream):
    """The first frame of each kind."""
    seen = {}
    while len(stream) > 4:
        frame, stream = stream[: first_frame(stream)], stream[first_frame(stream) :]
        seen.setdefault(frame[4], frame)
    return seen.values()


def record_proxy(folder, seeds):
    for name, options, host in [
        ("v1", "send-proxy", "127.0.0.1"),
        ("v1-ipv6", "send-proxy", "::1"),
        ("v2", "send-proxy-v2", "127.0.0.1"),
        ("v2-ipv6", "send-proxy-v2", "::1"),
        ("v2-tlvs", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority", "127.0.0.1"),
        ("v2-local", "send-proxy-v2 check-send-proxy check inter 200ms", "127.0.0.1"),
        ("v1-check", "send-proxy check-send-proxy check inter 200ms", "127.0.0.1"),
    ]:
        seeds.write("proxy", name, haproxy(folder, options, host))


def main():
    binaries = sys.argv[1]
    seeds = Seeds(sys.argv[2] if len(sys.argv) > 2 else HERE.parent / "seeds")
    with tempfile.TemporaryDirectory(prefix="herdgate-seeds-") as folder:
        folder = pathlib.Path(folder)
        broker = Broker(binaries, folder)
        record_mqtt(broker, binaries, folder, seeds)
        record_websocket(broker, seeds)
        record_link(broker, seeds)
        record_proxy(folder, seeds)


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main()
