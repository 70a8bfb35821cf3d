use std::path::{Path, PathBuf};

use super::TARGETS;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The fuzzer begins with these; a target that panics on one would find nothing else.
#[test]
fn every_seed_passes_its_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for target in TARGETS {
        let files = files(&seeds.join(target.name));
        assert!(!files.is_empty(), "{} has no seeds", target.name);
        for file in files {
            println!("{}", file.display());
            (target.run)(&std::fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_folder_of_seeds_is_a_targets() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let names = TARGETS.map(|target| target.name);
    for folder in files(&seeds) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(names.contains(&name), "{name} is no target");
    }
}
