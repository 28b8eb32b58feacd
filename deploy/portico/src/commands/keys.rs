//! `portico keys`: the keys that sign access tokens.

use anyhow::{Context as _, bail};
use portico_auth::KeyState;

use super::{Outcome, print};
use crate::{cli::Keys, services::Services, settings::Settings};

pub(super) async fn run(settings: &Settings, command: Keys) -> Outcome {
    let tokens = Services::tokens_of(settings).await?;
    match command {
        Keys::List => {
            for key in tokens.keys().await? {
                let state = match key.state {
                    KeyState::Pending => "pending",
                    KeyState::Active => "active",
                    KeyState::Retiring => "retiring",
                    KeyState::Gone => "gone",
                };
                print(&format!("{}  {state}", key.kid))?;
            }
            Ok(())
        }
        Keys::Rotate => {
            let kid = tokens.rotate_key().await?;
            print(&format!("{kid} signs from now on"))
        }
        Keys::Retire { kid } => {
            let is_known = tokens
                .retire_key(&kid)
                .await
                .context("cannot retire the key")?;
            if !is_known {
                bail!("there is no key {kid}: see `portico keys list`");
            }
            print(&format!(
                "{kid} is retired: the tokens that it signed no longer count"
            ))
        }
    }
}
