//! From annotations to the edges: what people want of a reopening.

use herdgate_admission::progress::{Action, Refusal, Steer, Steered};
use herdgate_crds::{MqttCluster, REOPEN_ANNOTATION, Reopening, STEER_ANNOTATION};
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::{Api, Resource as _, ResourceExt as _};

use super::super::build::TOKEN_KEY;
use super::super::context::Scope;
use super::super::dereference::World;
use super::super::names::Names;
use super::super::observe::{self, Posted};
use super::Look;
use super::write;
use crate::calls::CallError;
use crate::events::News;

/// Words that an annotation may hold; `reopen` has a place of its own, and `advance` needs a level.
const WORDS: [Action; 4] = [Action::Pause, Action::Resume, Action::Skip, Action::Stop];

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Done(Steered),
    Refused(String),
    Failed(String),
}

/// The annotation goes before the edge is asked: a wish is acted on once or not at all, and an event tells which.
pub(super) async fn by_annotation(look: &Look<'_>, object: &Reopening) -> Result<(), CallError> {
    let Some(word) = object.annotations().get(STEER_ANNOTATION) else {
        return Ok(());
    };
    if !write::take_off(look.scope, object, STEER_ANNOTATION).await? {
        return Ok(());
    }
    let wanted = Action::of_word(word).filter(|action| WORDS.contains(action));
    let outcome = match wanted {
        Some(_) if is_over(object) => Outcome::Refused("this reopening is over".to_owned()),
        Some(action) => ask(look.scope, look.names, look.world, action).await?,
        None => Outcome::Refused(format!(
            "'{word}' is not known; allowed: pause, resume, skip, stop"
        )),
    };
    let about = object.object_ref(&());
    tell(look.scope, &about, word, outcome).await;
    Ok(())
}

/// The value that was acted on, or that was there before there was anything to act on.
pub(in crate::cluster) async fn reopen(
    scope: &Scope,
    names: &Names,
    world: &World,
    cluster: &MqttCluster,
    handled: Option<&str>,
) -> Result<Option<String>, CallError> {
    let value = cluster.annotations().get(REOPEN_ANNOTATION);
    let Some(value) = value.filter(|value| handled != Some(value)) else {
        return Ok(handled.map(str::to_owned));
    };
    let status = cluster.status.as_ref();
    let serves = status.is_some_and(|status| status.admission.is_some());
    if serves {
        let outcome = ask(scope, names, world, Action::Reopen).await?;
        let failed = matches!(outcome, Outcome::Failed(_));
        tell(scope, &cluster.object_ref(&()), "reopen", outcome).await;
        if failed {
            return Ok(handled.map(str::to_owned));
        }
    }
    Ok(Some(value.clone()))
}

fn is_over(object: &Reopening) -> bool {
    let status = object.status.as_ref();
    status.is_some_and(|status| status.result.is_some())
}

/// Any edge will do: what one adopts all adopt.
async fn ask(
    scope: &Scope,
    names: &Names,
    world: &World,
    action: Action,
) -> Result<Outcome, CallError> {
    let Some(token) = token(scope, names).await? else {
        let text = format!("Secret '{}' has no key 'token'", names.admin_secret());
        return Ok(Outcome::Failed(text));
    };
    let steer = Steer {
        action,
        level: None,
    };
    let body = serde_json::to_vec(&steer).unwrap_or_default();
    let posted = observe::post(&world.pods, names, "/admission", &token, &body).await;
    Ok(outcome(posted))
}

fn outcome(posted: Option<Posted>) -> Outcome {
    let Some(posted) = posted else {
        return Outcome::Failed("no edge answers".to_owned());
    };
    if posted.code == 202 {
        let steered = serde_json::from_slice(&posted.body).unwrap_or_default();
        return Outcome::Done(steered);
    }
    let refusal: Refusal = serde_json::from_slice(&posted.body).unwrap_or_default();
    match posted.code {
        400 | 409 => Outcome::Refused(refusal.error),
        code => Outcome::Failed(format!("the edge answers {code}: {}", refusal.error)),
    }
}

/// Asked for at each wish, and not kept: wishes are few.
async fn token(scope: &Scope, names: &Names) -> Result<Option<String>, CallError> {
    let context = &scope.context;
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &names.namespace);
    let name = names.admin_secret();
    let call = api.get_opt(&name);
    let secret = context.calls.run("get", "Secret", call).await?;
    let data = secret.and_then(|secret| secret.data);
    let token = data.and_then(|mut data| data.remove(TOKEN_KEY));
    Ok(token.and_then(|token| String::from_utf8(token.0).ok()))
}

async fn tell(scope: &Scope, about: &ObjectReference, word: &str, outcome: Outcome) {
    let (warning, reason, note) = match outcome {
        Outcome::Done(steered) => (
            false,
            "Steered",
            format!("{word}: reopening {} now", steered.reopening),
        ),
        Outcome::Refused(why) => (true, "SteeringRefused", format!("{word}: {why}")),
        Outcome::Failed(why) => (true, "SteeringFailed", format!("{word}: {why}")),
    };
    tracing::info!(about = about.name, word, reason, note, "steered");
    let reason = reason.to_owned();
    let news = News {
        warning,
        reason,
        note,
    };
    scope.context.recorder.tell(about, news).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(code: u16, body: &str) -> Posted {
        let body = body.into();
        Posted { code, body }
    }

    #[test]
    fn an_edge_agrees_refuses_or_fails() {
        let done = outcome(Some(posted(
            202,
            r#"{"reopening":3,"revision":1,"paused":true}"#,
        )));
        assert!(matches!(done, Outcome::Done(steered) if steered.reopening == 3 && steered.paused));
        let refused = outcome(Some(posted(
            409,
            r#"{"error":"failed to resume: not paused"}"#,
        )));
        assert_eq!(
            refused,
            Outcome::Refused("failed to resume: not paused".to_owned())
        );
        assert!(matches!(
            outcome(Some(posted(401, "{}"))),
            Outcome::Failed(_)
        ));
        assert!(matches!(outcome(None), Outcome::Failed(_)));
    }
}
