//! Who a client is: by its password or certificate, or by an exchange; and whether it has to wait.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arrival::{Arrival, waits_for};
use super::attach::{self, NoSession};
use super::exchange::exchange;
use crate::auth::{Identity, LoginRequest, NoLogin, Refusal};
use crate::codec::Protocol;
use crate::link::Authenticated;

/// Says who the client is once it may be attached.
pub(super) async fn login(
    arrival: &mut Arrival<'_>,
    certificate: Option<Arc<str>>,
    waiting_since: Instant,
) -> Result<Identity, NoSession> {
    let request = request(arrival, certificate, waiting_since);
    let method = arrival
        .opening
        .connect
        .properties
        .authentication_method
        .clone();
    let identity = match method {
        Some(method) => Box::pin(by_exchange(arrival, method, &request)).await?,
        None => by_request(arrival, &request).await?,
    };
    let wait = flapping(arrival, &identity);
    if !wait.is_zero() {
        Box::pin(arrival.wait_to_enter(wait)).await?;
    }
    Ok(identity)
}

fn request(
    arrival: &Arrival<'_>,
    certificate: Option<Arc<str>>,
    waiting_since: Instant,
) -> LoginRequest {
    let connect = &arrival.opening.connect;
    LoginRequest {
        client_id: connect.client_id.to_string(),
        may_assign_id: connect.protocol == Protocol::V5 || connect.clean_start,
        user_name: connect.username.as_deref().map(str::to_owned),
        password: connect.password.as_deref().map(<[u8]>::to_vec),
        certificate,
        listener: Arc::clone(&arrival.listener.name),
        peer: arrival.peer,
        waiting_since,
    }
}

fn flapping(arrival: &Arrival<'_>, identity: &Identity) -> Duration {
    let flaps = arrival.worker.shared.authenticator.flaps();
    flaps.wait(identity.principal.as_deref(), &identity.client_id)
}

/// A client that comes too soon is held; it has one more try when it could wait.
async fn by_request(
    arrival: &mut Arrival<'_>,
    request: &LoginRequest,
) -> Result<Identity, NoSession> {
    match decided(arrival, request).await? {
        Err(NoLogin {
            refusal: Refusal::TooSoon,
            wait,
        }) => Box::pin(arrival.wait_to_enter(wait)).await?,
        Err(no) => return Err(Box::pin(arrival.refused(no)).await),
        Ok(identity) => return Ok(identity),
    }
    match Box::pin(decided(arrival, request)).await? {
        Err(no) => Err(Box::pin(arrival.refused(no)).await),
        Ok(identity) => Ok(identity),
    }
}

async fn decided(
    arrival: &mut Arrival<'_>,
    request: &LoginRequest,
) -> Result<Result<Identity, NoLogin>, NoSession> {
    let Arrival {
        worker,
        stream,
        opening,
        entering,
        ..
    } = arrival;
    let decided = pin!(async {
        tokio::select! {
            biased;
            decided = worker.shared.authenticator.login(request) => Ok(decided),
            () = attach::left(worker, stream, &mut opening.early) => Err(NoSession::Gone),
        }
    });
    waits_for(entering.as_ref(), decided).await
}

async fn by_exchange(
    arrival: &mut Arrival<'_>,
    method: Arc<str>,
    request: &LoginRequest,
) -> Result<Identity, NoSession> {
    let proven = exchange(arrival, &method).await?;
    let authenticator = &arrival.worker.shared.authenticator;
    match authenticator.proven(&proven.user, request) {
        Ok(identity) => Ok(Identity {
            authenticated: Some(Authenticated {
                method,
                data: proven.data,
            }),
            ..identity
        }),
        Err(refusal) => Err(arrival.refused(refusal.into()).await),
    }
}
