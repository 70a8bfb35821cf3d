//! The client libraries, and what each of them cannot do.

use crate::clients::Version;

use super::case::Transport;

/// What a library may keep from its user, so that a scene cannot look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Whether CONNACK told of a session.
    SessionPresent,
    AssignedClientId,
    PubackReason,
    PubrecReason,
    SubscriptionIdentifier,
    /// Topic aliases in what it publishes.
    AliasesOut,
    /// In what it receives.
    AliasesIn,
    /// What is under way when the connection ends is gone on with, and at QoS 2 handed over once.
    OnceAcrossConnections,
    /// Correlation data that is no text.
    BinaryCorrelation,
    Unsubscribe,
    /// DISCONNECT without the will, in MQTT 5.
    WillDiscarded,
    /// Topics with characters of more than 16 bits.
    Astral,
}

pub struct Library {
    /// As `scripts/clients.sh` knows it.
    pub name: &'static str,
    pub versions: &'static [Version],
    pub transports: &'static [Transport],
    /// Why versions or transports are missing.
    pub excluded: &'static [&'static str],
    pub without: &'static [(Feature, &'static str)],
}

const BOTH: &[Version] = &[Version::V311, Version::V5];

pub const LIBRARIES: &[Library] = &[
    Library {
        name: "paho-python",
        versions: BOTH,
        transports: &Transport::ALL,
        excluded: &[],
        without: &[(
            Feature::PubrecReason,
            "it hands over the reason of PUBCOMP, which is 0",
        )],
    },
    Library {
        name: "mqttjs",
        versions: BOTH,
        transports: &Transport::ALL,
        excluded: &[],
        without: &[],
    },
    Library {
        name: "hivemq",
        versions: BOTH,
        transports: &Transport::ALL,
        excluded: &[],
        without: &[(
            Feature::SubscriptionIdentifier,
            "it gives them itself and does not hand them over",
        )],
    },
    Library {
        name: "paho-java-v3",
        versions: &[Version::V311],
        transports: &Transport::ALL,
        excluded: &["5.0: the library speaks 3.1 and 3.1.1; paho-java-v5 is its successor"],
        without: &[(
            Feature::Astral,
            "it takes halves of surrogate pairs for invalid UTF-8 and ends its connection",
        )],
    },
    Library {
        name: "paho-java-v5",
        versions: &[Version::V5],
        transports: &Transport::ALL,
        excluded: &["3.1.1: the library speaks 5.0 alone; paho-java-v3 is the one for it"],
        without: &[(
            Feature::OnceAcrossConnections,
            "it hands over each PUBLISH, those sent again as well, and an acknowledgement that waits holds up CONNECT",
        )],
    },
    Library {
        name: "rumqttc",
        versions: BOTH,
        transports: &Transport::ALL,
        excluded: &[],
        without: &[(
            Feature::OnceAcrossConnections,
            "it forgets what it has received, hands it over again, and takes a PUBREL of before for an error",
        )],
    },
    Library {
        name: "mosquitto",
        versions: BOTH,
        transports: &[Transport::Tcp, Transport::Tls],
        excluded: &["WSS: Debian builds mosquitto_pub and mosquitto_sub without WebSocket"],
        without: &[
            (
                Feature::SessionPresent,
                "mosquitto_sub does not print it; what arrives shows it",
            ),
            (
                Feature::AssignedClientId,
                "mosquitto_pub and mosquitto_sub make an id up themselves",
            ),
            (Feature::PubackReason, "mosquitto_pub does not print it"),
            (Feature::PubrecReason, "mosquitto_pub does not print it"),
            (
                Feature::SubscriptionIdentifier,
                "mosquitto_sub has no option for it",
            ),
            (
                Feature::AliasesOut,
                "mosquitto_pub gives no second message the same alias",
            ),
            (
                Feature::AliasesIn,
                "mosquitto_sub ends its connection at a message without a topic",
            ),
            (
                Feature::BinaryCorrelation,
                "mosquitto_pub takes it from its command line",
            ),
            (
                Feature::Unsubscribe,
                "mosquitto_sub unsubscribes when it starts, never later",
            ),
            (
                Feature::WillDiscarded,
                "mosquitto_sub leaves with reason 0x04, Disconnect with Will Message, so that the will must come",
            ),
        ],
    },
];

impl Library {
    pub fn has(&self, feature: Feature) -> bool {
        self.without.iter().all(|(missing, _)| *missing != feature)
    }
}
