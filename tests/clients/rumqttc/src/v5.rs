//! MQTT 5.

use std::collections::HashMap;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::v5::{
    ConnectProperties, ConnectReturnCode, Filter, LastWill, PubAckReason, PubRecReason, Publish,
    PublishProperties, SubscribeProperties, SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{QoS, qos};
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming, MqttOptions};
use serde_json::{Value, json};

use crate::told::Told;
use crate::wish::{self, Message};

pub struct Events {
    events: EventLoop,
    /// Topics by the alias that the server gave them, which the library knows and does not tell.
    given: HashMap<u16, String>,
}

/// With the aliases of the topics that were published, where there shall be any.
pub struct Requests {
    client: AsyncClient,
    aliases: Option<HashMap<String, u16>>,
}

/// Above any message here; the library's own limit is 10 KB.
const LARGEST_BYTES: u32 = 1 << 20;
const REQUESTS: usize = 100;
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;
const UNSPECIFIED: u8 = 0x80;

fn level(number: u8) -> Result<QoS, String> {
    qos(number).ok_or_else(|| format!("no QoS {number}"))
}

pub fn client(wish: &Value) -> Result<(Requests, Events), String> {
    let (host, port, transport) = wish::place(wish)?;
    let mut options = MqttOptions::new(wish::text(wish, "clientId")?, host, port);
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = Some(wish::number(wish, "expiry")?);
    properties.max_packet_size = Some(LARGEST_BYTES);
    properties.topic_alias_max = wish["aliases"]
        .as_u64()
        .and_then(|most| most.try_into().ok());
    let aliases = properties.topic_alias_max.map(|_| HashMap::new());
    options
        .set_transport(transport)
        .set_credentials(wish::text(wish, "user")?, wish::text(wish, "password")?)
        .set_clean_start(wish["clean"] == true)
        .set_connect_properties(properties);
    if let Some(will) = wish.get("will") {
        let payload = wish::bytes(will, "payload")?;
        let will = LastWill::new(
            wish::text(will, "topic")?,
            payload,
            level(wish::qos(will)?)?,
            false,
            None,
        );
        options.set_last_will(will);
    }
    let (client, events) = AsyncClient::new(options, REQUESTS);
    let given = HashMap::new();
    Ok((Requests { client, aliases }, Events { events, given }))
}

pub async fn subscribe(requests: &Requests, wish: &Value) -> Result<(), String> {
    let qos = level(wish::qos(wish)?)?;
    let filters = wish::filters(wish)
        .into_iter()
        .map(|path| Filter::new(path, qos));
    let id = wish["identifier"]
        .as_u64()
        .and_then(|id| id.try_into().ok());
    let sent = match id {
        None => requests.client.subscribe_many(filters).await,
        Some(_) => {
            let properties = SubscribeProperties {
                id,
                user_properties: Vec::new(),
            };
            requests
                .client
                .subscribe_many_with_properties(filters, properties)
                .await
        }
    };
    sent.map_err(|error| error.to_string())
}

pub async fn unsubscribe(requests: &Requests, filter: String) -> Result<(), String> {
    requests
        .client
        .unsubscribe(filter)
        .await
        .map_err(|error| error.to_string())
}

pub async fn publish(requests: &mut Requests, message: Message) -> Result<(), String> {
    let qos = level(message.qos)?;
    let mut properties = outgoing(&message.properties)?;
    let mut topic = message.topic;
    if let Some(aliases) = &mut requests.aliases {
        let next = u16::try_from(aliases.len() + 1).map_err(|error| error.to_string())?;
        let known = aliases.contains_key(&topic);
        properties.topic_alias = Some(*aliases.entry(topic.clone()).or_insert(next));
        if known {
            topic.clear();
        }
    }
    let sent = requests.client.publish_with_properties(
        topic,
        qos,
        message.retain,
        message.payload,
        properties,
    );
    sent.await.map_err(|error| error.to_string())
}

fn outgoing(properties: &Value) -> Result<PublishProperties, String> {
    if properties.is_null() {
        return Ok(PublishProperties::default());
    }
    let user = properties["user"].as_array().into_iter().flatten();
    let word = |pair: &Value, at: usize| pair[at].as_str().unwrap_or_default().to_owned();
    Ok(PublishProperties {
        user_properties: user.map(|pair| (word(pair, 0), word(pair, 1))).collect(),
        response_topic: Some(wish::text(properties, "response")?),
        correlation_data: Some(wish::bytes(properties, "correlation")?.into()),
        content_type: Some(wish::text(properties, "contentType")?),
        message_expiry_interval: Some(wish::number(properties, "expiry")?),
        ..PublishProperties::default()
    })
}

pub async fn disconnect(requests: &mut Requests) -> Result<(), String> {
    if let Some(aliases) = &mut requests.aliases {
        aliases.clear();
    }
    requests
        .client
        .disconnect()
        .await
        .map_err(|error| error.to_string())
}

pub async fn next(events: &mut Events) -> Result<Vec<Told>, String> {
    Ok(
        match events
            .events
            .poll()
            .await
            .map_err(|error| error.to_string())?
        {
            Event::Incoming(Incoming::ConnAck(answer))
                if answer.code == ConnectReturnCode::Success =>
            {
                events.given.clear();
                let assigned = answer
                    .properties
                    .and_then(|properties| properties.assigned_client_identifier);
                vec![Told::Connected {
                    present: answer.session_present,
                    assigned,
                }]
            }
            Event::Incoming(Incoming::SubAck(answer)) => {
                vec![Told::Granted(
                    answer.return_codes.iter().map(granted).collect(),
                )]
            }
            Event::Incoming(Incoming::UnsubAck(_)) => vec![Told::Unsubscribed],
            Event::Incoming(Incoming::PubAck(answer)) => {
                vec![Told::Reason(acknowledged(answer.reason)), Told::Done]
            }
            Event::Incoming(Incoming::PubRec(answer)) => {
                vec![Told::Reason(received(answer.reason))]
            }
            Event::Incoming(Incoming::PubComp(_)) | Event::Outgoing(Outgoing::Publish(0)) => {
                vec![Told::Done]
            }
            Event::Incoming(Incoming::Publish(message)) => {
                vec![Told::Message(arrived(&message, &mut events.given))]
            }
            _ => Vec::new(),
        },
    )
}

fn arrived(message: &Publish, given: &mut HashMap<u16, String>) -> Value {
    let came = message.properties.clone().unwrap_or_default();
    let mut topic = String::from_utf8_lossy(&message.topic).into_owned();
    if let Some(alias) = came.topic_alias {
        if topic.is_empty() {
            topic = given.get(&alias).cloned().unwrap_or_default();
        }
        given.insert(alias, topic.clone());
    }
    json!({
        "topic": topic, "payload": hex::encode(&message.payload),
        "qos": message.qos as u8, "retain": message.retain,
        "properties": {
            "user": came.user_properties, "response": came.response_topic,
            "correlation": came.correlation_data.map(hex::encode), "contentType": came.content_type,
            "expiry": came.message_expiry_interval, "identifiers": came.subscription_identifiers,
        },
    })
}

fn granted(code: &SubscribeReasonCode) -> u8 {
    match code {
        SubscribeReasonCode::Success(qos) => *qos as u8,
        _ => UNSPECIFIED,
    }
}

fn acknowledged(reason: PubAckReason) -> u8 {
    match reason {
        PubAckReason::Success => 0,
        PubAckReason::NoMatchingSubscribers => NO_MATCHING_SUBSCRIBERS,
        _ => UNSPECIFIED,
    }
}

fn received(reason: PubRecReason) -> u8 {
    match reason {
        PubRecReason::Success => 0,
        PubRecReason::NoMatchingSubscribers => NO_MATCHING_SUBSCRIBERS,
        _ => UNSPECIFIED,
    }
}
