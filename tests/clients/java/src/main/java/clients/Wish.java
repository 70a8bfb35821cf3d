package clients;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.StreamSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/** Reads requests and writes answers. */
final class Wish {
    private Wish() {}

    /** One of the messages to publish. */
    record Message(String topic, byte[] payload, int qos, boolean retain, JsonObject properties) {}

    static String text(JsonObject wish, String field) {
        return wish.get(field).getAsString();
    }

    static byte[] bytes(JsonObject wish, String field) {
        return HexFormat.of().parseHex(text(wish, field));
    }

    static List<String> filters(JsonObject wish) {
        return elements(wish.getAsJsonArray("filters")).map(JsonElement::getAsString).toList();
    }

    static List<Message> messages(JsonObject wish) {
        return elements(wish.getAsJsonArray("messages"))
            .map(JsonElement::getAsJsonObject)
            .map(each -> new Message(
                text(each, "topic"),
                bytes(each, "payload"),
                each.get("qos").getAsInt(),
                each.get("retain").getAsBoolean(),
                each.getAsJsonObject("properties")))
            .toList();
    }

    /** Name and value of each, in order. */
    static List<String[]> user(JsonObject properties) {
        return elements(properties.getAsJsonArray("user"))
            .map(JsonElement::getAsJsonArray)
            .map(pair -> new String[] {pair.get(0).getAsString(), pair.get(1).getAsString()})
            .toList();
    }

    private static java.util.stream.Stream<JsonElement> elements(JsonArray array) {
        return StreamSupport.stream(array.spliterator(), false);
    }

    static JsonArray pair(String name, String value) {
        var pair = new JsonArray();
        pair.add(name);
        pair.add(value);
        return pair;
    }

    static JsonObject answer(String field, Iterable<Integer> numbers) {
        var array = new JsonArray();
        numbers.forEach(array::add);
        var answer = new JsonObject();
        answer.add(field, array);
        return answer;
    }

    static JsonObject connected(boolean sessionPresent, String assigned) {
        var answer = new JsonObject();
        answer.addProperty("sessionPresent", sessionPresent);
        answer.addProperty("assignedClientId", assigned);
        return answer;
    }

    static boolean isTls(JsonObject wish) {
        return !text(wish, "transport").equals("tcp");
    }

    static boolean isWebSocket(JsonObject wish) {
        return text(wish, "transport").equals("wss");
    }

    static TrustManagerFactory trust(JsonObject wish) throws Exception {
        var store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (var file = new FileInputStream(text(wish, "ca"))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        return trust;
    }

    static SSLSocketFactory sockets(JsonObject wish) throws Exception {
        var context = SSLContext.getInstance("TLS");
        context.init(null, trust(wish).getTrustManagers(), null);
        return context.getSocketFactory();
    }

    /** As the Paho libraries are told where the server is. */
    static String pahoAddress(JsonObject wish) {
        String place = text(wish, "host") + ":" + text(wish, "port");
        return switch (text(wish, "transport")) {
            case "tls" -> "ssl://" + place;
            case "wss" -> "wss://" + place + text(wish, "path");
            default -> "tcp://" + place;
        };
    }
}
