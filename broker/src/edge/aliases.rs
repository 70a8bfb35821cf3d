//! Topic aliases live here and nowhere else: a link carries whole topics.

mod inbound;
mod outbound;

pub(super) use inbound::Inbound;
pub(super) use outbound::Outbound;
