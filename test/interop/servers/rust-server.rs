//! A server of the Rust SDK with three tools. Argument: the port.
use std::sync::Arc;

use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rmcp::{
    ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{StreamableHttpService, session::local::LocalSessionManager},
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    a: i64,
    b: i64,
}

#[derive(Clone)]
struct Sums {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Sums {
    #[tool]
    fn add(&self, Parameters(Numbers { a, b }): Parameters<Numbers>) -> String {
        format!("The sum is {}.", a + b)
    }

    #[tool]
    fn subtract(&self, Parameters(Numbers { a, b }): Parameters<Numbers>) -> String {
        format!("The difference is {}.", a - b)
    }

    #[tool]
    fn divide(&self, Parameters(Numbers { a, b }): Parameters<Numbers>) -> String {
        format!("The quotient is {}.", a / b)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Sums {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("which port?")?.parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let service = StreamableHttpService::new(
        || Ok(Sums { tool_router: Sums::tool_router() }),
        Arc::new(LocalSessionManager::default()),
        Default::default(),
    );
    loop {
        let (connection, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service),
        );
    }
}
