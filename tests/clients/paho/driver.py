"""Drives paho-mqtt: ../README.md."""

import importlib.metadata
import json
import queue
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 25
SENT = {
    "user": "UserProperty",
    "response": "ResponseTopic",
    "correlation": "CorrelationData",
    "contentType": "ContentType",
    "expiry": "MessageExpiryInterval",
}
output = threading.Lock()


def say(line):
    with output:
        print(json.dumps(line), flush=True)


class Client:
    def __init__(self, name, wish):
        self.name = name
        self.is_v5 = wish["version"] == "5.0"
        self.connected = queue.Queue()
        self.granted = queue.Queue()
        self.unsubscribed = queue.Queue()
        self.acked = {}
        self.acks = threading.Condition()
        self.gone = threading.Event()
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=wish["clientId"],
            protocol=mqtt.MQTTv5 if self.is_v5 else mqtt.MQTTv311,
            reconnect_on_failure=False,
            transport="websockets" if wish["transport"] == "wss" else "tcp",
            **({} if self.is_v5 else {"clean_session": wish["clean"]}),
        )
        self.paho.username_pw_set(wish["user"], wish["password"])
        if wish["transport"] != "tcp":
            self.paho.tls_set(ca_certs=wish["ca"])
        if wish["transport"] == "wss":
            self.paho.ws_set_options(path=wish["path"])
        if "will" in wish:
            will = wish["will"]
            self.paho.will_set(will["topic"], bytes.fromhex(will["payload"]), will["qos"])
        self.paho.on_connect = lambda c, u, flags, reason, props: self.connected.put((flags, reason, props))
        self.paho.on_message = self.on_message
        self.paho.on_subscribe = lambda c, u, mid, codes, props: self.granted.put([code.value for code in codes])
        self.paho.on_unsubscribe = lambda c, u, mid, codes, props: self.unsubscribed.put(mid)
        self.paho.on_publish = self.on_publish
        self.paho.on_disconnect = lambda c, u, flags, reason, props: self.gone.set()

    def connect(self, wish):
        more = {}
        if self.is_v5:
            more = {"clean_start": wish["clean"], "properties": Properties(PacketTypes.CONNECT)}
            more["properties"].SessionExpiryInterval = wish["expiry"]
            if "aliases" in wish:
                more["properties"].TopicAliasMaximum = wish["aliases"]
        self.gone.clear()
        self.given = {}
        self.aliases = {} if "aliases" in wish else None
        self.paho.connect(wish["host"], wish["port"], keepalive=60, **more)
        self.paho.loop_start()
        flags, reason, properties = self.connected.get(timeout=PATIENCE)
        if reason.is_failure:
            raise RuntimeError(str(reason))
        assigned = getattr(properties, "AssignedClientIdentifier", None)
        return {"sessionPresent": flags.session_present, "assignedClientId": assigned}

    def subscribe(self, wish):
        properties = None
        if "identifier" in wish:
            properties = Properties(PacketTypes.SUBSCRIBE)
            properties.SubscriptionIdentifier = wish["identifier"]
        filters = [(each, wish["qos"]) for each in wish["filters"]]
        if self.is_v5:
            filters = [(each, mqtt.SubscribeOptions(qos)) for each, qos in filters]
        self.paho.subscribe(filters, properties=properties)
        return {"granted": self.granted.get(timeout=PATIENCE)}

    def unsubscribe(self, wish):
        self.paho.unsubscribe(wish["filters"])
        self.unsubscribed.get(timeout=PATIENCE)

    def publish(self, wish):
        ids = [self.send(message) for message in wish["messages"]]
        with self.acks:
            if not self.acks.wait_for(lambda: all(each in self.acked for each in ids), PATIENCE):
                raise TimeoutError("not all acknowledged")
            return {"reasons": [self.acked.pop(each) for each in ids]}

    def send(self, message):
        properties = self.properties(message) if self.is_v5 else None
        topic = message["topic"]
        if self.aliases is not None:
            known = topic in self.aliases
            properties.TopicAlias = self.aliases.setdefault(topic, len(self.aliases) + 1)
            topic = "" if known else topic
        payload = bytes.fromhex(message["payload"])
        return self.paho.publish(topic, payload, message["qos"], message["retain"], properties).mid

    def properties(self, message):
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in message.get("properties", {}).items():
            if name == "user":
                value = [tuple(pair) for pair in value]
            if name == "correlation":
                value = bytes.fromhex(value)
            setattr(properties, SENT[name], value)
        return properties

    def on_publish(self, paho, user, mid, reason, properties):
        with self.acks:
            self.acked[mid] = reason.value
            self.acks.notify_all()

    def on_message(self, paho, user, message):
        topic, came = message.topic, message.properties
        alias = getattr(came, "TopicAlias", None)
        if alias:
            # the library leaves it to its user
            topic = self.given.setdefault(alias, topic) if not topic else topic
            self.given[alias] = topic
        properties = {name: getattr(came, field) for name, field in SENT.items() if hasattr(came, field)}
        if "correlation" in properties:
            properties["correlation"] = properties["correlation"].hex()
        if hasattr(came, "SubscriptionIdentifier"):
            properties["identifiers"] = came.SubscriptionIdentifier
        found = {"topic": topic, "payload": message.payload.hex(), "qos": message.qos, "retain": bool(message.retain)}
        say({"client": self.name, "message": {**found, "properties": properties}})

    def disconnect(self, wish):
        self.paho.disconnect()
        self.lost(wish)

    def lost(self, wish):
        if not self.gone.wait(PATIENCE):
            raise TimeoutError("the connection is still there")
        self.paho.loop_stop()


def options(wish):
    return [wish[name] for name in ("version", "transport", "clientId", "clean", "port")]


def main():
    say({"library": f"paho-mqtt {importlib.metadata.version('paho-mqtt')}"})
    clients = {}
    for line in sys.stdin:
        wish = json.loads(line)
        name = wish["client"]
        try:
            if wish["do"] == "connect":
                before = clients.get(name)
                if not before or before[0] != options(wish):
                    clients[name] = (options(wish), Client(name, wish))
            facts = getattr(clients[name][1], wish["do"])(wish)
            say({"id": wish["id"], **(facts or {})})
        except Exception as error:
            say({"id": wish["id"], "failed": repr(error)})


if __name__ == "__main__":
    main()
