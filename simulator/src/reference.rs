//! The reference page, written from the keys.

use std::fmt::Write as _;

use herdgate_admission::simulator::Scenario;

use crate::keys::{Into, KEYS};
use crate::scenario::TYPES;

pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Scenarios of the simulator\n\nMade from the program's own table of keys. Unknown keys are refused, and all problems are told at once.\nWhat a scenario does not say is the founding herd's. Examples: `simulator/scenarios/`.\n\n| key | default | meaning |\n|---|---|---|\n| `name` | founding | What it is called. |\n| `seed` | 1 | Two runs of the same seed are the same. |\n| `law` | Staged | `Staged` (this library's), `Open` (whoever knocks comes in), `{type: Constant, limit: 64}` (so many may be coming back at a time), `{type: Aimd, queueSeconds: 0.02}` (as many as keep the 95th percentile of the waits for a core under this). |\n| `slicing` | PrefixHash | How slices are cut under `Staged`: `PrefixHash`, `Ranges`, `CIDRList` (four quarters of the address space, the last without a name) or `ClientIdHash`. |\n",
    );
    for key in KEYS {
        // writing to a String cannot fail
        _ = writeln!(
            page,
            "| `{}` | {} | {} |",
            key.path,
            default(key.into, key.path),
            key.meaning
        );
    }
    page += "\n## Faults\n\n`faults` is a list. Each has a `type`, `lastingSeconds`, after which it is well again, and one of `atSeconds`, `atLevelPercent`\n(of the slices open; under another law: of the clients back) and `afterSeconds` (since the fault before it in the list has begun).\n\n| `type` | other keys | what happens |\n|---|---|---|\n";
    for (name, keys, meaning) in TYPES {
        let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        _ = writeln!(page, "| `{name}` | {} | {meaning} |", keys.join(", "));
    }
    page
}

fn default(into: Into, path: &str) -> String {
    if matches!(
        path,
        "capacity.enteringCap" | "capacity.firstPatienceSeconds"
    ) || path.starts_with("capacity.backend.")
    {
        return "absent".to_owned();
    }
    let mut founding = Scenario::founding();
    match into {
        Into::Long(at) => at(&mut founding).to_string(),
        Into::Short(at) => at(&mut founding).to_string(),
        Into::Byte(at) => at(&mut founding).to_string(),
        Into::Flag(at) => at(&mut founding).to_string(),
        Into::Seconds(at) => at(&mut founding).as_secs_f64().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_reference_page_is_fresh() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/simulator.md");
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            found,
            page(),
            "docs/reference/simulator.md is stale: run the tests once with UPDATE_GENERATED=1"
        );
    }
}
