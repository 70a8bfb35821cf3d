//! MQTT 3.1.1.

use rumqttc::{
    AsyncClient, ConnectReturnCode, Event, EventLoop, Incoming, LastWill, MqttOptions, Outgoing,
    QoS, SubscribeFilter, SubscribeReasonCode, qos,
};
use serde_json::{Value, json};

use crate::told::Told;
use crate::wish::{self, Message};

pub type Requests = AsyncClient;
pub type Events = EventLoop;

/// Above any message here; the library's own limit is 10 KB.
const LARGEST_BYTES: usize = 1 << 20;
const REQUESTS: usize = 100;

fn level(number: u8) -> Result<QoS, String> {
    qos(number).map_err(|error| error.to_string())
}

pub fn client(wish: &Value) -> Result<(Requests, Events), String> {
    let (host, port, transport) = wish::place(wish)?;
    let mut options = MqttOptions::new(wish::text(wish, "clientId")?, host, port);
    options
        .set_transport(transport)
        .set_credentials(wish::text(wish, "user")?, wish::text(wish, "password")?)
        .set_clean_session(wish["clean"] == true)
        .set_max_packet_size(LARGEST_BYTES, LARGEST_BYTES);
    if let Some(will) = wish.get("will") {
        let payload = wish::bytes(will, "payload")?;
        let will = LastWill::new(
            wish::text(will, "topic")?,
            payload,
            level(wish::qos(will)?)?,
            false,
        );
        options.set_last_will(will);
    }
    Ok(AsyncClient::new(options, REQUESTS))
}

pub async fn subscribe(requests: &Requests, wish: &Value) -> Result<(), String> {
    let qos = level(wish::qos(wish)?)?;
    let filters = wish::filters(wish)
        .into_iter()
        .map(|path| SubscribeFilter { path, qos });
    requests
        .subscribe_many(filters)
        .await
        .map_err(|error| error.to_string())
}

pub async fn unsubscribe(requests: &Requests, filter: String) -> Result<(), String> {
    requests
        .unsubscribe(filter)
        .await
        .map_err(|error| error.to_string())
}

pub async fn publish(requests: &Requests, message: Message) -> Result<(), String> {
    let qos = level(message.qos)?;
    let sent = requests
        .publish(message.topic, qos, message.retain, message.payload)
        .await;
    sent.map_err(|error| error.to_string())
}

pub async fn disconnect(requests: &Requests) -> Result<(), String> {
    requests
        .disconnect()
        .await
        .map_err(|error| error.to_string())
}

pub async fn next(events: &mut Events) -> Result<Vec<Told>, String> {
    let told = match events.poll().await.map_err(|error| error.to_string())? {
        Event::Incoming(Incoming::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => {
            Told::Connected {
                present: answer.session_present,
                assigned: None,
            }
        }
        Event::Incoming(Incoming::SubAck(answer)) => {
            Told::Granted(answer.return_codes.iter().map(granted).collect())
        }
        Event::Incoming(Incoming::UnsubAck(_)) => Told::Unsubscribed,
        Event::Incoming(Incoming::PubAck(_) | Incoming::PubComp(_))
        | Event::Outgoing(Outgoing::Publish(0)) => Told::Done,
        Event::Incoming(Incoming::Publish(message)) => Told::Message(json!({
            "topic": message.topic, "payload": hex::encode(&message.payload), "qos": message.qos as u8,
            "retain": message.retain, "properties": {},
        })),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![told])
}

fn granted(code: &SubscribeReasonCode) -> u8 {
    match code {
        SubscribeReasonCode::Success(qos) => *qos as u8,
        SubscribeReasonCode::Failure => 0x80,
    }
}
