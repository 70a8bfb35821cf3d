//! Writes the definitions into the folder given, or into `crds/generated`.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/generated")), PathBuf::from);
    for (name, crd) in herdgate_crds::crds()? {
        std::fs::write(folder.join(name), herdgate_crds::render(&crd)?)?;
    }
    Ok(())
}
