//! Reads a process's admin port.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::wait::PATIENT;

pub struct Admin(pub SocketAddr);

impl Admin {
    /// Status code and body of a GET; `None` when nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.0).ok()?;
        stream.set_read_timeout(Some(PATIENT)).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.0
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let code = head.split(' ').nth(1)?.parse().ok()?;
        Some((code, body.to_owned()))
    }

    pub fn ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(code, _)| code == 200)
    }

    /// The JSON at a path.
    pub fn json(&self, path: &str) -> Value {
        let (code, body) = self.get(path).expect("the admin port answers");
        assert_eq!(code, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("the answer is JSON")
    }

    pub fn status(&self) -> Value {
        self.json("/status")
    }

    /// A number in `/status` by its path, such as `/handshakes/completed`.
    pub fn number(&self, pointer: &str) -> u64 {
        let status = self.status();
        let found = status.pointer(pointer).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("/status has no number at {pointer}: {status}"))
    }

    /// The sum of a metric over its label sets; 0 when it is not there.
    pub fn metric(&self, name: &str) -> f64 {
        self.metric_of(name, "")
    }

    /// As `metric`, over the label sets that contain `label`, such as `reason="timeout"`.
    pub fn metric_of(&self, name: &str, label: &str) -> f64 {
        let (_, body) = self.get("/metrics").expect("the admin port answers");
        let lines = body.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let of_name = series.split('{').next() == Some(name) && series.contains(label);
                of_name.then(|| value.parse::<f64>().ok()).flatten()
            })
            .sum()
    }
}
