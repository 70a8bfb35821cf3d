package clients;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Lines of standard output. */
final class Output {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Output() {}

    static synchronized void say(JsonElement line) {
        OUT.println(line);
    }

    static void message(String client, String topic, byte[] payload, int qos, boolean retain, JsonObject properties) {
        var message = new JsonObject();
        message.addProperty("topic", topic);
        message.addProperty("payload", HexFormat.of().formatHex(payload));
        message.addProperty("qos", qos);
        message.addProperty("retain", retain);
        message.add("properties", properties);
        var line = new JsonObject();
        line.addProperty("client", client);
        line.add("message", message);
        say(line);
    }
}
