//! One client. Its event loop runs in a task of its own, which ends with the connection and gives the loop back.

use std::mem;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::told::Told;
use crate::{say, v3, v5, wish};

const PATIENCE: Duration = Duration::from_secs(25);

pub enum Requests {
    V3(v3::Requests),
    V5(v5::Requests),
}

pub enum Events {
    V3(Box<v3::Events>),
    V5(Box<v5::Events>),
}

enum Loop {
    Idle(Events),
    Running(JoinHandle<Events>),
    /// Between the two.
    Nowhere,
}

pub struct Client {
    name: String,
    options: Vec<Value>,
    requests: Requests,
    events: Loop,
    sender: UnboundedSender<Told>,
    told: UnboundedReceiver<Told>,
}

fn options(wish: &Value) -> Vec<Value> {
    let fields = ["version", "transport", "clientId", "clean", "port"];
    fields.map(|field| wish[field].clone()).to_vec()
}

impl Client {
    pub fn new(name: &str, wish: &Value) -> Result<Self, String> {
        let (requests, events) = if wish["version"] == "5.0" {
            let (requests, events) = v5::client(wish)?;
            (Requests::V5(requests), Events::V5(Box::new(events)))
        } else {
            let (requests, events) = v3::client(wish)?;
            (Requests::V3(requests), Events::V3(Box::new(events)))
        };
        let (sender, told) = unbounded_channel();
        Ok(Self {
            name: name.to_owned(),
            options: options(wish),
            requests,
            events: Loop::Idle(events),
            sender,
            told,
        })
    }

    pub fn is_for(&self, wish: &Value) -> bool {
        self.options == options(wish)
    }

    pub async fn connect(&mut self) -> Result<Value, String> {
        let Loop::Idle(events) = mem::replace(&mut self.events, Loop::Nowhere) else {
            return Err("it is still connected".to_owned());
        };
        let task = tokio::spawn(run(self.name.clone(), events, self.sender.clone()));
        self.events = Loop::Running(task);
        match self.next().await? {
            Told::Connected { present, assigned } => {
                Ok(json!({"sessionPresent": present, "assignedClientId": assigned}))
            }
            _ => Err("something before CONNACK".to_owned()),
        }
    }

    pub async fn subscribe(&mut self, wish: &Value) -> Result<Value, String> {
        match &self.requests {
            Requests::V3(requests) => v3::subscribe(requests, wish).await?,
            Requests::V5(requests) => v5::subscribe(requests, wish).await?,
        }
        loop {
            if let Told::Granted(granted) = self.next().await? {
                return Ok(json!({ "granted": granted }));
            }
        }
    }

    pub async fn unsubscribe(&mut self, wish: &Value) -> Result<Value, String> {
        for filter in wish::filters(wish) {
            match &self.requests {
                Requests::V3(requests) => v3::unsubscribe(requests, filter).await?,
                Requests::V5(requests) => v5::unsubscribe(requests, filter).await?,
            }
            while !matches!(self.next().await?, Told::Unsubscribed) {}
        }
        Ok(json!({}))
    }

    pub async fn publish(&mut self, wish: &Value) -> Result<Value, String> {
        let messages = wish::messages(wish)?;
        let mut left = messages.len();
        for message in messages {
            match &mut self.requests {
                Requests::V3(requests) => v3::publish(requests, message).await?,
                Requests::V5(requests) => v5::publish(requests, message).await?,
            }
        }
        let mut reasons = Vec::new();
        while left > 0 {
            match self.next().await? {
                Told::Reason(reason) => reasons.push(reason),
                Told::Done => left -= 1,
                _ => {}
            }
        }
        Ok(json!({ "reasons": reasons }))
    }

    pub async fn disconnect(&mut self) -> Result<Value, String> {
        match &mut self.requests {
            Requests::V3(requests) => v3::disconnect(requests).await?,
            Requests::V5(requests) => v5::disconnect(requests).await?,
        }
        self.lost().await
    }

    pub async fn lost(&mut self) -> Result<Value, String> {
        let Loop::Running(task) = mem::replace(&mut self.events, Loop::Nowhere) else {
            return Err("it is not connected".to_owned());
        };
        let events = timeout(PATIENCE, task).await;
        let events = events.map_err(|_| "the connection is still there")?;
        self.events = Loop::Idle(events.map_err(|error| error.to_string())?);
        while self.told.try_recv().is_ok() {}
        Ok(json!({}))
    }

    async fn next(&mut self) -> Result<Told, String> {
        match timeout(PATIENCE, self.told.recv()).await {
            Ok(Some(Told::Gone) | None) => Err("the connection is gone".to_owned()),
            Ok(Some(told)) => Ok(told),
            Err(_) => Err("nothing came".to_owned()),
        }
    }
}

async fn run(name: String, mut events: Events, sender: UnboundedSender<Told>) -> Events {
    loop {
        let told = match &mut events {
            Events::V3(events) => v3::next(events).await,
            Events::V5(events) => v5::next(events).await,
        };
        let told = told.unwrap_or_else(|why| {
            eprintln!("{name}: {why}");
            vec![Told::Gone]
        });
        for told in told {
            match told {
                Told::Message(message) => say(&json!({"client": name, "message": message})),
                Told::Gone => {
                    let _ = sender.send(Told::Gone);
                    return events;
                }
                told => {
                    let _ = sender.send(told);
                }
            }
        }
    }
}
