//! `portico admin`: accounts, from this machine.

use std::io::Read as _;

use anyhow::Context as _;
use portico_auth::NewAccount;
use portico_proto::users::user;

use super::{Outcome, print};
use crate::{
    cli::{Admin, CreateUser, Role},
    services::Services,
    settings::Settings,
};

pub(super) async fn run(settings: &Settings, command: Admin) -> Outcome {
    let services = Services::build(settings).await?;
    let accounts = services.accounts.context("auth runs in this process")?;
    match command {
        Admin::CreateUser(new) => {
            let password = read_password(&new)?;
            let account = NewAccount {
                email: &new.email,
                name: &new.name,
                role: match new.role {
                    Role::Admin => user::Role::Admin,
                    Role::Member => user::Role::Member,
                },
                email_verified: true,
                password: password.as_deref(),
                by_itself: false,
            };
            let user = accounts.create(account).await?;
            print(&format!("{}  {}", user.id, user.email))
        }
        Admin::Promote { email } => {
            let user = accounts.promote(&email).await?;
            print(&format!("{}  {} is ADMIN", user.id, user.email))
        }
        Admin::ResetMfa { email } => {
            let user = accounts.reset_mfa(&email).await?;
            print(&format!("{}  {} has no second factor", user.id, user.email))
        }
    }
}

fn read_password(new: &CreateUser) -> anyhow::Result<Option<String>> {
    if !new.password_stdin {
        return Ok(None);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read the password from standard input")?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}
