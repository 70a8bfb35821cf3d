//! How far ours has opened.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A broker that is too busy to answer within this is asked again later.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
struct Status {
    mode: String,
    level: u32,
    slices: u32,
}

/// The share of slices that are open; `None` when nobody says, or the gate is out of use.
pub async fn level_share(admin: Option<SocketAddr>) -> Option<f64> {
    let answer = timeout(PATIENCE, ask(admin?)).await.ok()?.ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let status: Status = serde_json::from_str(body).ok()?;
    (status.slices > 0 && status.mode != "Open")
        .then(|| f64::from(status.level) / f64::from(status.slices))
}

async fn ask(admin: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET /status HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
