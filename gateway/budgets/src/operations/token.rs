//! Who a token speaks for.

use std::{hint::black_box, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portico_chassis::{
    clock::{Clock, Timestamp},
    status::Error,
    token::{ACCESS_TOKEN_TYPE, Claims, KeySource, NoKeys, PublicKey, Revocations, Verifier},
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::Work;

/// When everything takes place: time that went on would be counted.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ISSUER: &str = "http://localhost:8080";
const AUDIENCE: &str = "portico";
const KID: &str = "one";

pub(super) fn first(times: u32) -> anyhow::Result<Work> {
    let tokens = Tokens::new()?;
    let shown = (0..times).map(|number| tokens.of(u128::from(number)));
    let mut shown = shown.collect::<anyhow::Result<Vec<_>>>()?.into_iter();
    let (verifier, runtime) = (tokens.verifier(), runtime()?);
    Ok(Box::new(move |times| {
        runtime.block_on(async {
            for token in shown.by_ref().take(times as usize) {
                black_box(verifier.verify(black_box(&token)).await?);
            }
            Ok(())
        })
    }))
}

pub(super) fn again(_: u32) -> anyhow::Result<Work> {
    let tokens = Tokens::new()?;
    let token = tokens.of(1)?;
    let (verifier, runtime) = (tokens.verifier(), runtime()?);
    Ok(Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                black_box(verifier.verify(black_box(&token)).await?);
            }
            Ok(())
        })
    }))
}

/// All that is counted happens on one thread.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Makes tokens, and checks them.
pub(super) struct Tokens {
    public: String,
    key: EncodingKey,
}

impl Tokens {
    pub(super) fn new() -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32])?;
        let key = pair.to_pkcs8()?;
        Ok(Self {
            public: BASE64_URL_SAFE_NO_PAD.encode(pair.public_key()),
            key: EncodingKey::from_ed_der(key.as_ref()),
        })
    }

    /// The token of the person of this number.
    pub(super) fn of(&self, number: u128) -> anyhow::Result<String> {
        let id = Uuid::from_u128(0x01a2_02fe_5fd4_7b48_b103_0000_0000_0000 + number);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: id,
            sid: id,
            role: "MEMBER".to_owned(),
            email: Some("ada@example.org".to_owned()),
            iat: NOW.seconds(),
            exp: NOW.seconds() + 600,
            jti: id,
            client_id: None,
            scope: None,
            key_exp: None,
            act: None,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(KID.to_owned());
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }

    pub(super) fn verifier(&self) -> Verifier {
        let revocations = Arc::new(Revocations::default());
        revocations.catch_up();
        follow(revocations.clone());
        Verifier::new(
            ISSUER,
            AUDIENCE,
            Box::new(OneKey(self.public.clone())),
            Box::new(NoKeys),
            revocations,
            Clock::manual(NOW),
        )
    }
}

/// Notes again and again that all revocations are known, as a stream of them
/// does, on a thread of its own, which does not count.
fn follow(revocations: Arc<Revocations>) {
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(100));
            revocations.catch_up();
        }
    });
}

/// The key that all tokens are signed with.
struct OneKey(String);

#[async_trait]
impl KeySource for OneKey {
    async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
        Ok(vec![PublicKey {
            kid: KID.to_owned(),
            x: self.0.clone(),
        }])
    }
}
