//! Which of the granted rights were ever used.

use std::collections::BTreeSet;

use serde_json::Value;

use super::audit::Event;

/// One right: a verb on a resource, perhaps of one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub group: String,
    pub resource: String,
    pub verb: String,
    pub name: Option<String>,
}

impl Grant {
    fn used_by(&self, event: &Event) -> bool {
        let Some(object) = &event.object_ref else {
            return false;
        };
        let verb = event.verb == self.verb || (self.verb == "create" && event.created());
        verb && object.api_group == self.group
            && event.resource() == self.resource
            && self.name.as_ref().is_none_or(|name| *name == object.name)
    }
}

/// Every right that the roles' rules give, one by one.
pub fn grants<'a>(roles: impl IntoIterator<Item = &'a Value>) -> BTreeSet<Grant> {
    let all = roles
        .into_iter()
        .flat_map(|role| role["rules"].as_array().cloned().unwrap_or_default());
    let mut grants = BTreeSet::new();
    for rule in all {
        let mut names: Vec<_> = texts(&rule["resourceNames"])
            .into_iter()
            .map(Some)
            .collect();
        if names.is_empty() {
            names.push(None);
        }
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    grants.extend(names.iter().map(|name| Grant {
                        group: group.clone(),
                        resource: resource.clone(),
                        verb: verb.clone(),
                        name: name.clone(),
                    }));
                }
            }
        }
    }
    grants
}

/// The rights that none of the events needed.
pub fn unused(grants: BTreeSet<Grant>, events: &[Event]) -> Vec<Grant> {
    grants
        .into_iter()
        .filter(|grant| !events.iter().any(|event| grant.used_by(event)))
        .collect()
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(verb: &str, resource: &str, name: &str, code: u16) -> Event {
        serde_json::from_value(json!({
            "verb": verb, "user": {"username": "u"}, "responseStatus": {"code": code},
            "objectRef": {"apiGroup": "apps", "resource": resource, "name": name},
        }))
        .unwrap()
    }

    fn roles() -> [Value; 1] {
        [json!({"rules": [
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "patch", "delete"]},
            {"apiGroups": ["apps"], "resources": ["statefulsets"], "resourceNames": ["a", "b"], "verbs": ["get"]},
        ]})]
    }

    #[test]
    fn a_patch_that_creates_uses_both_rights() {
        let events = [
            event("patch", "deployments", "d", 201),
            event("get", "statefulsets", "a", 200),
        ];
        let unused: Vec<_> = unused(grants(&roles()), &events)
            .into_iter()
            .map(|grant| (grant.resource, grant.verb, grant.name))
            .collect();
        let expected = [
            ("deployments".to_owned(), "delete".to_owned(), None),
            (
                "statefulsets".to_owned(),
                "get".to_owned(),
                Some("b".to_owned()),
            ),
        ];
        assert_eq!(unused, expected);
    }

    #[test]
    fn a_patch_of_what_is_there_creates_nothing() {
        let unused = unused(grants(&roles()), &[event("patch", "deployments", "d", 200)]);
        assert!(unused.iter().any(|grant| grant.verb == "create"));
    }
}
