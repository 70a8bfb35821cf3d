package clients;

import com.google.gson.JsonObject;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt3.Mqtt3AsyncClient;
import com.hivemq.client.mqtt.mqtt3.Mqtt3Client;
import com.hivemq.client.mqtt.mqtt3.message.connect.Mqtt3Connect;
import com.hivemq.client.mqtt.mqtt3.message.publish.Mqtt3Publish;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.Mqtt3Subscribe;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.Mqtt3Subscription;
import com.hivemq.client.mqtt.mqtt3.message.unsubscribe.Mqtt3Unsubscribe;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

final class HiveMqV3 implements Client {
    private final String name;
    private final Mqtt3AsyncClient hive;
    private boolean isHearing;

    HiveMqV3(String name, JsonObject wish) throws Exception {
        this.name = name;
        var builder = Mqtt3Client.builder()
            .identifier(Wish.text(wish, "clientId"))
            .serverHost(Wish.text(wish, "host"))
            .serverPort(wish.get("port").getAsInt());
        if (Wish.isTls(wish)) builder = builder.sslConfig(HiveMqV5.tls(wish));
        if (Wish.isWebSocket(wish)) builder = builder.webSocketConfig(HiveMqV5.webSocket(wish));
        hive = builder.buildAsync();
    }

    @Override
    public JsonObject connect(JsonObject wish) throws Exception {
        // with its session the library forgets who wants to hear of messages
        boolean clean = wish.get("clean").getAsBoolean();
        if (clean || !isHearing) hive.publishes(MqttGlobalPublishFilter.ALL, this::arrived);
        isHearing = true;
        var connect = Mqtt3Connect.builder()
            .cleanSession(clean)
            .simpleAuth()
            .username(Wish.text(wish, "user"))
            .password(Wish.text(wish, "password").getBytes())
            .applySimpleAuth();
        if (wish.has("will")) {
            var will = wish.getAsJsonObject("will");
            connect = connect.willPublish(Mqtt3Publish.builder()
                .topic(Wish.text(will, "topic"))
                .payload(Wish.bytes(will, "payload"))
                .qos(HiveMqV5.qos(will))
                .build());
        }
        var answer = done(hive.connect(connect.build()));
        return Wish.connected(answer.isSessionPresent(), null);
    }

    @Override
    public JsonObject subscribe(JsonObject wish) throws Exception {
        var subscriptions = Wish.filters(wish).stream()
            .map(each -> Mqtt3Subscription.builder().topicFilter(each).qos(HiveMqV5.qos(wish)).build());
        var answer = done(hive.subscribe(Mqtt3Subscribe.builder().addSubscriptions(subscriptions).build()));
        return Wish.answer("granted", answer.getReturnCodes().stream().map(code -> code.getCode()).toList());
    }

    @Override
    public JsonObject unsubscribe(List<String> filters) throws Exception {
        for (String filter : filters) {
            done(hive.unsubscribe(Mqtt3Unsubscribe.builder().topicFilter(filter).build()));
        }
        return new JsonObject();
    }

    @Override
    public JsonObject publish(JsonObject wish) throws Exception {
        var sent = Wish.messages(wish).stream()
            .map(each -> hive.publish(Mqtt3Publish.builder()
                .topic(each.topic())
                .payload(each.payload())
                .qos(MqttQos.fromCode(each.qos()))
                .retain(each.retain())
                .build()))
            .toList();
        for (var each : sent) done(each);
        return new JsonObject();
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

    private void arrived(Mqtt3Publish message) {
        String topic = message.getTopic().toString();
        int qos = message.getQos().getCode();
        Output.message(name, topic, message.getPayloadAsBytes(), qos, message.isRetain(), new JsonObject());
    }
}
