//! The API server's audit log: who asked for what.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde::Deserialize;

/// One request, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub verb: String,
    pub user: User,
    #[serde(default)]
    pub object_ref: Option<ObjectRef>,
    #[serde(default)]
    pub response_status: Option<ResponseStatus>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// Empty where a token was refused: its account has just been deleted, say.
    #[serde(default)]
    pub username: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    #[serde(default)]
    pub api_group: String,
    #[serde(default)]
    pub resource: String,
    #[serde(default)]
    pub subresource: String,
    #[serde(default)]
    pub namespace: String,
    #[serde(default)]
    pub name: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ResponseStatus {
    #[serde(default)]
    pub code: u16,
}

impl Event {
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// Resource with its subresource, as rules name it.
    pub fn resource(&self) -> String {
        match &self.object_ref {
            None => String::new(),
            Some(object) if object.subresource.is_empty() => object.resource.clone(),
            Some(object) => format!("{}/{}", object.resource, object.subresource),
        }
    }

    /// A patch of an object that was not there needs and uses the right to create.
    pub fn created(&self) -> bool {
        self.response_status
            .is_some_and(|status| status.code == 201)
    }
}

pub struct AuditLog {
    path: PathBuf,
}

/// A reader of what is asked from some moment on.
pub struct Follower {
    path: PathBuf,
    offset: u64,
}

impl AuditLog {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// From now on.
    pub fn follow(&self) -> Follower {
        Follower {
            path: self.path.clone(),
            offset: fs::metadata(&self.path).map_or(0, |file| file.len()),
        }
    }
}

impl Follower {
    /// What came since the last time; the API server writes each line before it answers.
    pub fn fresh(&mut self) -> Vec<Event> {
        let mut text = String::new();
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        file.read_to_string(&mut text).unwrap();
        let complete = complete_lines(&text);
        self.offset += complete.len() as u64;
        parse(complete)
    }
}

/// The last line may be half written; it counts next time.
fn complete_lines(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..=end])
}

fn parse(text: &str) -> Vec<Event> {
    let event = |line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("audit log: {error}: {line}"))
    };
    text.lines().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = concat!(
        r#"{"verb":"patch","user":{"username":"system:serviceaccount:a:b"},"objectRef":{"resource":"mqttclusters","subresource":"status","apiGroup":"herdgate.io","namespace":"n","name":"c"},"responseStatus":{"code":200}}"#,
        "\n",
        r#"{"verb":"get","user":{"username":"admin"},"requestURI":"/version"}"#,
        "\n",
        r#"{"verb":"get","user":{},"responseStatus":{"code":401}}"#,
        "\n",
        r#"{"verb":"get","us"#,
    );

    #[test]
    fn reads_whole_lines_only() {
        let events = parse(complete_lines(LOG));
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].resource(), "mqttclusters/status");
        assert!(events[0].is_write() && !events[0].created());
        assert_eq!(events[1].resource(), "");
        assert!(!events[1].is_write());
        assert_eq!(events[2].user.username, "");
    }
}
