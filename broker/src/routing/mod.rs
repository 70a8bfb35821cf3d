//! Topics, filters, and who gets what.

pub mod partition;
