//! Kubernetes events about clusters. Only transitions are told, so there is nothing to aggregate.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};

use crate::FIELD_MANAGER;
use crate::calls::Calls;

/// Longest note that the API server takes.
const NOTE_MAX_BYTES: usize = 1024;

/// What happened, in stable words, and what a person may want to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) warning: bool,
    pub(crate) reason: String,
    pub(crate) note: String,
}

#[derive(Clone)]
pub(crate) struct Recorder {
    client: Client,
    calls: Calls,
    instance: String,
}

impl Recorder {
    pub(crate) fn new(client: Client, calls: Calls, instance: String) -> Self {
        Self {
            client,
            calls,
            instance,
        }
    }

    /// A lost event is no failure of the work that it speaks of.
    pub(crate) async fn tell(&self, about: &ObjectReference, news: News) {
        let namespace = about.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let event = event(about, news, &self.instance, Timestamp::now());
        if let Err(error) = self
            .calls
            .run(
                "create",
                "Event",
                api.create(&PostParams::default(), &event),
            )
            .await
        {
            tracing::warn!(%error, "event lost");
        }
    }
}

fn event(about: &ObjectReference, news: News, instance: &str, now: Timestamp) -> Event {
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", about.name.as_deref().unwrap_or("herdgate"))),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        action: Some("Reconcile".into()),
        reason: Some(news.reason),
        note: Some(shorten(news.note)),
        type_: Some(if news.warning { "Warning" } else { "Normal" }.into()),
        regarding: Some(about.clone()),
        reporting_controller: Some(format!("herdgate.io/{FIELD_MANAGER}")),
        reporting_instance: Some(instance.to_owned()),
        ..Event::default()
    }
}

fn shorten(mut note: String) -> String {
    if note.len() > NOTE_MAX_BYTES {
        note.truncate(note.floor_char_boundary(NOTE_MAX_BYTES));
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let cut = shorten(format!("x{}", "ä".repeat(NOTE_MAX_BYTES)));
        assert_eq!(cut.len(), NOTE_MAX_BYTES - 1);
        assert!(cut.ends_with('ä'));
    }
}
