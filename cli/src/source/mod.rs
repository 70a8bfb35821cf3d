//! Where answers come from: the admin port of one process, or the pods of a cluster.

mod admin;
mod kubernetes;

use std::net::IpAddr;

use herdgate_admission::progress::{CensusPage, Explanation, Progress};

use crate::args::Target;
pub(crate) use admin::AdminPort;
pub(crate) use kubernetes::Cluster;

pub(crate) enum Source {
    Admin(AdminPort),
    Cluster(Box<Cluster>),
}

/// Whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Client(String),
    Address(IpAddr),
}

impl Subject {
    /// What reads as an IP address is one: who gives clients such ids asks for the address.
    pub(crate) fn of(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Client(text.to_owned()), Self::Address)
    }

    /// Path and query at the admin port.
    fn path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::Client(client) => query.append_pair("client", client),
            Self::Address(address) => query.append_pair("address", &address.to_string()),
        };
        format!("/explain?{}", query.finish())
    }
}

impl Source {
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        match &target.admin {
            Some(address) => {
                let port = AdminPort::new(address, target.token_file.as_deref())?;
                Ok(Self::Admin(port))
            }
            None => Ok(Self::Cluster(Box::new(Cluster::open(target).await?))),
        }
    }

    pub(crate) async fn progress(&self, per_slice: bool) -> anyhow::Result<Progress> {
        let path = if per_slice {
            "/reopening?slices=true"
        } else {
            "/reopening"
        };
        match self {
            Self::Admin(port) => port.get(path).await,
            Self::Cluster(cluster) => cluster.progress(path).await,
        }
    }

    pub(crate) async fn census(&self, top: usize) -> anyhow::Result<CensusPage> {
        let path = format!("/census?top={top}");
        match self {
            Self::Admin(port) => port.get(&path).await,
            Self::Cluster(cluster) => cluster.census(&path).await,
        }
    }

    /// By the name of the process.
    pub(crate) async fn explain(
        &self,
        subject: &Subject,
    ) -> anyhow::Result<Vec<(String, Explanation)>> {
        let path = subject.path();
        match self {
            Self::Admin(port) => Ok(vec![(String::new(), port.get(&path).await?)]),
            Self::Cluster(cluster) => cluster.explain(&path).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_an_address_where_it_reads_as_one() {
        assert_eq!(Subject::of("gw-7"), Subject::Client("gw-7".to_owned()));
        assert_eq!(
            Subject::of("2001:db8::1").path(),
            "/explain?address=2001%3Adb8%3A%3A1"
        );
        assert_eq!(
            Subject::of("a&b=ä").path(),
            "/explain?client=a%26b%3D%C3%A4"
        );
    }
}
