//! What the standards state, seen from outside, through an edge and a shard: one pair for all tests, so each has client
//! ids and topics of its own. `docs/conformance.md` lists what is proven by which.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
