//! Helm, the charts' files, and the values schema that is made from the resource definition.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::skip;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

pub fn chart(name: &str) -> PathBuf {
    root().join("charts").join(name)
}

/// Compares `path` with what it should hold; `UPDATE_GENERATED=1` writes it instead.
pub fn check_generated(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wanted).unwrap();
        return;
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is stale: run `make generate`; it should be:\n{wanted}",
        path.display()
    );
}

/// A YAML file as JSON.
pub fn read_yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()));
    serde_saphyr::from_str(&text)
        .unwrap_or_else(|error| panic!("{} is no YAML: {error}", path.display()))
}

/// The documents of a YAML stream that are not empty.
fn documents(text: &str) -> Vec<Value> {
    let parts = text
        .split("\n---")
        .map(|part| part.trim_start_matches("---"));
    let parsed = parts.map(|part| {
        serde_saphyr::from_str::<Value>(part).unwrap_or_else(|error| panic!("{error}:\n{part}"))
    });
    parsed.filter(|document| !document.is_null()).collect()
}

/// Documents in an order and a form of our own, so that it does not matter which helm rendered them.
pub fn golden_text(mut documents: Vec<Value>) -> String {
    let key = |document: &Value| {
        ["/kind", "/metadata/namespace", "/metadata/name"]
            .map(|at| document.pointer(at).map(Value::to_string))
    };
    documents.sort_by_key(key);
    let texts = documents
        .iter()
        .map(|document| serde_saphyr::to_string(document).unwrap());
    texts.collect::<Vec<_>>().join("---\n")
}

/// The helm program: `HERDGATE_HELM`, the lab's, or one in the path.
pub struct Helm(PathBuf);

impl Helm {
    /// `None`, said loudly, when there is none.
    pub fn find() -> Option<Self> {
        let given = std::env::var_os("HERDGATE_HELM").map(PathBuf::from);
        let found = given.or_else(built_by_the_lab).or_else(in_the_path);
        if found.is_none() {
            skip::skip("no helm: set HERDGATE_HELM, or let `tests/lab/lab.sh tools` build it");
        }
        found.map(Self)
    }

    /// Standard output, or standard error when helm refused.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.0).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr) + &text(&output.stdout))
        }
    }

    /// Renders a chart as release `demo` in namespace `fleet`.
    pub fn template(&self, chart_name: &str, more: &[&str]) -> Result<String, String> {
        let path = chart(chart_name).display().to_string();
        let fixed = [
            "template",
            "demo",
            &path,
            "--namespace",
            "fleet",
            "--kube-version",
            "1.33.0",
        ];
        self.run(&[&fixed, more].concat())
    }

    /// The documents of a chart that renders.
    pub fn render(&self, chart_name: &str, more: &[&str]) -> Vec<Value> {
        let text = self.template(chart_name, more);
        documents(&text.unwrap_or_else(|error| panic!("{chart_name} {more:?}: {error}")))
    }

    /// The documents of a chart with `ci/CASE-values.yaml`.
    pub fn case(&self, chart_name: &str, case: &str) -> Vec<Value> {
        let values = chart(chart_name).join(format!("ci/{case}-values.yaml"));
        self.render(chart_name, &["--values", &values.display().to_string()])
    }
}

fn built_by_the_lab() -> Option<PathBuf> {
    let folders = fs::read_dir(skip::cache_folder().join("lab/bin"))
        .ok()?
        .flatten();
    let built = folders
        .map(|folder| folder.path())
        .filter(|path| path.join("complete").exists());
    built
        .map(|path| path.join("helm"))
        .find(|path| path.is_file())
}

fn in_the_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("helm"))
        .find(|path| path.is_file())
}

/// The values schema of `herdgate-cluster`: its own settings, and the resource's spec as the definition has it.
pub fn cluster_values_schema(definition: &Value) -> Value {
    let spec = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    let text = json!({"type": "string"});
    let object = |properties: Value| json!({"type": "object", "additionalProperties": false, "properties": properties});
    let string_map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let reference = object(json!({"name": text}));
    let keyed_reference = object(json!({"name": text, "key": {"type": "string", "minLength": 1}}));
    let helm_test = object(json!({
        "enabled": {"type": "boolean"},
        "listener": text,
        "serverName": text,
        "caSecretRef": keyed_reference,
        "userName": text,
        "passwordSecretRef": keyed_reference,
        "certificateSecretRef": reference,
        "clientId": text,
        "protocol": {"enum": ["3.1.1", "5"]},
        "timeoutSeconds": {"type": "integer", "minimum": 1, "maximum": 3600},
    }));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of herdgate-cluster",
        "type": "object",
        "additionalProperties": false,
        "required": ["spec"],
        "properties": {
            "nameOverride": {"type": "string", "maxLength": 40},
            "commonLabels": string_map,
            "annotations": string_map,
            "spec": strict(spec.expect("the definition has a spec")),
            "test": helm_test,
            "global": {"type": "object", "description": "Given by a parent chart; not read."},
        },
    })
}

/// A definition's schema as a plain JSON schema that refuses unknown keys. CEL rules stay with the API server.
fn strict(schema: &Value) -> Value {
    let Value::Object(fields) = schema else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, value) in fields {
        let kept = match key.as_str() {
            "properties" => {
                let properties = value.as_object().unwrap().iter();
                properties
                    .map(|(name, property)| (name.clone(), strict(property)))
                    .collect()
            }
            "items" | "additionalProperties" => strict(value),
            key if key.starts_with("x-kubernetes-") => continue,
            // formats name widths of numbers, which the bounds say better; defaults are the API server's to set
            "format" | "default" => continue,
            _ => value.clone(),
        };
        out.insert(key.clone(), kept);
    }
    if fields.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        out.insert("type".to_owned(), json!(["integer", "string"]));
    }
    let open = fields.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    if fields.contains_key("properties") && !open {
        out.entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
    Value::Object(out)
}

/// Paths at which `kept` lacks what `given` has: what a type has silently dropped.
pub fn lost(given: &Value, kept: &Value, path: &str) -> Vec<String> {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            let each = given.iter().map(|(key, value)| {
                lost(
                    value,
                    kept.get(key).unwrap_or(&Value::Null),
                    &format!("{path}.{key}"),
                )
            });
            each.flatten().collect()
        }
        (Value::Array(given), Value::Array(kept)) if given.len() == kept.len() => {
            let pairs = given.iter().zip(kept).enumerate();
            pairs
                .flat_map(|(index, (given, kept))| lost(given, kept, &format!("{path}[{index}]")))
                .collect()
        }
        _ if given == kept => Vec::new(),
        // an empty list or map may be left out
        (Value::Array(given), Value::Null) if given.is_empty() => Vec::new(),
        (Value::Object(given), Value::Null) if given.is_empty() => Vec::new(),
        _ => vec![path.to_owned()],
    }
}
