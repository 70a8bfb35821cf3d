//! Every key there is: what it may hold, its default, and what it is for. The reader, the environment,
//! the flags and the reference page all go by this table.

use super::kind::Kind;

/// One key. `path` has `[]` for the members of a list.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// As one would write it after `--set path=`; `None`: no default.
    pub(super) default: Option<&'static str>,
    pub(super) change: Change,
    pub(super) about: &'static str,
}

/// When a change is felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// At the next start.
    Restart,
    /// The path at the next start, but what the file holds at once.
    Contents,
}

const U32: u64 = u32::MAX as u64;
const CIDR: Kind = Kind::Cidr;
const HOST_PORT: Kind = Kind::HostPort;
const MODES: &[&str] = &["Staged", "Open", "Closed", "Manual", "DryRun"];
const ORIGIN: Kind = Kind::Origin;
const PROTOCOLS: &[&str] = &["mqtt", "mqtts", "ws", "wss"];
const CLIENT_AUTH: &[&str] = &["None", "Optional", "Required"];
const PROXY_PROTOCOL: &[&str] = &["Disabled", "Required"];
const TLS_VERSIONS: &[&str] = &["1.2", "1.3"];
const METHODS: &[&str] = &["SCRAM-SHA-256"];
const METHOD: Kind = Kind::Choice(METHODS);
const ANONYMOUS: &[&str] = &["Never", "Loopback", "Always"];
const SLICINGS: &[&str] = &["PrefixHash", "CIDRList", "Ranges", "ClientIdHash"];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
const FORMATS: &[&str] = &["text", "json"];

const fn key(
    path: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    about: &'static str,
) -> Key {
    Key {
        path,
        kind,
        default,
        change: Change::Restart,
        about,
    }
}

const fn file(path: &'static str, about: &'static str) -> Key {
    Key {
        path,
        kind: Kind::File,
        default: None,
        change: Change::Contents,
        about,
    }
}

const fn whole(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

const fn seconds(min: f64, max: f64) -> Kind {
    Kind::Seconds { min, max }
}

/// In the order of the reference page: parents before their children.
#[rustfmt::skip] // a table: one key a line
pub(super) const KEYS: &[Key] = &[
    key("cluster", Kind::Text, Some("herdgate"), "The cluster's name; seeds the order of the slices."),

    key("listeners", Kind::Sections, None, "Where clients connect. Standalone and edge need at least one."),
    key("listeners[].name", Kind::Name, None, "Unique; the `listener` label of metrics."),
    key("listeners[].address", Kind::Address, None, "Port 0 lets the system choose (see `--ready-file`)."),
    key("listeners[].protocol", Kind::Choice(PROTOCOLS), None, "`mqtts` is MQTT over TLS, `ws` over WebSocket, `wss` over WebSocket over TLS."),
    key("listeners[].tls", Kind::Section, None, "Needed for `mqtts` and `wss`, refused for `mqtt` and `ws`."),
    file("listeners[].tls.certificateFile", "PEM: the server's certificate first, then its chain. Needed."),
    file("listeners[].tls.privateKeyFile", "PEM: the certificate's key, RSA or ECDSA. Needed."),
    key("listeners[].tls.clientAuth", Kind::Choice(CLIENT_AUTH), Some("None"), "Whether clients are asked for a certificate."),
    file("listeners[].tls.clientCaFile", "PEM: the authorities of client certificates. Needed unless `clientAuth` is `None`."),
    key("listeners[].tls.minVersion", Kind::Choice(TLS_VERSIONS), Some("1.2"), "The oldest TLS that is spoken."),
    key("listeners[].webSocket", Kind::Section, None, "What is asked of a request, for `ws` and `wss` only. The subprotocol must be `mqtt`."),
    key("listeners[].webSocket.path", Kind::UrlPath, Some("/mqtt"), "Where WebSocket is served; a query is ignored."),
    key("listeners[].webSocket.allowedOrigins", Kind::List(&ORIGIN), Some("[]"), "Pages that may connect beside those of the host in the request; `*`: all. Clients that name no origin are no pages, and may."),
    key("listeners[].proxyProtocol", Kind::Section, None, "Whether a balancer in front says, by a PROXY header (version 1 or 2), whose connection it passes on."),
    key("listeners[].proxyProtocol.mode", Kind::Choice(PROXY_PROTOCOL), Some("Disabled"), "`Required`: every connection begins with a header, within 5 s; it is never guessed."),
    key("listeners[].proxyProtocol.trusted", Kind::List(&CIDR), Some("[]"), "Networks that balancers connect from; anybody else is reset. Needed for `Required`, refused for `Disabled`."),
    key("listeners[].maxConnections", whole(1, U32), Some("100000"), "Clients at once, held ones not among them."),
    key("listeners[].connectTimeoutSeconds", seconds(0.1, 3600.0), Some("10"), "From the end of TLS to a whole CONNECT."),
    key("listeners[].maxPacketBytes", whole(128, 268_435_460), Some("1048576"), "The largest whole MQTT packet that a client may send."),
    key("listeners[].maxClientIdBytes", whole(23, 65_535), Some("256"), "The longest client id, which is kept wherever the client is known."),
    key("listeners[].topicAliasMaximum", whole(0, 65_535), Some("16"), "Topics that an MQTT 5 client may give an alias, each up to `limits.maxTopicBytes` of memory; it is sent as many, and at most 16. 0: none."),
    key("listeners[].publishRate", whole(0, 1_000_000), Some("0"), "PUBLISH packets that one client may send a second; who sends more is read later, never refused. 0: no limit."),
    key("listeners[].subscribeRate", whole(0, 1_000_000), Some("0"), "Filters, in SUBSCRIBE and UNSUBSCRIBE, that one client may send a second; after a packet of more the next waits the longer. 0: no limit."),
    key("listeners[].unreadTimeoutSeconds", seconds(0.1, 86_400.0), Some("120"), "A client that takes nothing for so long, while packets wait for it, is closed."),
    key("listeners[].maxKeepAliveSeconds", whole(0, 65_535), Some("0"), "0: no cap. Otherwise the server keep alive of MQTT 5."),
    key("listeners[].tcpUserTimeoutSeconds", whole(0, 3600), Some("60"), "How long what was sent may stay unacknowledged or untaken before the client is closed; 0: the kernel's way, some 15 minutes."),

    key("listeners[].authenticationMethods", Kind::List(&METHOD), None, "Methods of MQTT 5's enhanced authentication; `[]`: none. By default those that the password file has users for."),

    key("listeners[].limits", Kind::Section, None, "What a shard holds the clients of this listener to. Each is that of `limits` unless it is less: a shard never allows more than its own."),
    key("listeners[].limits.maxQueuedMessages", whole(1, U32), None, "As `limits.maxQueuedMessages`, its default."),
    key("listeners[].limits.maxQueuedBytes", whole(1024, U32), None, "As `limits.maxQueuedBytes`, its default."),
    key("listeners[].limits.maxInflight", whole(1, 65_535), None, "As `limits.maxInflight`, its default."),
    key("listeners[].limits.receiveMaximum", whole(1, 65_535), None, "As `limits.receiveMaximum`, its default."),
    key("listeners[].limits.maxTopicBytes", whole(16, 65_535), None, "As `limits.maxTopicBytes`, its default."),
    key("listeners[].limits.maxTopicLevels", whole(1, 128), None, "As `limits.maxTopicLevels`, its default."),
    key("listeners[].limits.maxSubscriptions", whole(1, U32), None, "As `limits.maxSubscriptions`, its default."),

    key("authentication", Kind::Section, None, "Who may come in."),
    key("authentication.anonymous", Kind::Choice(ANONYMOUS), Some("Loopback"), "From where clients may come without credentials."),
    file("authentication.passwordFile", "Users, in mosquitto's `$7$` format or with SCRAM verifiers; see `herdgate passwd`."),
    key("authentication.clientIdPattern", Kind::ClientIdPattern, Some("%u"), "Client ids of a user: equal to this, or this and one of `-_:/.` and more. `*`: any."),
    key("authentication.hashingThreads", whole(1, 64), Some("1"), "Threads that check passwords, at low priority."),

    key("authentication.http", Kind::Section, None, "A backend that judges logins with a password whose user is not in the password file, asked by HTTP; see `docs/authentication.md`."),
    key("authentication.http.url", Kind::HttpUrl, None, "Where each login is posted. Needed."),
    key("authentication.http.timeoutMilliseconds", Kind::Milliseconds { min: 10, max: 60_000 }, Some("2500"), "For one request, connecting included; by default half of `admission.patienceSeconds`' default, so that a client that was answered late still has the other half for its session."),
    key("authentication.http.concurrency", whole(1, 4096), Some("64"), "Requests at once from one edge; other logins wait, as they do for `hashingThreads`."),
    key("authentication.http.caFile", Kind::File, None, "PEM: the authorities of the backend's certificate, for `https` only. By default the system's, of which our images have none. A changed file counts within seconds."),
    key("authentication.http.tokenFile", Kind::File, None, "What the backend is shown with each login, as `Authorization: Bearer`: 16 to 1024 visible characters of ASCII. By default nothing. A changed file counts within seconds."),

    key("authentication.wrongPasswordWait", Kind::Section, None, "After a wrong password, the next one from the same address for the same user is not looked at for a while."),
    key("authentication.wrongPasswordWait.firstSeconds", seconds(0.0, 60.0), Some("1"), "After the first; each further one doubles it. 0: no waits."),
    key("authentication.wrongPasswordWait.longestSeconds", seconds(0.0, 240.0), Some("60"), "It grows no further; at least the first."),
    key("authentication.flapping", Kind::Section, None, "A client that is attached and gone again within seconds, again and again, waits before it is attached."),
    key("authentication.flapping.withinSeconds", seconds(0.0, 60.0), Some("3"), "An end that comes sooner counts, but for the client's own DISCONNECT. 0: none does."),
    key("authentication.flapping.freeEnds", whole(0, 1000), Some("5"), "Such ends in a row that cost nothing."),
    key("authentication.flapping.firstSeconds", seconds(0.0, 60.0), Some("0.5"), "The wait after the next; each further one doubles it. 0: no waits."),
    key("authentication.flapping.longestSeconds", seconds(0.0, 240.0), Some("30"), "It grows no further; at least the first."),

    key("admission", Kind::Section, None, "How the herd is let in."),
    key("admission.mode", Kind::Choice(MODES), Some("Staged"), "`Staged`: slice by slice. `Open`: no gate, no entering or settle limit. `Closed`: nobody but `alwaysAllow`. `Manual`: the level moves by hand. `DryRun`: counts whom `Staged` would hold, and holds nobody."),
    key("admission.slices", Kind::PowerOfTwo { max: 65_536 }, Some("256"), "Parts of the client address space."),
    key("admission.slicing", Kind::Section, None, "How an address finds its slice."),
    key("admission.slicing.type", Kind::Choice(SLICINGS), Some("PrefixHash"), "`CIDRList`: named ranges, one after another. `Ranges`: neighbouring addresses, equal numbers of clients in each slice. `ClientIdHash`: where addresses are not those of clients."),
    key("admission.slicing.prefixLengthV4", whole(1, 32), Some("24"), "IPv4 addresses with this prefix share a slice."),
    key("admission.slicing.prefixLengthV6", whole(1, 128), Some("56"), "IPv6 addresses with this prefix share a slice."),
    key("admission.slicing.ranges", Kind::Sections, None, "Needed for `CIDRList`, refused for the others: in the order in which they open. Other addresses come last."),
    key("admission.slicing.ranges[].name", Kind::Name, None, "Unique."),
    key("admission.slicing.ranges[].cidrs", Kind::List(&CIDR), None, "At least one network."),
    key("admission.alwaysAllow", Kind::List(&CIDR), Some("[]"), "Networks that the gate lets through, counted all the same."),
    key("admission.patienceSeconds", seconds(0.1, 600.0), Some("5"), "How long clients wait for a CONNACK before they start again."),
    key("admission.patienceLearning", Kind::Switch, Some("true"), "Whether the patience is learned from clients that give up; `patienceSeconds` is what to start with then."),
    key("admission.maxBlockedSeconds", whole(0, 86_400), Some("900"), "Within this all slices are open, counted while shards are well enough and nobody pauses; 0: no such end. Mode `Staged` only."),
    key("admission.enteringLimit", whole(0, U32), Some("0"), "Cap of one edge's entering limit; 0: no cap beyond the law."),
    key("admission.settleLimit", whole(1, U32), Some("1000"), "Clients of one shard that may be settling at once; fewer while its SUBACKs are late."),
    key("admission.handshakeLimit", whole(1, 1_000_000), Some("64"), "TLS handshakes at once in one edge process, in both modes."),
    key("admission.crowdedAddressClients", whole(1, U32), Some("32"), "An address with more clients in the census is sliced by client id: they pass the gate and wait after CONNECT."),
    key("admission.nodeNetworks", Kind::List(&CIDR), Some("[]"), "Networks of nodes and pods: when nearly all clients come from there, addresses are not trusted and clients are sliced by client id."),
    key("admission.censusSeconds", seconds(0.1, 3600.0), Some("60"), "How often edges count their clients for shards; the same for all processes."),
    key("admission.quietSeconds", seconds(0.1, 86_400.0), Some("600"), "All slices open and no other reopening for so long, and the count replaces the census."),
    key("admission.clientHoldBudget", whole(1, 10_000_000), Some("4000"), "Clients that may wait after CONNECT; each takes some 30 KB with TLS. Without room for one, nobody from a crowded address would come in. No more than fit in an eighth of the memory limit."),
    key("admission.holdBudget", whole(0, 10_000_000), Some("20000"), "Sockets that may wait before the gate. No more than fit in a quarter of the memory limit (8 KB each), nor than half of the open files that clients leave."),
    key("admission.lastClassPercent", whole(1, 100), Some("10"), "Percent of the places that clients share which come in again and again and never settle, while others wait."),
    key("admission.tuning", Kind::Section, None, "Constants of the law. They are what the simulator found to be best; change one when you know why, in edges and shards alike."),
    key("admission.tuning.firstEntering", whole(1, 100_000), Some("32"), "Clients. The entering limit of one edge before anything is known: small enough that even slow logins stay within the patience."),
    key("admission.tuning.leastEntering", whole(1, 100_000), Some("4"), "Clients. Fewer entering at one edge would leave the way in idle between two round trips of a far client."),
    key("admission.tuning.targetPercent", whole(1, 50), Some("20"), "Of the patience: the time to CONNACK that is aimed at, far enough from giving up for the slowest twentieth."),
    key("admission.tuning.usedPercent", whole(1, 100), Some("70"), "Of a limit: one that was used less does not grow, for it has no bearing on what was measured."),
    key("admission.tuning.adjustEverySeconds", seconds(0.25, 5.0), Some("0.5"), "How often the entering limit is thought over, in quarters of a second: a tenth of the usual patience; sooner, a change has not yet shown what it does. It is not halved more often than this either."),
    key("admission.tuning.halveEverySeconds", seconds(0.1, 60.0), Some("1"), "A limit is not halved again before the next window of health has shown what halving did."),
    key("admission.tuning.leastAttaches", whole(1, 100_000), Some("4"), "Clients in a window. A shard that is bad for another reason than clients that come back is asked to take some all the same."),
    key("admission.tuning.rememberShardSeconds", seconds(0.0, 3600.0), Some("60"), "How long a shard is remembered for an address whose client waited in vain for it."),
    key("admission.tuning.lastClassAfter", whole(1, 1000), Some("2"), "Ways in that came to nothing until a client is in the last class: one may be an expired certificate."),
    key("admission.tuning.lastClassSeconds", seconds(1.0, 86_400.0), Some("300"), "A client that has not come to nothing for so long is taken for any other."),
    key("admission.tuning.largestStepParts", whole(1, 65_536), Some("4"), "No step opens more than all slices divided by this, so that the order keeps its meaning."),
    key("admission.tuning.skipParts", whole(1, 65_536), Some("16"), "A skip by hand opens all slices divided by this where no named range ends sooner or later."),
    key("admission.tuning.knockSeconds", seconds(0.1, 3600.0), Some("30"), "A level that nobody knocks at moves after this: perhaps nobody is left to knock."),
    key("admission.tuning.stalledSeconds", seconds(1.0, 86_400.0), Some("120"), "A signal that is hard for longer is told as `Stalled`: somebody should look."),
    key("admission.tuning.samplePercent", whole(0, 100), Some("2"), "Of held sockets, so many are kept until they leave by themselves or their slice opens, so that their patience shows."),
    key("admission.tuning.sampleSeconds", seconds(0.1, 3600.0), Some("60"), "A sampled socket is kept no longer than this."),
    key("admission.tuning.leastGiveUpSeconds", seconds(0.0, 60.0), Some("0.3"), "A client that leaves sooner has not lost its patience: a port scan, a probe, a broken line."),
    key("admission.tuning.patiencePercentile", whole(1, 50), Some("10"), "Of give-ups, the percentile that the law goes by: nine of ten clients are more patient."),
    key("admission.tuning.enoughGiveUps", whole(1, 500), Some("50"), "A percentile of fewer is chance."),
    key("admission.tuning.leastPatienceSeconds", seconds(0.1, 600.0), Some("1"), "A fleet that gives up sooner cannot be served by holding it."),
    key("admission.tuning.mostPatienceSeconds", seconds(0.1, 600.0), Some("60"), "A longer one changes nothing that a person would notice."),
    key("admission.tuning.lateSubackSeconds", seconds(0.001, 60.0), Some("0.1"), "The settle limit falls below what is configured while the slowest twentieth of SUBACKs takes longer: clients send tens of SUBSCRIBEs, each after the SUBACK before it."),
    key("admission.tuning.leastSettling", whole(1, 100_000), Some("4"), "Clients. Fewer settling at one worker would leave it idle between two round trips."),
    key("admission.tuning.leastOverloadArrivals", whole(1, 1_000_000), Some("50"), "Clients a second. Fewer are no herd, however few usually come."),
    key("admission.tuning.overloadSeconds", seconds(0.1, 3600.0), Some("3"), "A storm must last for this: as long as it takes to know that shards are not well, and one window more."),
    key("admission.tuning.quietBeforeOverloadSeconds", seconds(0.0, 86_400.0), Some("60"), "After all slices are open no storm counts for this long: it is the end of the reopening."),
    key("admission.tuning.health", Kind::Section, None, "When a process is not well: lines for the slowest twentieth and for what waits longest, window by window of a second. `bad` holds the level and halves what enters; `hard` lets nobody in."),
    key("admission.tuning.health.badWindows", whole(1, 60), Some("2"), "Windows in a row over a line until it counts: one may be an accident."),
    key("admission.tuning.health.goodWindows", whole(1, 60), Some("3"), "Windows in a row within it until it does not count any more: who feels better for a moment is not well yet."),
    key("admission.tuning.health.badQueueWaitSeconds", seconds(0.001, 60.0), Some("0.02"), "Settled clients' packets wait no longer for their worker than a person notices. No more than `hardQueueWaitSeconds`."),
    key("admission.tuning.health.hardQueueWaitSeconds", seconds(0.001, 60.0), Some("0.2"), "The same, hard."),
    key("admission.tuning.health.badRuntimeLagSeconds", seconds(0.001, 60.0), Some("0.1"), "How late a worker's turn may be: it serves many packets in one. No more than `hardRuntimeLagSeconds`."),
    key("admission.tuning.health.hardRuntimeLagSeconds", seconds(0.001, 60.0), Some("1"), "The same, hard."),
    key("admission.tuning.health.badSubackSeconds", seconds(0.001, 60.0), Some("0.1"), "From SUBSCRIBE to SUBACK: clients wait for each before they send the next. No more than `hardSubackSeconds`."),
    key("admission.tuning.health.hardSubackSeconds", seconds(0.001, 60.0), Some("1"), "The same, hard."),
    key("admission.tuning.health.throttledPercent", whole(0, 100), Some("10"), "Of the periods of a CPU limit: used up in more than so many, the limit is named as what limits."),
    key("admission.tuning.health.starvedPercent", whole(1, 100), Some("95"), "Bad: of the CPU time that threads are ready to use, a CPU limit refuses more than this."),
    key("admission.tuning.health.badMemoryPercent", whole(1, 100), Some("85"), "Of the memory limit: what comes above is sessions and queues, which do not go away by themselves. No more than `hardMemoryPercent`."),
    key("admission.tuning.health.hardMemoryPercent", whole(1, 100), Some("95"), "The same, hard: at the limit the kernel kills, which costs every client its connection."),
    key("admission.tuning.settle", Kind::Section, None, "When a client is done coming back: it has sent no SUBSCRIBE for the quiet time, and has got what was queued for it."),
    key("admission.tuning.settle.withinSeconds", seconds(0.1, 3600.0), Some("20"), "A client is settling no longer than this, whatever it does."),
    key("admission.tuning.settle.leastQuietSeconds", seconds(0.001, 600.0), Some("0.25"), "The quiet time is at least this: shorter pauses are the network's. No more than `mostQuietSeconds`."),
    key("admission.tuning.settle.mostQuietSeconds", seconds(0.001, 600.0), Some("2"), "And at most this: a settled client must not hold its place long. No more than `withinSeconds`."),
    key("admission.tuning.settle.quietGaps", whole(1, 1000), Some("4"), "The quiet time in usual gaps between two SUBSCRIBEs of a client."),
    key("admission.tuning.backend", Kind::Section, None, "When the backend that `authentication.http` asks is not well, by the windows of `admission.tuning.health`."),
    key("admission.tuning.backend.slowSeconds", seconds(0.001, 60.0), Some("0.5"), "Bad: the slowest twentieth of its answers takes longer. Half of the time to CONNACK that is aimed at by default: the way in needs the other half."),
    key("admission.tuning.backend.mostErrorsPercent", whole(1, 99), Some("10"), "Hard: it says nothing of more logins than this, and whoever is let in does its handshake in vain too often."),
    key("admission.tuning.hold", Kind::Section, None, "How long a socket is held that nobody can let in: until some time between a part of the patience and all of it."),
    key("admission.tuning.hold.leastPercent", whole(1, 80), Some("20"), "Of the patience, and the shortest hold: a reset sooner only makes the client come sooner. What is left of the patience is at random, which takes a fleet out of step."),
    key("admission.tuning.hold.margin", whole(1, 100), Some("2"), "Usual times to CONNACK that a client must have patience left for when it is let in: half of all take longer than usual."),
    key("admission.tuning.hearing", Kind::Section, None, "How long processes of a cluster, which report four times a second, count on each other without a word."),
    key("admission.tuning.hearing.silentSeconds", seconds(1.0, 15.0), Some("2"), "Longer silent, and nobody counts on a shard or an edge any more. Edges hear of each other by way of shards, half a second late. No more than `forgetEdgeSeconds`."),
    key("admission.tuning.hearing.forgetEdgeSeconds", seconds(1.0, 600.0), Some("5"), "An edge that a shard has not heard for so long is not told of to the others any more."),
    key("admission.tuning.hearing.startPhaseSeconds", seconds(3.0, 600.0), Some("10"), "Most edges are back at a shard that restarted within this, and none tries less often than every two seconds; a reopening that one of them brings along until then is from before."),
    key("admission.tuning.hearing.countsWithin", whole(2, 1000), Some("3"), "So many times `admission.censusSeconds` without a count, and a shard takes an edge's clients to be elsewhere. One count may always be late."),
    key("admission.tuning.trust", Kind::Section, None, "When clients' addresses are not taken for their own, by a census in quiet times."),
    key("admission.tuning.trust.enoughClients", whole(1, 10_000_000), Some("256"), "Fewer clients tell nothing: a laboratory behind one router is no fleet."),
    key("admission.tuning.trust.fewPeers", whole(1, 4096), Some("64"), "Addresses that a balancer connects from, at most; more distinct peers are clients or carriers."),
    key("admission.tuning.trust.distrustPercent", whole(1, 100), Some("95"), "Of the clients: when so many come from a few peers or from `admission.nodeNetworks`, addresses are not trusted,"),
    key("admission.tuning.trust.trustAgainPercent", whole(1, 100), Some("80"), "and they are again when less do. No more than `distrustPercent`."),

    key("edge", Kind::Section, None, "The edge tier; standalone has one too."),
    key("edge.workers", whole(0, 1024), Some("0"), "Threads; 0: one per core."),
    key("edge.id", Kind::Text, None, "Unique in the cluster; the host name by default."),
    key("edge.shards", Kind::List(&HOST_PORT), None, "Link addresses of the shards, in their order. The edge needs them."),
    key("edge.linkTokenFile", Kind::File, None, "The link's shared secret. The edge needs it."),
    key("edge.drain", Kind::Section, None, "How an edge that must go lets its clients go."),
    key("edge.drain.delaySeconds", seconds(0.0, 3600.0), Some("5"), "Between readiness off and the first close."),
    key("edge.drain.clientsPerSecond", whole(1, 1_000_000), Some("500"), "Pace of the closes."),

    key("shard", Kind::Section, None, "A shard; standalone has one too."),
    key("shard.workers", whole(0, 1024), Some("0"), "Threads; 0: one per core."),
    key("shard.ordinal", whole(0, 1023), Some("0"), "Which shard this is, from 0; `--ordinal-from-hostname` takes it from the host name."),
    key("shard.count", whole(1, 1024), Some("1"), "Shards there are. More than one needs `routing.isolatedShards`."),
    key("shard.linkAddress", Kind::Address, None, "Where edges connect. The shard needs it."),
    key("shard.linkTokenFile", Kind::File, None, "The link's shared secret. The shard needs it."),
    key("shard.dataDirectory", Kind::File, None, "Where the shard keeps census, slice table and reopening number over a restart; without it nothing is kept."),
    key("shard.sysIntervalSeconds", seconds(0.0, 86_400.0), Some("10"), "How often `$SYS/broker/...` is written, where it changed. 0: never."),
    key("shard.drain", Kind::Section, None, "How a shard that must go lets its clients go."),
    key("shard.drain.delaySeconds", seconds(0.0, 3600.0), Some("0"), "Between readiness off and the first close."),
    key("shard.drain.clientsPerSecond", whole(1, 1_000_000), Some("500"), "Pace of the closes."),

    key("routing", Kind::Section, None, "Where topics live."),
    key("routing.topicKeyLevel", whole(0, 65_535), None, "The topic level, from 0, that decides a topic's owner; by default the whole topic."),
    key("routing.isolatedShards", Kind::Switch, Some("false"), "Several shards that pass each other nothing: clients hear only those of their own shard."),

    key("limits", Kind::Section, None, "What one client may cost, and a shard keep. A listener may allow its clients less."),
    key("limits.maxQueuedMessages", whole(1, U32), Some("1000"), "Messages waiting for one client."),
    key("limits.maxQueuedBytes", whole(1024, U32), Some("1048576"), "Bytes waiting for one client."),
    key("limits.maxInflight", whole(1, 65_535), Some("20"), "QoS 1 and 2 messages on their way to a client that names no limit."),
    key("limits.receiveMaximum", whole(1, 65_535), Some("256"), "QoS 1 and 2 messages that a client may have sent without an acknowledgement; MQTT 5 clients are told."),
    key("limits.maxTopicBytes", whole(16, 65_535), Some("65535"), "The longest topic or filter, in UTF-8."),
    key("limits.maxTopicLevels", whole(1, 128), Some("128"), "The most levels of a topic or filter: a walk over a topic goes no deeper."),
    key("limits.maxSubscriptions", whole(1, U32), Some("10000"), "Subscriptions of one client."),
    key("limits.maxSessionExpirySeconds", whole(0, U32), Some("604800"), "How long a session is kept without its client, at most; 3.1.1 clients without clean session get this. 0: none is kept."),
    key("limits.maxKeptSessions", whole(0, U32), Some("100000"), "Sessions of one shard that outlive their connection. Beyond it a client is told that its session is not kept."),
    key("limits.maxTotalQueuedBytes", whole(1024, U32), Some("268435456"), "Bytes waiting for all clients of one shard."),
    key("limits.maxRetainedMessages", whole(0, U32), Some("100000"), "Retained messages of one shard."),
    key("limits.maxRetainedBytes", whole(0, U32), Some("268435456"), "Bytes of one shard's retained messages, with 256 for each message."),

    key("admin", Kind::Section, None, "The port for probes, metrics and status."),
    key("admin.address", Kind::Address, Some("127.0.0.1:9883"), "Plain HTTP: loopback or the pod network, never for clients."),
    file("admin.tokenFile", "A token of 16 to 1024 bytes that `POST /admission` asks for; read again when it changes. Missing: nobody may change anything there."),

    key("log", Kind::Section, None, "Logs, on standard error."),
    key("log.level", Kind::Choice(LEVELS), Some("info"), "The least that is logged."),
    key("log.format", Kind::Choice(FORMATS), Some("text"), "`json`: one object a line."),
];

/// The key at `path`, with `[]` for list members.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names directly under `path` ("" for the top).
pub(super) fn children(path: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(move |key| {
        let name = if path.is_empty() {
            key.path
        } else {
            key.path.strip_prefix(path)?.strip_prefix('.')?
        };
        (!name.contains(['.', '['])).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_parent_before_it() {
        for (at, key) in KEYS.iter().enumerate() {
            let Some((parent, _)) = key.path.rsplit_once('.') else {
                continue;
            };
            let kind = if parent.ends_with("[]") {
                Kind::Sections
            } else {
                Kind::Section
            };
            let parent = parent.trim_end_matches("[]");
            assert!(
                KEYS[..at]
                    .iter()
                    .any(|key| key.path == parent && key.kind == kind),
                "{}",
                key.path
            );
        }
    }

    #[test]
    fn children_are_direct() {
        assert_eq!(
            children("edge.drain").collect::<Vec<_>>(),
            ["delaySeconds", "clientsPerSecond"]
        );
        assert!(children("").any(|name| name == "listeners"));
        assert!(children("listeners[]").any(|name| name == "tls"));
        assert!(!children("listeners[]").any(|name| name == "certificateFile"));
        assert_eq!(children("cluster").count(), 0);
    }
}
