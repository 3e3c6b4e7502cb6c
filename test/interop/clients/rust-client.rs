//! The client of the Rust SDK, as program.ts describes it: it does the task and has its person sign in.
use std::{error::Error, io::BufRead, sync::Arc};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt,
    model::{CallToolRequestParams, ClientConfig, ProtocolVersion},
    service::{ClientInitializeError, RoleClient, RunningService, ServiceError},
    transport::{
        StreamableHttpClientTransport,
        auth::{AuthClient, AuthorizationCallback, AuthorizationManager, AuthorizationRequest, OAuthState},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Call {
    tool: String,
    args: serde_json::Map<String, serde_json::Value>,
}

/// A client that was registered by hand, and what it has to ask for.
#[derive(Deserialize)]
struct KnownClient {
    id: String,
    scope: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    url: String,
    redirect_url: String,
    client: Option<KnownClient>,
    allowed: Call,
    forbidden: Call,
    privileged: Call,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "text")]
enum Outcome {
    Answered(String),
    Refused(String),
}

#[derive(Serialize)]
struct Visit {
    tools: Vec<String>,
    allowed: Outcome,
    forbidden: Outcome,
    privileged: Outcome,
}

type Session = RunningService<RoleClient, ClientConfig>;
type Result<Value> = std::result::Result<Value, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let order: Order = serde_json::from_str(&std::env::args().nth(1).ok_or("which task?")?)?;
    let anonymous = AuthClient::new(reqwest::Client::new(), AuthorizationManager::new(&order.url).await?);
    let challenge = match connect(&order, &anonymous).await {
        Ok(_) => return Err("connected without a token".into()),
        Err(error) => error.auth_challenge().ok_or(format!("no challenge: {error:?}"))?.to_owned(),
    };
    let client = AuthClient::new(reqwest::Client::new(), sign_in(&order, challenge).await?);
    let session = connect(&order, &client).await?;
    let tools = session.list_all_tools().await?;
    let visit = Visit {
        tools: tools.into_iter().map(|tool| tool.name.into_owned()).collect(),
        allowed: attempt(&session, &client, &order.allowed).await?,
        forbidden: attempt(&session, &client, &order.forbidden).await?,
        privileged: attempt(&session, &client, &order.privileged).await?,
    };
    println!("{}", serde_json::to_string(&visit)?);
    session.cancel().await?;
    Ok(())
}

/// Connects. `Auto` does not go back to `initialize` when a server discloses that it has legacy revisions only.
async fn connect(
    order: &Order,
    client: &AuthClient<reqwest::Client>,
) -> std::result::Result<Session, ClientInitializeError> {
    let modern = vec![ProtocolVersion::V_2026_07_28];
    let auto = ClientLifecycleMode::Auto { preferred_versions: modern, legacy_version: None };
    match connect_with(order, client, auto).await {
        Err(ClientInitializeError::NoCompatibleProtocolVersion { .. }) => {
            connect_with(order, client, ClientLifecycleMode::Initialize).await
        }
        result => result,
    }
}

async fn connect_with(
    order: &Order,
    client: &AuthClient<reqwest::Client>,
    lifecycle: ClientLifecycleMode,
) -> std::result::Result<Session, ClientInitializeError> {
    let config = StreamableHttpClientTransportConfig::with_uri(order.url.clone());
    let transport = StreamableHttpClientTransport::with_client(client.clone(), config);
    ClientConfig::default().serve_with_lifecycle(transport, lifecycle).await
}

async fn sign_in(order: &Order, challenge: String) -> Result<AuthorizationManager> {
    let mut state = OAuthState::new(&order.url, None).await?;
    let request = AuthorizationRequest::new(&order.redirect_url).with_client_name("Rust SDK");
    let request = match &order.client {
        Some(known) => {
            request.with_preregistered_client(&known.id).with_scopes(known.scope.split_whitespace())
        }
        None => request,
    };
    state.start_authorization(request.with_challenge(challenge)).await?;
    state.handle_callback_url(&send_away(&state.get_authorization_url().await?)?).await?;
    Ok(state.into_authorization_manager().ok_or("not authorized")?)
}

/// Sends the person to a page; returns the URL that brings the person back.
fn send_away(url: &str) -> Result<String> {
    println!("authorize {url}");
    Ok(std::io::stdin().lock().lines().next().ok_or("nobody came back")??)
}

/// Calls a tool; gets the scope that is missing and calls again.
async fn attempt(session: &Session, client: &AuthClient<reqwest::Client>, call: &Call) -> Result<Outcome> {
    match call_once(session, call).await {
        Err(error) => match missing_scope(&error) {
            Some(scope) => match step_up(&client.auth_manager, &scope).await {
                Ok(()) => Ok(call_once(session, call).await.unwrap_or_else(refusal)),
                Err(failure) => Ok(Outcome::Refused(format!("{error:?}, and {failure}"))),
            },
            None => Ok(refusal(error)),
        },
        Ok(outcome) => Ok(outcome),
    }
}

async fn call_once(session: &Session, call: &Call) -> std::result::Result<Outcome, ServiceError> {
    let params = CallToolRequestParams::new(call.tool.clone()).with_arguments(call.args.clone());
    let result = session.call_tool(params).await?;
    let texts = result.content.iter().filter_map(|content| content.as_text()).map(|text| text.text.as_str());
    let text = texts.collect::<Vec<_>>().join("\n");
    Ok(if result.is_error == Some(true) { Outcome::Refused(text) } else { Outcome::Answered(text) })
}

fn refusal(error: ServiceError) -> Outcome {
    Outcome::Refused(format!("{error:?}"))
}

fn missing_scope(error: &ServiceError) -> Option<String> {
    let challenge = error.auth_challenge()?;
    if !challenge.contains("insufficient_scope") {
        return None;
    }
    let (_, rest) = challenge.split_once(" scope=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

async fn step_up(manager: &Arc<tokio::sync::Mutex<AuthorizationManager>>, scope: &str) -> Result<()> {
    let manager = manager.lock().await;
    let back =
        AuthorizationCallback::from_redirect_url(&send_away(&manager.request_scope_upgrade(scope).await?)?)?;
    manager.exchange_code_for_token_with_issuer(&back.code, &back.csrf_token, back.issuer.as_deref()).await?;
    Ok(())
}
