//! What clients of Socket.IO ask for: to be connected, to join and to leave the
//! rooms of projects, and to go on with another token.

use std::{net::IpAddr, sync::Arc};

use engineioxide::{DisconnectReason, Socket};
use portico_chassis::{
    caller::{Caller, User, forbidden, unauthenticated},
    clock::parse_id,
    status::{Error, Kind},
};
use portico_proto::projects::project::Visibility;
use serde_json::Value;

use super::{
    Handler, Origin, Wire,
    packet::{self, Packet},
    session::{Session, SignedIn},
};
use crate::{
    limits::{Policy, Subject},
    live::{
        LISTENING,
        hub::{Asked, Scope, Standing},
    },
};

/// How often a project is looked at again whose access changes all the time.
const TRIES: usize = 5;

impl Handler {
    /// Deals with what a client has sent until nothing is left.
    pub(super) async fn work_off(&self, socket: &Arc<Socket<Session>>) {
        while let Some(packet) = socket.data.next() {
            match packet {
                Packet::Connect { auth } => self.connect(socket, &auth).await,
                Packet::Elsewhere { namespace } => {
                    send(socket, packet::no_namespace(&namespace));
                }
                Packet::Disconnect => socket.close(DisconnectReason::TransportClose),
                Packet::Event {
                    name,
                    arguments,
                    ack,
                } => {
                    let outcome = match socket.data.signed_in() {
                        Some(client) => self.take(socket, client, &name, &arguments).await,
                        None => Err(unauthenticated()),
                    };
                    answer(socket, ack, &outcome);
                }
            }
        }
    }

    /// Connects a client, or refuses it.
    async fn connect(&self, socket: &Arc<Socket<Session>>, auth: &Value) {
        if !socket.data.may_sign_in() {
            return;
        }
        if let Err(error) = self.sign_in(socket, auth).await {
            send(socket, packet::refused(&error));
        }
    }

    async fn sign_in(&self, socket: &Arc<Socket<Session>>, auth: &Value) -> Result<(), Error> {
        let live = &self.0;
        let origin = origin(socket)?;
        let verified = match auth["token"].as_str() {
            Some(token) => self.identify(token, origin.address).await,
            None => Err(unauthenticated()),
        };
        match &verified {
            Ok((user, _)) => self.count(Policy::User, Subject::User(user.id)).await?,
            Err(_) => {
                let address = Subject::address(origin.address);
                self.count(Policy::Anonymous, address).await?;
            }
        }
        let (user, token) = verified?;
        let _listening = live.listen().await?;
        // It begins with the packet that says so.
        let outlet = Arc::new(Wire(socket.clone()));
        let id = live.hub.connect(&user, Scope::Joined, outlet)?;
        let client = SignedIn {
            id,
            person: user.id,
            token,
        };
        if !socket.data.sign_in(client) {
            live.hub.disconnect(id);
        }
        // It may have been revoked just before it could be told so.
        live.hub.check(id, |user| live.counts(user));
        Ok(())
    }

    /// The person of a token or an API key, if it may listen, and the token that
    /// stands for it in calls to services.
    async fn identify(&self, shown: &str, from: IpAddr) -> Result<(Arc<User>, Arc<str>), Error> {
        let verifier = &self.0.verifier;
        if !verifier.is_at_hand(shown) {
            self.count(Policy::Anonymous, Subject::address(from))
                .await?;
        }
        let known = verifier.verify(shown).await?;
        let caller = Caller::from(known.principal);
        LISTENING.check(&caller)?;
        let user = caller.user.ok_or_else(forbidden)?;
        Ok((user, known.exchanged.unwrap_or_else(|| shown.into())))
    }

    /// Counts what a client does.
    async fn count(&self, policy: Policy, subject: Subject) -> Result<(), Error> {
        let live = &self.0;
        if let Some(standing) = live.limits.count(policy, subject).await {
            standing
                .check()
                .inspect_err(|_| live.metrics.rate_limited(policy.name()))?;
        }
        Ok(())
    }

    /// Does what an event asks for.
    async fn take(
        &self,
        socket: &Socket<Session>,
        client: SignedIn,
        name: &str,
        arguments: &[Value],
    ) -> Result<(), Error> {
        match (name, arguments) {
            ("join:project", [Value::String(project)]) => self.join(socket, &client, project).await,
            ("leave:project", [Value::String(project)]) => {
                if let Some(project) = parse_id(project) {
                    self.0.hub.leave(client.id, project);
                }
                Ok(())
            }
            ("auth:renew", [renewal]) if renewal["token"].is_string() => {
                let token = renewal["token"].as_str().unwrap_or_default();
                self.renew(socket, client, token).await
            }
            ("join:project" | "leave:project", _) => Err(invalid("expects the id of a project")),
            ("auth:renew", _) => Err(invalid("expects an object with a token")),
            _ => Err(invalid("is not known")),
        }
    }

    /// Joins the room of a project that the client may see.
    async fn join(
        &self,
        socket: &Socket<Session>,
        client: &SignedIn,
        project: &str,
    ) -> Result<(), Error> {
        let live = &self.0;
        let address = origin(socket)?.address;
        let project = parse_id(project).ok_or_else(project_not_found)?;
        for _ in 0..TRIES {
            // The place is there before the project is looked at, so that no
            // change of the access in between goes unnoticed.
            match live.hub.ask(client.id, project)? {
                Asked::Kept => {}
                Asked::Taken | Asked::Gone => return Ok(()),
            }
            let seen = live.services.project(project, &client.token, address).await;
            let seen = seen.inspect_err(|_| live.hub.leave(client.id, project))?;
            let standing = match seen.my_role {
                Some(_) => Standing::Member,
                None => Standing::Visitor,
            };
            let is_public = seen.visibility() == Visibility::Public;
            if live.hub.settle(client.id, project, standing, is_public) {
                return Ok(());
            }
        }
        Err(Error::unavailable(
            "the access to the project changes all the time",
        ))
    }

    /// Goes on with another token of the same person.
    async fn renew(
        &self,
        socket: &Socket<Session>,
        client: SignedIn,
        token: &str,
    ) -> Result<(), Error> {
        let live = &self.0;
        let (user, token) = self.identify(token, origin(socket)?.address).await?;
        if user.id != client.person {
            return Err(forbidden());
        }
        live.hub.renew(client.id, &user);
        let id = client.id;
        socket.data.sign_in(SignedIn { token, ..client });
        live.hub.check(id, |user| live.counts(user));
        Ok(())
    }
}

/// Answers a packet that came too soon.
pub(super) fn refuse(socket: &Socket<Session>, packet: &Packet) {
    let message = "Too many messages. Wait a moment.";
    let error = Error::new(Kind::ResourceExhausted, "RATE_LIMITED", message);
    match packet {
        Packet::Connect { .. } => send(socket, packet::refused(&error)),
        Packet::Event { ack, .. } => answer(socket, *ack, &Err(error)),
        Packet::Elsewhere { .. } => {}
        Packet::Disconnect => socket.close(DisconnectReason::TransportClose),
    }
}

/// Says what came of an event, if the client wants to know.
fn answer(socket: &Socket<Session>, ack: Option<u64>, outcome: &Result<(), Error>) {
    if let Err(error) = outcome
        && let Some(source) = &error.source
    {
        tracing::warn!(reason = &*error.reason, error = %source, "a message of a socket failed");
    }
    if let Some(ack) = ack {
        send(socket, packet::acknowledged(ack, outcome));
    }
}

/// Whoever does not read what it asked for, or has left, need not know.
fn send(socket: &Socket<Session>, text: engineioxide::Str) {
    let _ = socket.emit(text);
}

fn origin(socket: &Socket<Session>) -> Result<&Origin, Error> {
    let origin = socket.req_parts.extensions.get();
    origin.ok_or_else(|| Error::internal("a socket came past the gateway"))
}

fn project_not_found() -> Error {
    let message = "There is no such project.";
    Error::new(Kind::NotFound, "PROJECT_NOT_FOUND", message)
}

fn invalid(message: &'static str) -> Error {
    Error::new(
        Kind::Invalid,
        "VALIDATION_FAILED",
        format!("The message is not valid: it {message}."),
    )
}
