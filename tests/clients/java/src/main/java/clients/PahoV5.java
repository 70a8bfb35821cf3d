package clients;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttAsyncClient;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.MqttSubscription;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.eclipse.paho.mqttv5.common.packet.UserProperty;

final class PahoV5 implements Client, MqttCallback {
    private final String name;
    private final MqttAsyncClient paho;
    /** What the library tells last: before, it may still end a connection that is made anew. */
    private volatile boolean isGone;
    /** Topics by the alias that the server gave them: the library hands messages over with no topic. */
    private final Map<Integer, String> given = new ConcurrentHashMap<>();

    PahoV5(String name, JsonObject wish) throws Exception {
        this.name = name;
        paho = new MqttAsyncClient(Wish.pahoAddress(wish), Wish.text(wish, "clientId"), new MemoryPersistence());
        paho.setCallback(this);
    }

    @Override
    public JsonObject connect(JsonObject wish) throws Exception {
        isGone = false;
        var options = new MqttConnectionOptions();
        options.setCleanStart(wish.get("clean").getAsBoolean());
        options.setSessionExpiryInterval(wish.get("expiry").getAsLong());
        options.setUserName(Wish.text(wish, "user"));
        options.setPassword(Wish.text(wish, "password").getBytes());
        if (Wish.isTls(wish)) options.setSocketFactory(Wish.sockets(wish));
        if (wish.has("aliases")) options.setTopicAliasMaximum(wish.get("aliases").getAsInt());
        if (wish.has("will")) {
            var will = wish.getAsJsonObject("will");
            var message = new MqttMessage(Wish.bytes(will, "payload"));
            message.setQos(will.get("qos").getAsInt());
            options.setWill(Wish.text(will, "topic"), message);
        }
        given.clear();
        var token = done(paho.connect(options));
        // it may be done a moment before it has the answer at hand
        for (int left = 1000; left > 0 && token.getResponse() == null; left--) Thread.sleep(5);
        var properties = token.getResponseProperties();
        String assigned = properties == null ? null : properties.getAssignedClientIdentifier();
        return Wish.connected(token.getSessionPresent(), assigned);
    }

    @Override
    public JsonObject subscribe(JsonObject wish) throws Exception {
        int qos = wish.get("qos").getAsInt();
        var filters = Wish.filters(wish).stream().map(each -> new MqttSubscription(each, qos));
        var properties = new MqttProperties();
        if (wish.has("identifier")) properties.setSubscriptionIdentifier(wish.get("identifier").getAsInt());
        var subscriptions = filters.toArray(MqttSubscription[]::new);
        var token = done(paho.subscribe(subscriptions, null, null, properties));
        return Wish.answer("granted", Arrays.stream(token.getReasonCodes()).boxed().toList());
    }

    @Override
    public JsonObject unsubscribe(List<String> filters) throws Exception {
        done(paho.unsubscribe(filters.toArray(String[]::new)));
        return new JsonObject();
    }

    @Override
    public JsonObject publish(JsonObject wish) throws Exception {
        var tokens = new ArrayList<IMqttToken>();
        for (var each : Wish.messages(wish)) {
            var message = new MqttMessage(each.payload(), each.qos(), each.retain(), outgoing(each.properties()));
            tokens.add(paho.publish(each.topic(), message));
        }
        var reasons = new ArrayList<Integer>();
        for (var token : tokens) {
            int[] codes = done(token).getReasonCodes();
            reasons.add(codes == null || codes.length == 0 ? 0 : codes[0]);
        }
        return Wish.answer("reasons", reasons);
    }

    private static MqttProperties outgoing(JsonObject from) {
        var properties = new MqttProperties();
        if (from == null) return properties;
        properties.setUserProperties(
            Wish.user(from).stream().map(pair -> new UserProperty(pair[0], pair[1])).toList());
        properties.setResponseTopic(Wish.text(from, "response"));
        properties.setCorrelationData(Wish.bytes(from, "correlation"));
        properties.setContentType(Wish.text(from, "contentType"));
        properties.setMessageExpiryInterval(from.get("expiry").getAsLong());
        return properties;
    }

    @Override
    public JsonObject disconnect() throws Exception {
        done(paho.disconnect());
        return new JsonObject();
    }

    @Override
    public boolean isConnected() {
        return !isGone;
    }

    private static IMqttToken done(IMqttToken token) throws Exception {
        token.waitForCompletion(PATIENCE.toMillis());
        return token;
    }

    @Override
    public void messageArrived(String named, MqttMessage message) {
        var came = message.getProperties();
        String topic = named;
        if (came != null && came.getTopicAlias() != null) {
            if (!named.isEmpty()) given.put(came.getTopicAlias(), named);
            topic = given.getOrDefault(came.getTopicAlias(), "");
        }
        var properties = new JsonObject();
        if (came != null) {
            var user = new JsonArray();
            came.getUserProperties().forEach(each -> user.add(Wish.pair(each.getKey(), each.getValue())));
            properties.add("user", user);
            properties.addProperty("response", came.getResponseTopic());
            byte[] correlation = came.getCorrelationData();
            properties.addProperty("correlation", correlation == null ? null : HexFormat.of().formatHex(correlation));
            properties.addProperty("contentType", came.getContentType());
            properties.addProperty("expiry", came.getMessageExpiryInterval());
            var identifiers = new JsonArray();
            came.getSubscriptionIdentifiers().forEach(identifiers::add);
            properties.add("identifiers", identifiers);
        }
        Output.message(name, topic, message.getPayload(), message.getQos(), message.isRetained(), properties);
    }

    @Override
    public void disconnected(MqttDisconnectResponse response) {
        isGone = true;
    }

    @Override
    public void mqttErrorOccurred(MqttException error) {
        error.printStackTrace();
    }

    @Override
    public void deliveryComplete(IMqttToken token) {}

    @Override
    public void connectComplete(boolean reconnect, String server) {}

    @Override
    public void authPacketArrived(int reason, MqttProperties properties) {}
}
