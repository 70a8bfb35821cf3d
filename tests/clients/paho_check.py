"""Drives a broker with paho-mqtt and exits 0 when it behaves. One check a run."""

import argparse
import os
import queue
import signal
import subprocess
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE = 20


class Client:
    """A connected client whose events can be waited for."""

    def __init__(self, args, client_id, will=None, keep=False):
        self.messages = queue.Queue()
        self.connected = queue.Queue()
        self.granted = queue.Queue()
        self.acked = queue.Queue()
        self.gone = threading.Event()
        v5 = args.protocol == mqtt.MQTTv5
        extra = {} if v5 else {"clean_session": not keep}
        start = {"clean_start": not keep} if v5 else {}
        if v5 and keep:
            start["properties"] = Properties(PacketTypes.CONNECT)
            start["properties"].SessionExpiryInterval = 600
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=args.protocol,
            reconnect_on_failure=False,
            transport=args.transport,
            **extra,
        )
        self.paho.username_pw_set(args.user, args.password)
        if not args.plain:
            self.paho.tls_set(ca_certs=args.ca)
        if will:
            self.paho.will_set(*will)
        self.paho.on_connect = lambda c, u, flags, reason, props: self.connected.put((flags, reason, props))
        self.paho.on_message = lambda c, u, message: self.messages.put(message)
        self.paho.on_subscribe = lambda c, u, mid, codes, props: self.granted.put([code.value for code in codes])
        self.paho.on_publish = lambda c, u, mid, reason, props: self.acked.put((reason, props))
        self.paho.on_disconnect = lambda c, u, flags, reason, props: self.gone.set()
        self.paho.connect("localhost", args.port, keepalive=30, **start)
        self.paho.loop_start()
        self.flags, self.reason, self.properties = self.connected.get(timeout=PATIENCE)
        expect(not self.reason.is_failure, f"{client_id} is let in, not {self.reason}")

    def subscribe(self, topic_filter, qos):
        self.paho.subscribe(topic_filter, qos)
        return self.granted.get(timeout=PATIENCE)

    def subscribe_v5(self, topic_filter, number=None, **options):
        """With an identifier and subscription options."""
        self.paho.subscribe(topic_filter, options=SubscribeOptions(**options), properties=identified(number))
        return self.granted.get(timeout=PATIENCE)

    def publish(self, topic, payload, qos=0, retain=False, properties=None):
        """With QoS 1 returns the reason code and properties of the PUBACK."""
        self.paho.publish(topic, payload, qos, retain, properties)
        return self.acked.get(timeout=PATIENCE) if qos else None

    def next(self):
        message = self.messages.get(timeout=PATIENCE)
        return message.topic, message.payload.decode(), message.qos, bool(message.retain)

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()


def identified(number):
    properties = Properties(PacketTypes.SUBSCRIBE)
    if number:
        properties.SubscriptionIdentifier = number
    return properties


def expect(holds, what):
    if not holds:
        sys.exit(f"expected: {what}")


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: {wanted!r}, found {found!r}")


def name(args, suffix):
    return f"{args.user}-paho-{args.protocol}-{suffix}"


def roundtrip(args):
    listener = Client(args, name(args, "listener"))
    expect_equal(listener.subscribe("t/+/qos", 1), [1], "QoS 1 granted")
    expect_equal(listener.subscribe("deep/#", 0), [0], "QoS 0 granted")
    speaker = Client(args, name(args, "speaker"))
    for number in range(20):
        speaker.publish(f"t/{number}/qos", str(number), qos=1)
    for number in range(20):
        expect_equal(listener.next(), (f"t/{number}/qos", str(number), 1, False), "QoS 1 in order")
    speaker.publish("deep", "root", qos=1)
    expect_equal(listener.next(), ("deep", "root", 0, False), "# matches its parent, at the lower QoS")
    speaker.publish("deep/er/still", "x" * 20000)
    expect_equal(listener.next(), ("deep/er/still", "x" * 20000, 0, False), "QoS 0, large")
    listener.paho.unsubscribe("deep/#")
    speaker.publish("t/last/qos", "end", qos=1)
    expect_equal(listener.next(), ("t/last/qos", "end", 1, False), "still subscribed to the other")
    speaker.close()
    listener.close()


def retained(args):
    speaker = Client(args, name(args, "keeper"))
    topic = f"kept/{args.protocol}/a"
    speaker.publish(topic, "old", qos=1, retain=True)
    speaker.publish(topic, "new", qos=1, retain=True)
    late = Client(args, name(args, "late"))
    late.subscribe(f"kept/{args.protocol}/#", 1)
    expect_equal(late.next(), (topic, "new", 1, True), "the last retained message")
    speaker.publish(topic, "live", qos=1, retain=True)
    expect_equal(late.next(), (topic, "live", 1, False), "live messages lose the retain flag")
    speaker.publish(topic, "", qos=1, retain=True)
    expect_equal(late.next()[1], "", "the clearing message is a message")
    later = Client(args, name(args, "later"))
    later.subscribe(f"kept/{args.protocol}/#", 1)
    later.subscribe("fence", 1)
    speaker.publish("fence", "up", qos=1)
    expect_equal(later.next(), ("fence", "up", 1, False), "nothing retained is left")
    for client in (speaker, late, later):
        client.close()


def will(args):
    watcher = Client(args, name(args, "watcher"))
    topic = f"wills/{args.protocol}"
    watcher.subscribe(topic, 1)
    again = [sys.executable, "-B", __file__, "die", *sys.argv[2:], "--topic", topic]
    child = subprocess.Popen(again, stdout=subprocess.PIPE)
    expect_equal(child.stdout.readline(), b"connected\n", "the client with the will is in")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    expect_equal(watcher.next(), (topic, "died", 1, False), "the will of the killed client")
    polite = Client(args, name(args, "polite"), will=(topic, "must not come", 1))
    polite.close()
    watcher.publish(topic, "fence", qos=1)
    expect_equal(watcher.next()[1], "fence", "no will after DISCONNECT")
    watcher.close()


def die(args):
    client = Client(args, name(args, "mortal"), will=(args.topic, "died", 1))
    print("connected", flush=True)
    client.gone.wait()


def takeover(args):
    watcher = Client(args, name(args, "onlooker"))
    watcher.subscribe("moves", 1)
    old = Client(args, name(args, "same"))
    old.subscribe("moves", 1)
    new = Client(args, name(args, "same"))
    expect(old.gone.wait(PATIENCE), "the older connection is closed")
    new.publish("moves", "here", qos=1)
    expect_equal(watcher.next()[1], "here", "the newer one works")
    expect(new.messages.empty(), "a clean session has no subscriptions of the older one")
    old.paho.loop_stop()
    new.close()
    watcher.close()


def resumption(args):
    """QoS 2, and a session that waits for its client."""
    speaker = Client(args, name(args, "speaker"))
    keeper = Client(args, name(args, "keeps"), keep=True)
    expect(not keeper.flags.session_present, "no session yet")
    expect_equal(keeper.subscribe("waits/#", 2), [2], "QoS 2 granted")
    speaker.publish("waits/0", "0", qos=2)
    expect_equal(keeper.next(), ("waits/0", "0", 2, False), "QoS 2 live")
    keeper.close()
    for number in range(1, 40):
        speaker.publish("waits/n", str(number), qos=2)
    keeper = Client(args, name(args, "keeps"), keep=True)
    expect(keeper.flags.session_present, "the session is there")
    for number in range(1, 40):
        expect_equal(keeper.next(), ("waits/n", str(number), 2, False), "in order, once")
    keeper.close()
    keeper = Client(args, name(args, "keeps"))
    expect(not keeper.flags.session_present, "a clean start has none")
    speaker.publish("waits/last", "not for it", qos=1)
    expect(keeper.messages.empty(), "and no subscription")
    for client in (speaker, keeper):
        client.close()


def shared(args):
    """One copy for each group, turn by turn; all for whoever subscribed alone."""
    members = [Client(args, name(args, f"member-{number}")) for number in range(3)]
    alone = Client(args, name(args, "alone"))
    speaker = Client(args, name(args, "foreman"))
    topic = f"jobs/{args.protocol}/one"
    speaker.publish(topic, "kept", qos=1, retain=True)
    for member in members:
        expect_equal(member.subscribe("$share/crew/jobs/+/one", 1), [1], "shared QoS 1 granted")
        expect_equal(member.subscribe(f"$share/others/{topic}", 1), [1], "another group")
    alone.subscribe(topic, 1)
    expect_equal(alone.next(), (topic, "kept", 1, True), "what is retained is for whoever is alone")
    for number in range(30):
        speaker.publish(topic, str(number), qos=1)
    for number in range(30):
        expect_equal(alone.next(), (topic, str(number), 1, False), "every message")
    got = [[member.next()[1] for _ in range(20)] for member in members]
    everything = sorted(payload for part in got for payload in part)
    expect_equal(everything, sorted(2 * [str(number) for number in range(30)]), "each message once for each group")
    for member in members:
        expect(member.messages.empty(), "each member got its third")
        member.paho.unsubscribe("$share/crew/jobs/+/one")
        member.paho.unsubscribe(f"$share/others/{topic}")
        expect_equal(member.subscribe("fence", 1), [1], "unsubscribed before this")
    speaker.publish(topic, "for nobody", qos=1)
    speaker.publish("fence", "up", qos=1)
    for member in members:
        expect_equal(member.next()[1], "up", "no member is left")
    speaker.publish(topic, "", qos=1, retain=True)
    for client in (alone, speaker, *members):
        client.close()


def identifiers(args):
    client = Client(args, name(args, "numbers"))
    client.subscribe_v5("n/#", 300, qos=1)
    client.subscribe_v5("n/1", 7, qos=0)
    client.subscribe_v5("n/2", None, qos=0)
    for topic, wanted in (("n/1", [7, 300]), ("n/2", [300]), ("n", [300])):
        client.publish(topic, topic, qos=1)
        message = client.messages.get(timeout=PATIENCE)
        found = getattr(message.properties, "SubscriptionIdentifier", [])
        expect_equal((message.topic, sorted(found)), (topic, wanted), "one copy with the identifiers of all")
    client.subscribe_v5("n/#", 9, qos=1)
    client.publish("n/3", "x", qos=1)
    expect_equal(client.messages.get(timeout=PATIENCE).properties.SubscriptionIdentifier, [9], "replaced")
    client.close()


def options(args):
    client, other = Client(args, name(args, "options")), Client(args, name(args, "other"))
    other.publish("o/kept", "kept", qos=1, retain=True)
    client.subscribe_v5("o/#", qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND, noLocal=True)
    client.publish("o/own", "own", qos=1)
    other.publish("o/kept", "new", qos=1, retain=True)
    expect_equal(client.next(), ("o/kept", "new", 1, False), "neither retained nor its own")
    wish = {"qos": 1, "retainAsPublished": True}
    client.subscribe_v5("o/#", retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB, **wish)
    other.publish("o/kept", "newer", qos=1, retain=True)
    expect_equal(client.next(), ("o/kept", "newer", 1, True), "not new, and as published")
    client.subscribe_v5("o/#", retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE, **wish)
    expect_equal(client.next(), ("o/kept", "newer", 1, True), "sent on subscribe")
    other.publish("o/kept", "", qos=1, retain=True)
    client.close()
    other.close()


def properties(args):
    client = Client(args, name(args, "properties"))
    client.subscribe("p/#", 1)
    sent = Properties(PacketTypes.PUBLISH)
    sent.UserProperty = [("b", "1"), ("a", "2"), ("b", "3")]
    sent.ResponseTopic = "p/answers"
    sent.CorrelationData = b"\x00\xff"
    sent.ContentType = "text/plain"
    client.publish("p/asks", "?", qos=1, properties=sent)
    came = client.messages.get(timeout=PATIENCE).properties
    for field in ("UserProperty", "ResponseTopic", "CorrelationData", "ContentType"):
        expect_equal(getattr(came, field), getattr(sent, field), field)
    client.publish(came.ResponseTopic, "!", qos=1)
    expect_equal(client.next()[:2], ("p/answers", "!"), "the answer")
    client.close()


def system(args):
    """What the server tells of itself, and that nobody else tells it."""
    everything, client = Client(args, name(args, "everything")), Client(args, name(args, "system"))
    everything.subscribe("#", 0)
    everything.subscribe("+/broker/uptime", 0)
    client.subscribe("$SYS/broker/#", 0)
    seen = {}
    wanted = {"clients/connected": "2", "subscriptions/count": "3"}
    while any(seen.get(topic) != value for topic, value in wanted.items()) or "uptime" not in seen:
        topic, value, _, _ = client.next()
        seen[topic.removeprefix("$SYS/broker/")] = value
    expect(seen["version"].startswith("herdgate version "), "a version")
    expect("load/publish/received/15min" in seen, "load averages")
    reason = client.publish("$SYS/broker/version", "mine", qos=1, retain=True)
    if args.protocol == mqtt.MQTTv5:
        expect_equal(reason[0].value, 0x87, "not authorized")
    everything.publish("fence", "up", qos=1)
    expect_equal(everything.next()[0], "fence", "wildcards in the first level do not match it")
    late = Client(args, name(args, "late"))
    late.subscribe("$SYS/broker/version", 0)
    expect(late.next()[1].startswith("herdgate version "), "still the server's own")
    for each in (everything, client, late):
        each.close()


CHECKS = {
    check.__name__: check
    for check in (
        roundtrip, retained, will, die, takeover, resumption,
        shared, identifiers, options, properties, system,
    )
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", type=int, choices=(mqtt.MQTTv311, mqtt.MQTTv5), required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--transport", choices=("tcp", "websockets"), default="tcp")
    parser.add_argument("--plain", action="store_true", help="without TLS")
    parser.add_argument("--user", default="alice")
    parser.add_argument("--password", default="alice's secret")
    parser.add_argument("--topic")
    args = parser.parse_args()
    CHECKS[args.check](args)


if __name__ == "__main__":
    main()
