//! MQTT bytes: whole packets out of a stream, our own checks, then the ntex-mqtt codecs.
