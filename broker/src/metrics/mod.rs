//! The one metrics registry.
