package clients;

import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.List;

/** A client of a library. Each call waits until what it asks for is done, and returns what was told. */
interface Client {
    Duration PATIENCE = Duration.ofSeconds(25);

    JsonObject connect(JsonObject wish) throws Exception;

    JsonObject subscribe(JsonObject wish) throws Exception;

    JsonObject unsubscribe(List<String> filters) throws Exception;

    JsonObject publish(JsonObject wish) throws Exception;

    JsonObject disconnect() throws Exception;

    boolean isConnected();
}
