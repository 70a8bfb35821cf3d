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

PATIENCE = 20


class Client:
    """A connected client whose events can be waited for."""

    def __init__(self, args, client_id, will=None):
        self.messages = queue.Queue()
        self.connected = queue.Queue()
        self.granted = queue.Queue()
        self.acked = queue.Queue()
        self.gone = threading.Event()
        extra = {} if args.protocol == mqtt.MQTTv5 else {"clean_session": True}
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=args.protocol,
            reconnect_on_failure=False,
            **extra,
        )
        self.paho.username_pw_set(args.user, args.password)
        self.paho.tls_set(ca_certs=args.ca)
        if will:
            self.paho.will_set(*will)
        self.paho.on_connect = lambda c, u, flags, reason, props: self.connected.put((reason, props))
        self.paho.on_message = lambda c, u, message: self.messages.put(message)
        self.paho.on_subscribe = lambda c, u, mid, codes, props: self.granted.put([code.value for code in codes])
        self.paho.on_publish = lambda c, u, mid, reason, props: self.acked.put(mid)
        self.paho.on_disconnect = lambda c, u, flags, reason, props: self.gone.set()
        self.paho.connect("localhost", args.port, keepalive=30)
        self.paho.loop_start()
        self.reason, self.properties = self.connected.get(timeout=PATIENCE)
        expect(not self.reason.is_failure, f"{client_id} is let in, not {self.reason}")

    def subscribe(self, topic_filter, qos):
        self.paho.subscribe(topic_filter, qos)
        return self.granted.get(timeout=PATIENCE)

    def publish(self, topic, payload, qos=0, retain=False):
        self.paho.publish(topic, payload, qos, retain)
        if qos:
            self.acked.get(timeout=PATIENCE)

    def next(self):
        message = self.messages.get(timeout=PATIENCE)
        return message.topic, message.payload.decode(), message.qos, bool(message.retain)

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()


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


def limits(args):
    """What the broker does not do yet, it says."""
    client = Client(args, name(args, "limits"))
    expect_equal(client.subscribe("two", 2), [1], "QoS 2 is granted as 1")
    if args.protocol == mqtt.MQTTv5:
        expect_equal(client.properties.MaximumQoS, 1, "Maximum QoS")
        expect_equal(client.properties.SharedSubscriptionAvailable, 0, "Shared Subscription Available")
    client.paho.publish("two", "exactly once", 2)
    expect(client.gone.wait(PATIENCE), "a QoS 2 message ends the connection")
    client.paho.loop_stop()


CHECKS = {check.__name__: check for check in (roundtrip, retained, will, die, takeover, limits)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", type=int, choices=(mqtt.MQTTv311, mqtt.MQTTv5), required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--user", default="alice")
    parser.add_argument("--password", default="alice's secret")
    parser.add_argument("--topic")
    args = parser.parse_args()
    CHECKS[args.check](args)


if __name__ == "__main__":
    main()
