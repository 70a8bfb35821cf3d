"""Drives mosquitto_sub and mosquitto_pub: ../README.md.

A client is one mosquitto_sub, which runs from its first subscription on, and a mosquitto_pub for each kind of message.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

PATIENCE = 25
OUTPUT = "message\t%t\t%q\t%r\t%x\t%R\t%D\t%C\t%E\t%S\t%P"
output = threading.Lock()


def say(line):
    with output:
        print(json.dumps(line), flush=True)


def is_asleep(pid):
    with open(f"/proc/{pid}/stat") as stat:
        # what follows the name, which may have anything in it
        return stat.read().rpartition(")")[2].split()[0] == "S"


class Client:
    def __init__(self, name, wish):
        self.name = name
        self.wish = wish
        self.filters = None
        self.process = None
        self.published = 0

    def connect(self, wish):
        self.wish = wish
        if self.filters and not wish["clean"]:
            # it has no other way to come back than to subscribe again
            self.start()

    def subscribe(self, wish):
        self.filters = (wish["filters"], wish["qos"])
        if self.process:
            raise RuntimeError("mosquitto_sub subscribes once")
        self.start()
        return {"granted": self.granted}

    def arguments(self, client_id):
        wish = self.wish
        common = ["-h", wish["host"], "-p", str(wish["port"]), "-u", wish["user"], "-P", wish["password"]]
        common += ["-i", client_id, "-V", "5" if wish["version"] == "5.0" else "311"]
        return common + (["--cafile", wish["ca"]] if wish["transport"] == "tls" else [])

    def start(self):
        wish, (filters, qos) = self.wish, self.filters
        command = ["stdbuf", "-oL", "mosquitto_sub", "-d", "-F", OUTPUT, "-q", str(qos)]
        command += self.arguments(wish["clientId"])
        for each in filters:
            command += ["-t", each]
        if not wish["clean"]:
            command += ["-c"]
        if wish["version"] == "5.0":
            command += ["-x", str(wish["expiry"])]
            if "aliases" in wish:
                command += ["-D", "connect", "topic-alias-maximum", str(wish["aliases"])]
        if "will" in wish:
            will = wish["will"]
            payload = bytes.fromhex(will["payload"]).decode()
            command += ["--will-topic", will["topic"], "--will-payload", payload, "--will-qos", str(will["qos"])]
        self.ready = threading.Event()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stderr)
        threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True).start()
        if not self.ready.wait(PATIENCE):
            raise TimeoutError("no SUBACK")

    def read(self, lines):
        for line in lines:
            line = line.decode().rstrip("\n")
            if line.startswith("message\t"):
                self.arrived(line.split("\t")[1:])
            elif line.startswith("Subscribed (mid:"):
                self.granted = [int(each) for each in re.findall(r"\d+", line.split("):")[1])]
                self.ready.set()

    def arrived(self, fields):
        topic, qos, retain, payload, response, correlation, content, expiry, identifiers, user = fields
        properties = {
            "response": response,
            "correlation": correlation.encode("utf-8", "surrogateescape").hex() if correlation else None,
            "contentType": content,
            "expiry": int(expiry) if expiry else None,
            "user": [pair.split(":", 1) for pair in user.split(" ") if pair],
        }
        message = {"topic": topic, "payload": payload, "qos": int(qos), "retain": retain == "1"}
        say({"client": self.name, "message": {**message, "properties": properties}})

    def publish(self, wish):
        batch = []
        for message in wish["messages"]:
            kind = {**message, "payload": None}
            if batch and batch[0][0] != kind:
                self.send(batch)
                batch = []
            batch.append((kind, bytes.fromhex(message["payload"])))
        self.send(batch)

    def send(self, batch):
        kind = batch[0][0]
        command = ["mosquitto_pub", "-t", kind["topic"], "-q", str(kind["qos"])]
        # each another id: the next must not take over from one whose last packet nobody has read yet
        self.published += 1
        command += self.arguments(f"{self.wish['clientId']}-publishes-{self.published}")
        command += ["-r"] if kind["retain"] else []
        properties = kind.get("properties", {})
        options = {"response": "response-topic", "contentType": "content-type", "expiry": "message-expiry-interval"}
        for field, option in options.items():
            if field in properties:
                command += ["-D", "publish", option, str(properties[field])]
        if "correlation" in properties:
            command += ["-D", "publish", "correlation-data", bytes.fromhex(properties["correlation"]).decode()]
        for name, value in properties.get("user", []):
            command += ["-D", "publish", "user-property", name, value]
        payloads = [payload for _, payload in batch]
        if len(batch) > 1:
            command, text = command + ["-l"], b"".join(payload + b"\n" for payload in payloads)
        elif payloads[0]:
            command, text = command + ["-s"], payloads[0]
        else:
            command, text = command + ["-n"], b""
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.returncode} {done.stdout}")

    def disconnect(self, wish):
        self.rest()
        self.end(signal.SIGTERM)

    def rest(self):
        """Its handler of SIGTERM prints: in the middle of printing a message, it would print that message twice."""
        deadline = time.monotonic() + PATIENCE
        while self.process and not is_asleep(self.process.pid):
            if time.monotonic() > deadline:
                raise TimeoutError("mosquitto_sub does not rest")
            time.sleep(0.001)

    def lost(self, wish):
        # left alone, it would come back by itself
        self.end(signal.SIGKILL)

    def end(self, number):
        if self.process:
            os.kill(self.process.pid, number)
            self.process.wait(PATIENCE)
            self.process = None


def main():
    version = subprocess.run(["mosquitto_sub", "--version"], stdout=subprocess.PIPE, text=True, check=False)
    say({"library": version.stdout.splitlines()[0].replace("running on ", "")})
    clients = {}
    for line in sys.stdin:
        wish = json.loads(line)
        name = wish["client"]
        try:
            if wish["do"] == "connect" and (name not in clients or clients[name].wish["clientId"] != wish["clientId"]):
                clients[name] = Client(name, wish)
            facts = getattr(clients[name], wish["do"])(wish)
            say({"id": wish["id"], **(facts or {})})
        except Exception as error:
            say({"id": wish["id"], "failed": repr(error)})
    for client in clients.values():
        client.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
