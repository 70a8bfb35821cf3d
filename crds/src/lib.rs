//! The custom resources of Herdgate, group `herdgate.io`: types, schema, condition names.
//!
//! The schema carries every rule that can be told without seeing the cluster: bounds, patterns and CEL rules.
//! `generated/` holds the YAML; `make generate` writes it and a test refuses a stale one.

#![allow(
    unreachable_pub,
    reason = "KubeSchema puts a public shadow of each type inside a function"
)]

mod admission;
mod authentication;
mod cluster;
pub mod conditions;
mod exposure;
mod generate;
mod image;
mod limits;
mod listener_limits;
mod listeners;
mod pods;
mod reopening;
mod schema;
mod status;
mod tiers;

pub use admission::{AddressRange, Admission, AdmissionMode, Slicing, SlicingType};
pub use authentication::{Anonymous, Authentication, Flapping, HttpBackend, WrongPasswordWait};
pub use cluster::{MqttCluster, MqttClusterSpec, Routing};
pub use exposure::{Exposure, ExposureType, ExternalDns, TrafficPolicy};
pub use generate::{RenderError, crds, render};
pub use image::{Image, ImagePullSecret, PullPolicy};
pub use limits::Limits;
pub use listener_limits::ListenerLimits;
pub use listeners::{
    AuthenticationMethod, ClientAuth, Listener, ListenerTls, Protocol, ProxyProtocol,
    ProxyProtocolMode, TlsVersion, WebSocket,
};
pub use pods::{Drain, Resources, Scheduling, SecretRef};
pub use reopening::{
    ClusterRef, REOPEN_ANNOTATION, Reopening, ReopeningForecast, ReopeningOutcome, ReopeningPhase,
    ReopeningResult, ReopeningSpec, ReopeningStatus, STEER_ANNOTATION, SlowestSlice, TimelinePoint,
};
pub use status::{AdmissionStatus, Endpoint, MqttClusterStatus, TierStatus};
pub use tiers::{AccessMode, Edge, Persistence, RetentionPolicy, Shards};

/// API group of everything here.
pub const GROUP: &str = "herdgate.io";
