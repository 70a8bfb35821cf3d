//! From the tree to the types, one section after another; what one key alone cannot tell is checked here.

use std::num::{NonZeroU32, NonZeroUsize};

use herdgate_admission::keeper::KeeperSettings;
use serde::Deserialize;

use super::http_url::HttpUrl;
use super::limits::limits;
use super::listeners::listeners;
use super::reader::Reader;
use super::slicing::slicing;
use super::sources::Host;
use super::tuning::tuning;
use super::types::{
    Admission, Authentication, ClientAuth, Common, Drain, EdgeLinks, EdgeSettings, Flapping,
    GrowingWait, HttpBackend, Log, Role, Routing, ShardLink, ShardSettings,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    Mqtt,
    Mqtts,
    Ws,
    Wss,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum ClientAuthKind {
    None,
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum ProxyProtocolMode {
    Disabled,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum SlicingType {
    PrefixHash,
    #[serde(rename = "CIDRList")]
    CidrList,
    Ranges,
    ClientIdHash,
}

pub(super) fn common(top: &Reader<'_>) -> Option<Common> {
    let cluster = top.one("cluster");
    let admin_section = top.sub("admin");
    let admin = admin_section.one("address");
    let admin_token_file = admin_section.optional("tokenFile");
    let log = log(&top.sub("log"));
    Some(Common {
        cluster: cluster?,
        admin: admin?,
        admin_token_file,
        log: log?,
    })
}

fn log(section: &Reader<'_>) -> Option<Log> {
    let (level, format) = (section.one("level"), section.one("format"));
    Some(Log {
        level: level?,
        format: format?,
    })
}

pub(super) fn edge(top: &Reader<'_>, host: &Host, role: Role) -> Option<EdgeSettings> {
    let section = top.sub("edge");
    let id = if section.has("id") {
        section.one("id")
    } else {
        Some(host.name.clone())
    };
    let workers = workers(&section, host);
    let listeners = listeners(top, role);
    let authentication = authentication(&top.sub("authentication"));
    if let (Some(listeners), Some(authentication)) = (&listeners, &authentication) {
        let by_certificate = listeners.iter().any(|listener| {
            listener
                .tls
                .as_ref()
                .is_some_and(|tls| tls.client_auth != ClientAuth::None)
        });
        if role != Role::Shard && !by_certificate && authentication.admits_nobody() {
            top.note("authentication", "lets nobody in: anonymous is Never, there is no passwordFile and no http, and no listener asks for certificates");
        }
    }
    let admission = admission(&top.sub("admission"));
    let drain = drain(&section.sub("drain"));
    Some(EdgeSettings {
        id: id?,
        workers: workers?,
        listeners: listeners?,
        authentication: authentication?,
        admission: admission?,
        drain: drain?,
    })
}

pub(super) fn edge_links(top: &Reader<'_>, needed: bool) -> Option<EdgeLinks> {
    let section = top.sub("edge");
    let shards: Option<Vec<String>> = section.list("shards");
    let token_file = if needed {
        section.one("linkTokenFile")
    } else {
        section.optional("linkTokenFile")
    };
    let shards = shards?;
    if needed && shards.is_empty() {
        section.note(
            "shards",
            "is missing; the edge needs the link address of its shard",
        );
    }
    if shards.len() > 1 && !isolated(top) {
        section.note(
            "shards",
            format!("has {} shards; {MANY_SHARDS}", shards.len()),
        );
    }
    for (at, shard) in shards.iter().enumerate() {
        if shards.iter().take(at).any(|before| before == shard) {
            section.note(
                &format!("shards[{at}]"),
                format!("{shard} is in the list already"),
            );
        }
    }
    Some(EdgeLinks {
        shards,
        token_file: token_file?,
    })
}

/// What more than one shard is told.
const MANY_SHARDS: &str = "more than one cannot pass messages to each other yet; allowed: one, \
     or several with routing.isolatedShards: true, whose clients hear only those of their own shard";

fn isolated(top: &Reader<'_>) -> bool {
    // a wrong value is noted where routing is read, and is then no reason to complain here as well
    let routing = top.sub("routing");
    routing.has("isolatedShards") && routing.one("isolatedShards") != Some(false)
}

pub(super) fn shard(top: &Reader<'_>, host: &Host) -> Option<ShardSettings> {
    let section = top.sub("shard");
    let workers = workers(&section, host);
    let (ordinal, count) = (section.one("ordinal"), section.one::<u32>("count"));
    let drain = drain(&section.sub("drain"));
    let system_interval = section.one("sysIntervalSeconds");
    let admission = top.sub("admission");
    let (settle_limit, patience, mode) = (
        admission.one("settleLimit"),
        admission.one("patienceSeconds"),
        admission.one("mode"),
    );
    let (count_every, quiet) = (
        admission.one("censusSeconds"),
        admission.one("quietSeconds"),
    );
    let tuning = tuning(&admission);
    let data_directory = section.optional("dataDirectory");
    let routing = routing(&top.sub("routing"));
    let limits = limits(&top.sub("limits"));
    let (ordinal, count): (u32, u32) = (ordinal?, count?);
    if count > 1 && !isolated(top) {
        section.note("count", format!("{count} shards; {MANY_SHARDS}"));
    }
    if ordinal >= count {
        section.note(
            "ordinal",
            format!("{ordinal} is not allowed; allowed: less than shard.count, which is {count}"),
        );
    }
    Some(ShardSettings {
        ordinal,
        count,
        workers: workers?,
        data_directory,
        keeper: KeeperSettings {
            count_every: count_every?,
            quiet: quiet?,
            trust: tuning.as_ref()?.trust,
            hearing: tuning.as_ref()?.hearing,
        },
        settle_limit: settle_limit?,
        tuning: tuning?,
        patience: patience?,
        mode: mode?,
        drain: drain?,
        routing: routing?,
        limits: limits?,
        system_interval: system_interval?,
    })
}

pub(super) fn shard_link(top: &Reader<'_>, needed: bool) -> Option<ShardLink> {
    let section = top.sub("shard");
    let (address, token_file) = if needed {
        (section.one("linkAddress"), section.one("linkTokenFile"))
    } else {
        (
            section.optional("linkAddress"),
            section.optional("linkTokenFile"),
        )
    };
    Some(ShardLink {
        address: address?,
        token_file: token_file?,
    })
}

fn workers(section: &Reader<'_>, host: &Host) -> Option<NonZeroUsize> {
    let workers: usize = section.one("workers")?;
    Some(NonZeroUsize::new(workers).unwrap_or(host.cores))
}

fn drain(section: &Reader<'_>) -> Option<Drain> {
    let (delay, clients_per_second) =
        (section.one("delaySeconds"), section.one("clientsPerSecond"));
    Some(Drain {
        delay: delay?,
        clients_per_second: clients_per_second?,
    })
}

fn authentication(section: &Reader<'_>) -> Option<Authentication> {
    let anonymous = section.one("anonymous");
    let password_file = section.optional("passwordFile");
    let client_id_pattern = section.one("clientIdPattern");
    let hashing_threads = section.one("hashingThreads");
    let http = if section.has("http") {
        http(&section.sub("http")).map(Some)
    } else {
        Some(None)
    };
    let wrong_password_wait = growing_wait(&section.sub("wrongPasswordWait"));
    let flapping = flapping(&section.sub("flapping"));
    Some(Authentication {
        anonymous: anonymous?,
        password_file,
        http: http?,
        client_id_pattern: client_id_pattern?,
        hashing_threads: hashing_threads?,
        wrong_password_wait: wrong_password_wait?,
        flapping: flapping?,
    })
}

fn http(section: &Reader<'_>) -> Option<HttpBackend> {
    let url: Option<HttpUrl> = section.one("url");
    let (timeout, concurrency) = (
        section.one("timeoutMilliseconds"),
        section.one("concurrency"),
    );
    let ca_file = section.optional("caFile");
    let token_file = section.optional("tokenFile");
    let url = url?;
    if ca_file.is_some() && !url.is_tls() {
        section.note("caFile", "is for https alone, and url has http");
    }
    Some(HttpBackend {
        url,
        timeout: timeout?,
        concurrency: concurrency?,
        ca_file,
        token_file,
    })
}

fn flapping(section: &Reader<'_>) -> Option<Flapping> {
    let (within, free_ends) = (section.one("withinSeconds"), section.one("freeEnds"));
    let wait = growing_wait(section);
    Some(Flapping {
        within: within?,
        free_ends: free_ends?,
        wait: wait?,
    })
}

fn growing_wait(section: &Reader<'_>) -> Option<GrowingWait> {
    let (first, longest) = (section.one("firstSeconds"), section.one("longestSeconds"));
    let wait = GrowingWait {
        first: first?,
        longest: longest?,
    };
    if wait.longest < wait.first {
        section.note(
            "longestSeconds",
            format!(
                "{} is not allowed; allowed: at least firstSeconds, which is {}",
                wait.longest.as_secs_f64(),
                wait.first.as_secs_f64()
            ),
        );
    }
    Some(wait)
}

fn admission(section: &Reader<'_>) -> Option<Admission> {
    let mode = section.one("mode");
    let slices = section.one("slices");
    let slicing = slicing(&section.sub("slicing"), slices);
    let always_allow = section.list("alwaysAllow");
    let patience = section.one("patienceSeconds");
    let entering_limit = section.one::<u32>("enteringLimit");
    let handshake_limit = section.one("handshakeLimit");
    let patience_learning = section.one("patienceLearning");
    let tuning = tuning(section);
    let hold_budget = section.one("holdBudget");
    let client_hold_budget = section.one("clientHoldBudget");
    let node_networks = section.list("nodeNetworks");
    let count_every = section.one("censusSeconds");
    let crowded_address_clients = section.one("crowdedAddressClients");
    Some(Admission {
        mode: mode?,
        slices: slices?,
        slicing: slicing?,
        always_allow: always_allow?,
        patience: patience?,
        entering_limit: NonZeroU32::new(entering_limit?),
        handshake_limit: handshake_limit?,
        patience_learning: patience_learning?,
        tuning: tuning?,
        hold_budget: hold_budget?,
        client_hold_budget: client_hold_budget?,
        crowded_address_clients: crowded_address_clients?,
        node_networks: node_networks?,
        count_every: count_every?,
    })
}

fn routing(section: &Reader<'_>) -> Option<Routing> {
    let topic_key_level = section.optional("topicKeyLevel");
    let isolated_shards = section.one("isolatedShards");
    Some(Routing {
        topic_key_level,
        isolated_shards: isolated_shards?,
    })
}
