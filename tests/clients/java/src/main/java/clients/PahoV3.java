package clients;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.IMqttToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

final class PahoV3 implements Client, MqttCallback {
    private final String name;
    private final MqttAsyncClient paho;
    /** What the library tells last: before, it may still end a connection that is made anew. */
    private volatile boolean isGone;

    PahoV3(String name, JsonObject wish) throws Exception {
        this.name = name;
        paho = new MqttAsyncClient(Wish.pahoAddress(wish), Wish.text(wish, "clientId"), new MemoryPersistence());
        paho.setCallback(this);
    }

    @Override
    public JsonObject connect(JsonObject wish) throws Exception {
        isGone = false;
        var options = new MqttConnectOptions();
        options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
        options.setCleanSession(wish.get("clean").getAsBoolean());
        options.setUserName(Wish.text(wish, "user"));
        options.setPassword(Wish.text(wish, "password").toCharArray());
        // more than are ever published at once: the default refuses the eleventh
        options.setMaxInflight(1000);
        if (Wish.isTls(wish)) options.setSocketFactory(Wish.sockets(wish));
        if (wish.has("will")) {
            var will = wish.getAsJsonObject("will");
            options.setWill(Wish.text(will, "topic"), Wish.bytes(will, "payload"), will.get("qos").getAsInt(), false);
        }
        return Wish.connected(connected(options).getSessionPresent(), null);
    }

    /** After a connection that was cut, now and then no CONNECT comes, it seems, until the server has had enough. */
    private IMqttToken connected(MqttConnectOptions options) throws Exception {
        try {
            return done(paho.connect(options));
        } catch (MqttException lost) {
            if (lost.getReasonCode() != MqttException.REASON_CODE_CONNECTION_LOST) throw lost;
            return done(paho.connect(options));
        }
    }

    @Override
    public JsonObject subscribe(JsonObject wish) throws Exception {
        var filters = Wish.filters(wish);
        int[] qos = new int[filters.size()];
        Arrays.fill(qos, wish.get("qos").getAsInt());
        var token = done(paho.subscribe(filters.toArray(String[]::new), qos));
        return Wish.answer("granted", Arrays.stream(token.getGrantedQos()).boxed().toList());
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
            tokens.add(paho.publish(each.topic(), each.payload(), each.qos(), each.retain()));
        }
        for (var token : tokens) done(token);
        return new JsonObject();
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

    private static <T extends IMqttToken> T done(T token) throws Exception {
        token.waitForCompletion(PATIENCE.toMillis());
        return token;
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) {
        Output.message(name, topic, message.getPayload(), message.getQos(), message.isRetained(), new JsonObject());
    }

    @Override
    public void connectionLost(Throwable cause) {
        isGone = true;
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {}
}
