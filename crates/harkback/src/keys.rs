//! Command `harkback keys`: manages API keys and the secret of signed links.

use std::io::Write;
use std::sync::Arc;

use access::{ApiKeys, Links, NewApiKey};
use anyhow::Context;
use primitives::{Clock, Id, Scope, SystemClock};
use sqlx::PgPool;

use crate::cli::KeysCommand;

pub(crate) async fn run(command: &KeysCommand, pool: &PgPool) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = ApiKeys::new(pool.clone(), clock.clone());
    let mut out = std::io::stdout();
    match command {
        KeysCommand::Create { tenant, env, user, scope } => {
            let owner = Scope { tenant_id: tenant.clone(), env: env.clone() };
            let new = NewApiKey { scope: owner, user_id: user.clone(), level: *scope };
            writeln!(out, "{}", keys.create(&new).await?)?;
        }
        KeysCommand::List { tenant } => {
            for key in keys.list(tenant.as_ref().map(Id::as_str)).await? {
                let user = key.user_id.as_deref().unwrap_or("-");
                let state =
                    key.revoked_at.map_or("valid".to_owned(), |at| format!("revoked {}", at.to_rfc3339()));
                writeln!(
                    out,
                    "{}\t{}\t{}\t{user}\t{}\t{}\t{state}",
                    key.id,
                    key.tenant_id,
                    key.env,
                    key.level,
                    key.created_at.to_rfc3339()
                )?;
            }
        }
        KeysCommand::Revoke { id } => {
            // Accepts the whole key in place of its public part.
            let id = id.strip_prefix("hb_").map_or(id.as_str(), |key| key.split('_').next().unwrap_or(key));
            anyhow::ensure!(
                keys.revoke(id).await?,
                "no valid key has the id `{id}`; see `harkback keys list`"
            );
        }
        KeysCommand::RotateLinks => {
            Links::new(pool.clone(), clock).rotate().await.context("the secret cannot be replaced")?;
        }
    }
    Ok(())
}
