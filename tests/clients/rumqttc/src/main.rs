//! Drives rumqttc: ../../README.md.
#![forbid(unsafe_code)]

mod client;
mod told;
mod v3;
mod v5;
mod wish;

use std::collections::HashMap;
use std::io::{BufRead as _, stdin};

use serde_json::{Value, json};

use client::Client;

/// As in `Cargo.toml`: the library does not tell it.
const LIBRARY: &str = "rumqttc 0.25.1";

#[tokio::main]
async fn main() {
    say(&json!({ "library": LIBRARY }));
    let mut clients = HashMap::new();
    // requests come one at a time, each after the answer to the one before
    for line in stdin().lock().lines().map_while(Result::ok) {
        let wish: Value = serde_json::from_str(&line).unwrap_or_default();
        let mut answer = match serve(&mut clients, &wish).await {
            Ok(answer) => answer,
            Err(why) => json!({ "failed": why }),
        };
        answer["id"] = wish["id"].clone();
        say(&answer);
    }
}

fn say(line: &Value) {
    println!("{line}");
}

async fn serve(clients: &mut HashMap<String, Client>, wish: &Value) -> Result<Value, String> {
    let name = wish::text(wish, "client")?;
    if wish["do"] == "connect" {
        let known = clients.get(&name).is_some_and(|client| client.is_for(wish));
        if !known {
            clients.insert(name.clone(), Client::new(&name, wish)?);
        }
    }
    let client = clients.get_mut(&name).ok_or("no such client")?;
    match wish["do"].as_str() {
        Some("connect") => client.connect().await,
        Some("subscribe") => client.subscribe(wish).await,
        Some("unsubscribe") => client.unsubscribe(wish).await,
        Some("publish") => client.publish(wish).await,
        Some("disconnect") => client.disconnect().await,
        Some("lost") => client.lost().await,
        other => Err(format!("not known: {other:?}")),
    }
}
