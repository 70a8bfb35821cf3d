//! Census and explanations.

use std::fmt::Write as _;

use herdgate_admission::progress::{AddressTrust, CensusPage, ClientState, Explanation};

use super::{bars, table};

pub(crate) fn census(page: &CensusPage) -> String {
    if page.clients == 0 {
        return "no census yet: it is taken once everybody has been in for a while\n".to_owned();
    }
    // an edge knows what its slices are cut by, and not since when
    let taken = page.taken_at.as_ref();
    let taken = taken.map_or_else(String::new, |taken| format!(" at {taken}"));
    let frozen = if page.is_frozen {
        ", frozen while the reopening lasts"
    } else {
        ""
    };
    let mut text = format!("{} clients{taken}{frozen}\n", page.clients);
    text.push_str(trust(page));
    for range in &page.ranges {
        let last = (range.first_slice + range.slices).saturating_sub(1);
        let _ = writeln!(
            text,
            "{:>8}  range {}, slices {} to {last}",
            range.clients, range.name, range.first_slice
        );
    }
    for bucket in &page.buckets {
        let bar = bars::bar(bucket.clients, page.clients);
        let _ = writeln!(
            text,
            "{:>8}  {}  {}",
            bucket.clients,
            bucket.prefix,
            bar.trim_end_matches('·')
        );
    }
    for crowded in &page.crowded {
        let _ = writeln!(
            text,
            "{:>8}  behind the one address {}",
            crowded.clients, crowded.address
        );
    }
    text
}

/// What is not as people expect.
fn trust(page: &CensusPage) -> &'static str {
    match page.addresses.trust {
        AddressTrust::Unknown | AddressTrust::Trusted => "",
        AddressTrust::FewPeers => {
            "nearly all come from a few addresses, which are not their own: slices go by client id\n"
        }
        AddressTrust::Inside => {
            "nearly all come from addresses of nodes or pods: slices go by client id\n"
        }
    }
}

/// What each process says; those that have not seen it are left out where another has.
pub(crate) fn explain(told: &[(String, Explanation)]) -> String {
    let seen = |explanation: &Explanation| explanation.state != ClientState::NotSeen;
    let any = told.iter().any(|(_, explanation)| seen(explanation));
    let mut shown = told.iter().filter(|(_, one)| !any || seen(one));
    if any {
        shown.map(|(process, one)| describe(process, one)).collect()
    } else {
        // nobody has seen it, and all say so in the same words
        shown
            .next()
            .map_or_else(String::new, |(_, one)| describe("", one))
    }
}

fn describe(process: &str, explanation: &Explanation) -> String {
    let state = match explanation.state {
        ClientState::Connected => "connected",
        ClientState::Settling => "settling",
        ClientState::Entering => "entering",
        ClientState::Waiting => "waiting at the door",
        ClientState::Held => "held: its slice is closed",
        ClientState::NotSeen => "not seen",
    };
    let slice = explanation.slice.map(|slice| {
        let open = if explanation.is_open {
            "open"
        } else {
            "closed"
        };
        let range = explanation.range.as_ref();
        let range = range.map_or_else(String::new, |range| format!(" of {range}"));
        format!("{slice}{range}, {open} (level {})", explanation.level)
    });
    let title = match process {
        "" => explanation.subject.clone(),
        process => format!("{} at {process}", explanation.subject),
    };
    let rows = [
        ("state", Some(state.to_owned())),
        ("since", explanation.since.clone()),
        ("address", explanation.address.clone()),
        ("slice", slice),
        ("reason", Some(explanation.reason.clone())),
    ];
    format!("{title}\n{}", table(&rows))
}
