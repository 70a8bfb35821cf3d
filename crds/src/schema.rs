//! Schemas of strings and lists that several fields share.

use schemars::{Schema, SchemaGenerator, json_schema};

/// Longest text form of an IPv6 CIDR.
const CIDR_MAX_LENGTH: u32 = 43;

/// A list of CIDRs without host bits, judged by the API server's own CIDR library.
pub(crate) fn cidrs(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 64,
        "x-kubernetes-list-type": "set",
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": CIDR_MAX_LENGTH,
            "x-kubernetes-validations": [
                {
                    "rule": "isCIDR(self)",
                    "message": "must be a CIDR such as '198.18.0.0/15' or '2001:db8::/32'"
                },
                {
                    "rule": "!isCIDR(self) || cidr(self) == cidr(self).masked()",
                    "message": "must not have bits set behind the prefix length"
                }
            ]
        }
    })
}

/// As [`cidrs`], and not empty: a range without addresses would open nothing.
pub(crate) fn some_cidrs(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = cidrs(generator);
    schema.insert("minItems".into(), 1.into());
    schema
}

/// A list of origins of pages, or `*`.
pub(crate) fn origins(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 64,
        "x-kubernetes-list-type": "set",
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^(\*|[A-Za-z0-9]+://[-A-Za-z0-9._\[\]:]+)$"
        }
    })
}

/// An object of Kubernetes' own whose schema is too large to repeat; the operator parses it.
pub(crate) fn opaque_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A list of [`opaque_object`]s.
pub(crate) fn opaque_objects(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 32,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
    })
}

/// Amounts by resource name, such as `cpu` and `memory`.
pub(crate) fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true,
            "pattern": r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[mkMGTPE]|([eE][+-]?[0-9]+))?$"
        }
    })
}

/// Labels or annotations: small maps of strings.
pub(crate) fn string_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "maxLength": 4096}
    })
}
