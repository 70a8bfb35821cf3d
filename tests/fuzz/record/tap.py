"""A TCP proxy on loopback that keeps what passes it, and a server that only listens."""

import socket
import threading


class Connection:
    def __init__(self):
        self.to_server = b""
        self.to_client = b""


class Tap:
    """Passes connections on to `port` and keeps their bytes, each way."""

    def __init__(self, port):
        self.server_port = port
        self.connections = []
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            kept = Connection()
            self.connections.append(kept)
            for source, sink, name in [(client, server, "to_server"), (server, client, "to_client")]:
                thread = threading.Thread(target=self.pump, args=(source, sink, kept, name), daemon=True)
                thread.start()
                self.threads.append(thread)

    @staticmethod
    def pump(source, sink, kept, name):
        try:
            while data := source.recv(65536):
                setattr(kept, name, getattr(kept, name) + data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def finished(self):
        """All connections so far, once they have ended."""
        for thread in self.threads:
            thread.join(timeout=20)
        return self.connections


class Ear:
    """Keeps the first bytes of each connection until its client says no more."""

    def __init__(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port = self.listener.getsockname()[1]

    def hear(self, least=1):
        """What the next connection that says anything begins with."""
        self.listener.settimeout(20)
        while True:
            connection, _ = self.listener.accept()
            connection.settimeout(1)
            heard = b""
            try:
                while len(heard) < 512 and (data := connection.recv(512)):
                    heard += data
            except OSError:
                pass
            connection.close()
            if len(heard) >= least:
                return heard
