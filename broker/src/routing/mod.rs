//! Topics, filters, routes and retained messages; partitions and their owners.
