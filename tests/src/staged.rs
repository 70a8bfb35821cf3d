//! Clusters in mode `Staged` in whose slices the swarm's addresses are well spread.

use std::time::Duration;

use serde_json::json;

use crate::cluster::stand_in_wanted;
use crate::setup::Setup;
use crate::skip;
use crate::swarm::password_file;

pub const SLICES: u64 = 256;
/// A ramp takes seconds; a busy machine may need many times as long.
pub const RAMP_WITHIN: Duration = Duration::from_mins(2);
/// Of `admin.tokenFile`, in the setup's file `admin-token`.
const TOKEN: &str = "a token that people are given";

/// Logins cost `rounds` rounds of PBKDF2-SHA512.
pub fn staged(rounds: u32) -> Option<Setup> {
    if stand_in_wanted() {
        skip::skip("mosquitto has no admission");
        return None;
    }
    let setup = Setup::new();
    let passwords = password_file(&setup, rounds)?.display().to_string();
    let admission = json!({
        "mode": "Staged", "slices": SLICES, "slicing": {"type": "PrefixHash", "prefixLengthV4": 32},
    });
    Some(
        setup
            .set("/admission", admission)
            .set("/authentication/passwordFile", passwords),
    )
}

/// The same, for people with `kubectl-herdgate` and the token.
pub fn steered(rounds: u32) -> Option<Setup> {
    let setup = staged(rounds)?;
    let token = setup.write("admin-token", TOKEN).display().to_string();
    let setup = setup.set("/admin/tokenFile", token);
    skip::binary("kubectl-herdgate").map(|_| setup)
}
