//! The files of a demo: certificates, users, the broker's configuration, the fleet's scenario.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};

use super::{Mode, Options, password};

/// The name in every gateway's firmware.
const HOSTNAME: &str = "mqtt.demo.herdgate.test";
pub(super) const LISTENER: &str = "mqtts";
/// Ranges in the order in which they are let in; each a quarter of 127.1.0.0/16.
const RANGES: [(&str, &str); 4] = [
    ("north", "127.1.0.0/18"),
    ("east", "127.1.64.0/18"),
    ("south", "127.1.128.0/18"),
    ("west", "127.1.192.0/18"),
];

/// A folder with everything that both modes share.
#[derive(Debug)]
pub(super) struct Site {
    folder: PathBuf,
}

impl Site {
    pub(super) fn write(options: &Options) -> anyhow::Result<Self> {
        let folder = &options.report;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        let folder = folder
            .canonicalize()
            .with_context(|| format!("failed to find {}", folder.display()))?;
        let site = Self { folder };
        site.write_certificates()?;
        write(&site.folder.join("passwords"), &passwords(options)?)?;
        Ok(site)
    }

    /// The folder of one mode, empty of what an earlier run left.
    pub(super) fn mode_folder(&self, mode: Mode) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(mode.name().to_lowercase());
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("failed to empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        Ok(folder)
    }

    fn write_certificates(&self) -> anyhow::Result<()> {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name
            .push(rcgen::DnType::CommonName, "Herdgate demo CA");
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)
            .context("failed to make a CA")?;
        let key = KeyPair::generate()?;
        let server = CertificateParams::new([HOSTNAME.to_owned()])?
            .signed_by(&key, &ca)
            .context("failed to make the server's certificate")?;
        write(&self.folder.join("ca.crt"), &ca.pem())?;
        write(&self.folder.join("server.crt"), &server.pem())?;
        write(&self.folder.join("server.key"), &key.serialize_pem())
    }

    /// Writes the broker's configuration; `port` 0 lets it choose.
    pub(super) fn write_config(&self, path: &Path, mode: Mode, port: u16) -> anyhow::Result<()> {
        let mut ranges = String::new();
        for (name, network) in RANGES {
            writeln!(ranges, "      - {{name: {name}, cidrs: [{network}]}}")?;
        }
        let folder = self.folder.display();
        let mode = mode.name();
        let config = format!(
            "cluster: demo
listeners:
  - name: {LISTENER}
    address: 127.0.0.1:{port}
    protocol: mqtts
    tls: {{certificateFile: '{folder}/server.crt', privateKeyFile: '{folder}/server.key'}}
authentication: {{anonymous: Never, passwordFile: '{folder}/passwords', clientIdPattern: '%u'}}
admission:
  mode: {mode}
  slices: 256
  slicing:
    type: CIDRList
    ranges:
{ranges}edge: {{workers: 1}}
shard: {{workers: 1}}
admin: {{address: '127.0.0.1:0'}}
"
        );
        write(path, &config)
    }

    /// Writes the fleet's scenario.
    pub(super) fn write_scenario(
        &self,
        path: &Path,
        options: &Options,
        target: &str,
    ) -> anyhow::Result<()> {
        let mut ranges = String::new();
        for (index, (name, network)) in (0_u32..).zip(RANGES) {
            let gateways = share(options.gateways, index);
            writeln!(
                ranges,
                "  - {{name: {name}, gateways: {gateways}, sources: [{network}]}}"
            )?;
        }
        let scenario = format!(
            "name: demo
target:
  address: '{target}'
  protocol: mqtts
  serverName: {HOSTNAME}
  caFile: '{}/ca.crt'
ranges:
{ranges}identity: {{clientId: 'gw-{{n:5}}', userName: 'gw-{{n:5}}', password: 'secret-{{n}}'}}
topics: {{count: {}, pattern: 'gw-{{n:5}}/{{t}}'}}
restart: {{timeoutSeconds: {}, quietSeconds: 2}}
",
            self.folder.display(),
            options.topics,
            options.timeout
        );
        write(path, &scenario)
    }
}

/// Gateways of range `index`: equal parts, the first ranges take what does not divide.
fn share(gateways: u32, index: u32) -> u32 {
    let ranges = u32::try_from(RANGES.len()).unwrap_or(1);
    gateways / ranges + u32::from(index < gateways % ranges)
}

/// One line per gateway, hashed on all cores.
fn passwords(options: &Options) -> anyhow::Result<String> {
    let rounds = NonZeroU32::new(options.rounds).context("failed to use 0 rounds")?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let gateways: Vec<u32> = (0..options.gateways).collect();
    let parts: anyhow::Result<Vec<String>> = std::thread::scope(|scope| {
        let part = gateways.len().div_ceil(cores).max(1);
        let workers: Vec<_> = gateways
            .chunks(part)
            .map(|part| scope.spawn(move || lines(part, rounds)))
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    Ok(parts?.concat())
}

fn lines(gateways: &[u32], rounds: NonZeroU32) -> anyhow::Result<String> {
    let mut lines = String::new();
    for gateway in gateways {
        writeln!(
            lines,
            "gw-{gateway:05}:{}",
            password::hash(&format!("secret-{gateway}"), rounds)?
        )?;
    }
    Ok(lines)
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    // keys and passwords are nobody else's, even those of a demo
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, content.as_bytes()))
        .with_context(|| format!("failed to write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_share_every_gateway() {
        for gateways in [4, 7, 7_000, 7_001] {
            let shares: Vec<_> = (0..4).map(|index| share(gateways, index)).collect();
            assert_eq!(shares.iter().sum::<u32>(), gateways, "{shares:?}");
        }
    }

    #[test]
    fn the_scenario_it_writes_is_valid() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            broker: "herdgate".into(),
            mode: Mode::Staged,
            gateways: 9,
            topics: 3,
            rounds: 1,
            timeout: 60,
            report: folder.path().join("report"),
        };
        let site = Site::write(&options).unwrap();
        let path = folder.path().join("scenario.yaml");
        site.write_scenario(&path, &options, "127.0.0.1:1").unwrap();
        let scenario = crate::scenario::load(&path, &[]).unwrap();
        assert_eq!((scenario.gateways(), scenario.habits.topics), (9, 3));
        let passwords = std::fs::read_to_string(folder.path().join("report/passwords")).unwrap();
        assert_eq!(passwords.lines().count(), 9);
        assert!(passwords.starts_with("gw-00000:$7$1$"));
    }
}
