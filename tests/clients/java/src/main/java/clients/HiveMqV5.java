package clients;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.hivemq.client.mqtt.MqttClientSslConfig;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.MqttWebSocketConfig;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5Client;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperties;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperty;
import com.hivemq.client.mqtt.mqtt5.message.connect.Mqtt5Connect;
import com.hivemq.client.mqtt.mqtt5.message.connect.Mqtt5ConnectRestrictions;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5Subscribe;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5Subscription;
import com.hivemq.client.mqtt.mqtt5.message.unsubscribe.Mqtt5Unsubscribe;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

final class HiveMqV5 implements Client {
    private final String name;
    private final Mqtt5AsyncClient hive;
    private boolean isHearing;

    HiveMqV5(String name, JsonObject wish) throws Exception {
        this.name = name;
        var builder = Mqtt5Client.builder()
            .serverHost(Wish.text(wish, "host"))
            .serverPort(wish.get("port").getAsInt());
        String identifier = Wish.text(wish, "clientId");
        if (!identifier.isEmpty()) builder = builder.identifier(identifier);
        if (Wish.isTls(wish)) builder = builder.sslConfig(tls(wish));
        if (Wish.isWebSocket(wish)) builder = builder.webSocketConfig(webSocket(wish));
        hive = builder.buildAsync();
    }

    static MqttClientSslConfig tls(JsonObject wish) throws Exception {
        return MqttClientSslConfig.builder().trustManagerFactory(Wish.trust(wish)).build();
    }

    static MqttWebSocketConfig webSocket(JsonObject wish) {
        return MqttWebSocketConfig.builder().serverPath(Wish.text(wish, "path").substring(1)).build();
    }

    static MqttQos qos(JsonObject wish) {
        return MqttQos.fromCode(wish.get("qos").getAsInt());
    }

    @Override
    public JsonObject connect(JsonObject wish) throws Exception {
        // with its session the library forgets who wants to hear of messages
        boolean clean = wish.get("clean").getAsBoolean();
        if (clean || !isHearing) hive.publishes(MqttGlobalPublishFilter.ALL, this::arrived);
        isHearing = true;
        int aliases = wish.has("aliases") ? wish.get("aliases").getAsInt() : 0;
        var connect = Mqtt5Connect.builder()
            .cleanStart(clean)
            .sessionExpiryInterval(wish.get("expiry").getAsLong())
            .restrictions(Mqtt5ConnectRestrictions.builder()
                .topicAliasMaximum(aliases)
                .sendTopicAliasMaximum(aliases)
                .build())
            .simpleAuth()
            .username(Wish.text(wish, "user"))
            .password(Wish.text(wish, "password").getBytes())
            .applySimpleAuth();
        if (wish.has("will")) {
            var will = wish.getAsJsonObject("will");
            connect = connect.willPublish(Mqtt5Publish.builder()
                .topic(Wish.text(will, "topic"))
                .payload(Wish.bytes(will, "payload"))
                .qos(qos(will))
                .build());
        }
        var answer = done(hive.connect(connect.build()));
        String assigned = answer.getAssignedClientIdentifier().map(Object::toString).orElse(null);
        return Wish.connected(answer.isSessionPresent(), assigned);
    }

    @Override
    public JsonObject subscribe(JsonObject wish) throws Exception {
        var subscriptions = Wish.filters(wish).stream()
            .map(each -> Mqtt5Subscription.builder().topicFilter(each).qos(qos(wish)).build());
        var answer = done(hive.subscribe(Mqtt5Subscribe.builder().addSubscriptions(subscriptions).build()));
        return Wish.answer("granted", answer.getReasonCodes().stream().map(code -> code.getCode()).toList());
    }

    @Override
    public JsonObject unsubscribe(List<String> filters) throws Exception {
        for (String filter : filters) {
            done(hive.unsubscribe(Mqtt5Unsubscribe.builder().topicFilter(filter).build()));
        }
        return new JsonObject();
    }

    @Override
    public JsonObject publish(JsonObject wish) throws Exception {
        var sent = Wish.messages(wish).stream().map(each -> hive.publish(outgoing(each))).toList();
        var reasons = new ArrayList<Integer>();
        for (var each : sent) reasons.add(reason(done(each)));
        return Wish.answer("reasons", reasons);
    }

    private static Mqtt5Publish outgoing(Wish.Message message) {
        var publish = Mqtt5Publish.builder()
            .topic(message.topic())
            .payload(message.payload())
            .qos(MqttQos.fromCode(message.qos()))
            .retain(message.retain());
        var properties = message.properties();
        if (properties == null) return publish.build();
        var user = Wish.user(properties).stream().map(pair -> Mqtt5UserProperty.of(pair[0], pair[1])).toList();
        return publish
            .userProperties(Mqtt5UserProperties.of(user))
            .responseTopic(Wish.text(properties, "response"))
            .correlationData(Wish.bytes(properties, "correlation"))
            .contentType(Wish.text(properties, "contentType"))
            .messageExpiryInterval(properties.get("expiry").getAsLong())
            .build();
    }

    private static int reason(Mqtt5PublishResult result) throws Exception {
        if (result.getError().isPresent()) throw new Exception(result.getError().get());
        if (result instanceof Mqtt5PublishResult.Mqtt5Qos1Result one) return one.getPubAck().getReasonCode().getCode();
        if (result instanceof Mqtt5PublishResult.Mqtt5Qos2Result two) return two.getPubRec().getReasonCode().getCode();
        return 0;
    }

    @Override
    public JsonObject disconnect() throws Exception {
        done(hive.disconnect());
        return new JsonObject();
    }

    @Override
    public boolean isConnected() {
        return hive.getState().isConnected();
    }

    private static <T> T done(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void arrived(Mqtt5Publish message) {
        var properties = new JsonObject();
        var user = new JsonArray();
        message.getUserProperties().asList()
            .forEach(each -> user.add(Wish.pair(each.getName().toString(), each.getValue().toString())));
        properties.add("user", user);
        message.getResponseTopic().ifPresent(topic -> properties.addProperty("response", topic.toString()));
        message.getCorrelationData().ifPresent(data -> properties.addProperty("correlation", hex(data)));
        message.getContentType().ifPresent(type -> properties.addProperty("contentType", type.toString()));
        message.getMessageExpiryInterval().ifPresent(seconds -> properties.addProperty("expiry", seconds));
        String topic = message.getTopic().toString();
        int qos = message.getQos().getCode();
        Output.message(name, topic, message.getPayloadAsBytes(), qos, message.isRetain(), properties);
    }

    private static String hex(ByteBuffer data) {
        byte[] bytes = new byte[data.remaining()];
        data.duplicate().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
