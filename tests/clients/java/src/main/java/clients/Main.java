package clients;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Drives one of the libraries: ../../../../../README.md. */
public final class Main {
    private record Known(List<String> options, Client client) {}

    public static void main(String[] arguments) throws Exception {
        String library = arguments[0];
        var greeting = new JsonObject();
        greeting.addProperty("library", title(library));
        Output.say(greeting);
        Map<String, Known> clients = new HashMap<>();
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            var wish = JsonParser.parseString(line).getAsJsonObject();
            JsonObject answer;
            try {
                answer = serve(library, clients, wish);
            } catch (Exception error) {
                answer = new JsonObject();
                answer.addProperty("failed", error.toString());
                error.printStackTrace();
            }
            answer.add("id", wish.get("id"));
            Output.say(answer);
        }
        // the libraries' threads would go on
        System.exit(0);
    }

    private static JsonObject serve(String library, Map<String, Known> clients, JsonObject wish) throws Exception {
        String name = wish.get("client").getAsString();
        if (wish.get("do").getAsString().equals("connect")) {
            var options = options(wish);
            var known = clients.get(name);
            if (known == null || !known.options.equals(options)) {
                clients.put(name, new Known(options, create(library, name, wish)));
            }
        }
        var client = clients.get(name).client;
        return switch (wish.get("do").getAsString()) {
            case "connect" -> client.connect(wish);
            case "subscribe" -> client.subscribe(wish);
            case "unsubscribe" -> client.unsubscribe(Wish.filters(wish));
            case "publish" -> client.publish(wish);
            case "disconnect" -> client.disconnect();
            case "lost" -> lost(client);
            default -> throw new IllegalArgumentException("not known: " + wish.get("do"));
        };
    }

    private static Client create(String library, String name, JsonObject wish) throws Exception {
        boolean isV5 = wish.get("version").getAsString().equals("5.0");
        return switch (library) {
            case "hivemq" -> isV5 ? new HiveMqV5(name, wish) : new HiveMqV3(name, wish);
            case "paho-java-v3" -> new PahoV3(name, wish);
            case "paho-java-v5" -> new PahoV5(name, wish);
            default -> throw new IllegalArgumentException("no such library: " + library);
        };
    }

    private static String title(String library) {
        String jar = switch (library) {
            case "hivemq" -> "hivemq-mqtt-client-";
            case "paho-java-v3" -> "org.eclipse.paho.client.mqttv3-";
            default -> "org.eclipse.paho.mqttv5.client-";
        };
        // neither library tells its version otherwise
        var loaded = switch (library) {
            case "hivemq" -> com.hivemq.client.mqtt.MqttClient.class;
            case "paho-java-v3" -> org.eclipse.paho.client.mqttv3.MqttAsyncClient.class;
            default -> org.eclipse.paho.mqttv5.client.MqttAsyncClient.class;
        };
        String path = loaded.getProtectionDomain().getCodeSource().getLocation().getPath();
        String version = path.substring(path.lastIndexOf(jar) + jar.length()).replace(".jar", "");
        return jar.substring(0, jar.length() - 1) + " " + version + ", Java " + System.getProperty("java.version");
    }

    private static List<String> options(JsonObject wish) {
        return Stream.of("version", "transport", "clientId", "clean", "port")
            .map(field -> wish.get(field).getAsString())
            .toList();
    }

    private static JsonObject lost(Client client) throws InterruptedException {
        long deadline = System.nanoTime() + Client.PATIENCE.toNanos();
        while (client.isConnected()) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("the connection is still there");
            Thread.sleep(5);
        }
        return new JsonObject();
    }
}
