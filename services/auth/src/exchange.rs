//! Exchanges API keys for access tokens.

use portico_chassis::{
    caller::{scope_missing, unauthenticated},
    clock::Timestamp,
    status::Error,
    token::SERVICE_ROLE,
};

use crate::{
    api_key::{Owner, Scopes, Shown},
    tokens::{Standing, Subject, Tokens},
};

/// A token in the place of a key.
#[derive(Debug)]
pub(crate) struct KeyToken {
    pub(crate) token: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) scopes: Scopes,
}

impl Tokens {
    /// A new token for a key that somebody shows.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` for a key that is not known, or of another service
    /// account; `TOKEN_REVOKED`, `TOKEN_EXPIRED`; `SCOPE_MISSING`.
    pub(crate) async fn exchange(&self, shown: &Shown<'_>) -> Result<KeyToken, Error> {
        let store = &self.0.store;
        // Whatever changes after this moment revokes what is issued here, so it
        // comes before anything is read.
        let now = self.0.clock.now();
        let found = store.shown_key(shown.hash).await?;
        let found = found.ok_or_else(unauthenticated)?;
        if let Some(client_id) = shown.client_id {
            let is_its = found.key.owner.is_service_account()
                && found.key.owner.id().to_string() == client_id;
            if !is_its {
                return Err(unauthenticated());
            }
        }
        found.check(now)?;
        let key = &found.key;
        let scopes = key.scopes.narrowed(shown.scopes).map_err(scope_missing)?;
        let scope = scopes.to_string();
        let holder = found.holder.as_ref();
        let role = match (holder, key.owner) {
            (_, Owner::ServiceAccount(_)) => SERVICE_ROLE,
            (Some(holder), _) if holder.is_admin => "ADMIN",
            _ => "MEMBER",
        };
        let subject = Subject {
            user_id: key.owner.id(),
            session_id: key.id,
            role,
            email: holder.map_or("", |holder| &holder.email),
        };
        let standing = Standing::Key {
            scope: &scope,
            expires_at: key.expires_at,
        };
        let (token, expires_at) = self.issue_on(&subject, &standing, now)?;
        store.note_key_use(key.id, now).await?;
        Ok(KeyToken {
            token,
            issued_at: now,
            expires_at,
            scopes,
        })
    }
}
