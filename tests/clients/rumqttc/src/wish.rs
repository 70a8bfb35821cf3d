//! Reads requests.

use std::fs;

use rumqttc::{TlsConfiguration, Transport};
use serde_json::Value;

/// One of the messages to publish.
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub properties: Value,
}

pub fn text(wish: &Value, field: &str) -> Result<String, String> {
    let text = wish[field].as_str().map(str::to_owned);
    text.ok_or_else(|| format!("no text {field} in {wish}"))
}

pub fn number(wish: &Value, field: &str) -> Result<u32, String> {
    let number = wish[field]
        .as_u64()
        .and_then(|number| number.try_into().ok());
    number.ok_or_else(|| format!("no number {field} in {wish}"))
}

pub fn qos(wish: &Value) -> Result<u8, String> {
    number(wish, "qos")?
        .try_into()
        .map_err(|_| "qos".to_owned())
}

pub fn bytes(wish: &Value, field: &str) -> Result<Vec<u8>, String> {
    hex::decode(text(wish, field)?).map_err(|error| format!("{field}: {error}"))
}

pub fn filters(wish: &Value) -> Vec<String> {
    let filters = wish["filters"].as_array().into_iter().flatten();
    filters
        .filter_map(|filter| filter.as_str().map(str::to_owned))
        .collect()
}

pub fn messages(wish: &Value) -> Result<Vec<Message>, String> {
    let messages = wish["messages"].as_array().into_iter().flatten();
    messages
        .map(|message| {
            Ok(Message {
                topic: text(message, "topic")?,
                payload: bytes(message, "payload")?,
                qos: qos(message)?,
                retain: message["retain"] == true,
                properties: message["properties"].clone(),
            })
        })
        .collect()
}

/// Host, port and transport as the library wants them: WebSocket has all of them in a URL.
pub fn place(wish: &Value) -> Result<(String, u16, Transport), String> {
    let (host, path) = (text(wish, "host")?, text(wish, "path")?);
    let port = u16::try_from(number(wish, "port")?).map_err(|error| error.to_string())?;
    let tls = || {
        let ca = fs::read(text(wish, "ca")?).map_err(|error| error.to_string())?;
        let (alpn, client_auth) = (None, None);
        Ok::<_, String>(TlsConfiguration::Simple {
            ca,
            alpn,
            client_auth,
        })
    };
    Ok(match text(wish, "transport")?.as_str() {
        "tls" => (host, port, Transport::Tls(tls()?)),
        "wss" => (
            format!("wss://{host}:{port}{path}"),
            port,
            Transport::Wss(tls()?),
        ),
        _ => (host, port, Transport::Tcp),
    })
}
