//! One MQTT session as a state machine.
