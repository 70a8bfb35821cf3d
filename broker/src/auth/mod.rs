//! Who a client is: passwords, certificates, and which client ids belong to whom.
