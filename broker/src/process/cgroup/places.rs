//! Where the control groups of this process lie, by what `/proc/self` says (proc(5), cgroups(7)).

use std::path::{Component, Path, PathBuf};

/// Deeper than any orchestrator nests; what lies above is not looked at.
const MOST_LEVELS: usize = 16;

/// Which of the two interfaces a folder speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// The folders that bind this process in what one controller counts, the innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) folders: Vec<PathBuf>,
}

/// `controller`: such as `cpu`. `groups` and `mounts`: the text of `/proc/self/cgroup` and `/proc/self/mountinfo`.
/// `None`: it is mounted nowhere.
pub(super) fn find(controller: &str, groups: &str, mounts: &str) -> Option<Place> {
    let of = |version| {
        let group = group(version, controller, groups)?;
        let mount = mounts.lines().filter_map(Mount::parse);
        let mount = { mount }.find(|mount| mount.carries(version, controller))?;
        Some(Place {
            version,
            folders: mount.folders(group),
        })
    };
    // where both are mounted, a controller is in one of them alone, and version 1 names those that it has
    of(Version::V1).or_else(|| of(Version::V2))
}

/// The path of the process's group, as the kernel names it.
fn group<'a>(version: Version, controller: &str, groups: &'a str) -> Option<&'a Path> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is_it = match version {
            Version::V1 => controllers.split(',').any(|name| name == controller),
            Version::V2 => number == "0" && controllers.is_empty(),
        };
        is_it.then(|| Path::new(path))
    })
}

/// One line of `mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    /// What of the hierarchy is mounted: in a container its own group alone.
    root: PathBuf,
    at: PathBuf,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // a hyphen ends the fields that some kernels write and others do not
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let mut after = after.split(' ');
        Some(Self {
            root: plain(before.next()?),
            at: plain(before.next()?),
            kind: after.next()?,
            options: after.nth(1)?,
        })
    }

    fn carries(&self, version: Version, controller: &str) -> bool {
        match version {
            Version::V1 => {
                self.kind == "cgroup" && self.options.split(',').any(|name| name == controller)
            }
            Version::V2 => self.kind == "cgroup2",
        }
    }

    /// From the group up to what is mounted. Of a group that lies elsewhere, as inside a container whose `/proc` tells
    /// of the whole machine, what is mounted is all that is to be seen.
    fn folders(&self, group: &Path) -> Vec<PathBuf> {
        let inside = group.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let climbs = inside.components().any(|part| part == Component::ParentDir);
        let inside = if climbs { Path::new("") } else { inside };
        let folders = inside.ancestors().map(|part| self.at.join(part));
        folders.take(MOST_LEVELS).collect()
    }
}

/// The kernel writes blanks and backslashes of a path as octal numbers.
fn plain(field: &str) -> PathBuf {
    let escapes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let plain = escapes.iter().fold(field.to_owned(), |text, (code, sign)| {
        text.replace(code, sign)
    });
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
                      35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const GROUPS: &str = "4:memory:/pods/a\n2:cpu,cpuacct:/pods/a\n0::/init.scope\n";

    fn folders(place: Option<Place>) -> Vec<String> {
        let folders = place.map(|place| place.folders).unwrap_or_default();
        let text = folders.iter().map(|folder| folder.display().to_string());
        text.map(|folder| folder.trim_end_matches('/').to_owned())
            .collect()
    }

    #[test]
    fn version_1_goes_before_where_both_are_mounted() {
        let cpu = find("cpu", GROUPS, V1);
        assert_eq!(cpu.as_ref().unwrap().version, Version::V1);
        let root = "/sys/fs/cgroup/cpu,cpuacct";
        assert_eq!(
            folders(cpu),
            [
                format!("{root}/pods/a"),
                format!("{root}/pods"),
                root.to_owned()
            ]
        );
        let elsewhere = find("io", GROUPS, V1).unwrap();
        assert_eq!(elsewhere.version, Version::V2);
        assert_eq!(find("cpu", GROUPS, ""), None);
        assert_eq!(find("cpu", "", V1), None);
    }

    #[test]
    fn a_containers_group_is_what_is_mounted() {
        let mount = "35 31 0:32 /pods/a /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let named_from_outside = find("memory", "4:memory:/pods/a\n", mount);
        assert_eq!(folders(named_from_outside), ["/sys/fs/cgroup/memory"]);
        let mount = "31 23 0:28 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        for group in ["0::/\n", "0::/../../other\n"] {
            assert_eq!(folders(find("memory", group, mount)), ["/sys/fs/cgroup"]);
        }
        let other_root =
            "35 31 0:32 /docker/b /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let elsewhere = find("memory", "4:memory:/pods/a\n", other_root);
        assert_eq!(folders(elsewhere), ["/sys/fs/cgroup/memory"]);
    }

    #[test]
    fn blanks_in_paths_are_blanks() {
        let mount = Mount::parse(r"31 23 0:28 / /my\040cgroups rw - cgroup2 none rw").unwrap();
        assert_eq!(mount.at, Path::new("/my cgroups"));
        assert_eq!(Mount::parse("31 23 0:28 / /short rw - cgroup2"), None);
        assert_eq!(Mount::parse("no mount at all"), None);
    }

    #[test]
    fn a_nest_without_end_is_looked_at_so_far() {
        let groups = format!("0::{}\n", "/deep".repeat(1_000));
        let mount = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let place = find("cpu", &groups, mount).unwrap();
        assert_eq!(place.folders.len(), MOST_LEVELS);
    }
}
