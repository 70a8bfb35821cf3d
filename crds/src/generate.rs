//! From the types to the YAML under `generated/`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::{MqttCluster, Reopening};

const HEADER: &str = "# Written by `make generate` from the types in crds/src. Do not edit.\n";

/// File name under `generated/` and definition of each custom resource.
pub fn crds() -> Result<Vec<(&'static str, CustomResourceDefinition)>, serde_json::Error> {
    Ok(vec![
        ("mqttclusters.yaml", tidy(&MqttCluster::crd())?),
        ("reopenings.yaml", tidy(&Reopening::crd())?),
    ])
}

/// The definition as it is committed.
pub fn render(crd: &CustomResourceDefinition) -> Result<String, RenderError> {
    let mut value = serde_json::to_value(crd)?;
    write_whole_numbers(&mut value);
    Ok(format!("{HEADER}{}", serde_saphyr::to_string(&value)?))
}

/// A definition that cannot be written as YAML.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("failed to turn the definition into JSON")]
    Json(#[from] serde_json::Error),
    #[error("failed to write the definition as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Bounds are floating point numbers to Kubernetes; `65535` reads better than `65535.0` and says the same.
fn write_whole_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers),
        Value::Number(number) => {
            let text = number.to_string();
            if let Some(whole) = text
                .strip_suffix(".0")
                .and_then(|digits| digits.parse::<i64>().ok())
            {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

fn tidy(crd: &CustomResourceDefinition) -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut value = serde_json::to_value(crd)?;
    drop_nullable(&mut value);
    serde_json::from_value(value)
}

/// Without `nullable` the API server prunes a null, so that unset has one form only and `has()` in CEL rules tells it.
fn drop_nullable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("nullable").is_some_and(Value::is_boolean) {
                fields.remove("nullable");
            }
            fields.values_mut().for_each(drop_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nullable),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_files_are_those_that_the_types_make() {
        for (name, crd) in crds().unwrap() {
            let path = format!("{}/generated/{name}", env!("CARGO_MANIFEST_DIR"));
            let wanted = render(&crd).unwrap();
            if std::env::var_os("UPDATE_GENERATED").is_some() {
                std::fs::write(&path, &wanted).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap();
            assert!(
                committed == wanted,
                "generated/{name} is stale: run make generate"
            );
        }
    }

    #[test]
    fn nothing_is_nullable_or_unsigned() {
        for (_, crd) in crds().unwrap() {
            let text = render(&crd).unwrap();
            assert!(!text.contains("nullable"));
            assert!(!text.contains("uint"));
        }
    }
}
