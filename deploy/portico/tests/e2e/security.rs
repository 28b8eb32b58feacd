//! The attacks that a stranger, a member, or a page of somebody else's would
//! try first, against the whole installation. What belongs to one flow is
//! tested beside it:
//!
//! | Attack | Where |
//! |---|---|
//! | enumeration by the answer of a sign-in, by its time | `security/enumeration.rs` |
//! | enumeration by the time of a forgotten password, of registering, of a change of address, of an invitation | `security/enumeration/times.rs` |
//! | enumeration by the answer to a forgotten password, by a changed address, by registering | `links.rs`, `links/changes.rs`, `links/required.rs` |
//! | forged tokens: no signature, HS256 with the public key, foreign key ids, embedded keys, other kinds of tokens | `security/tokens.rs` |
//! | tokens of another issuer, for another audience, expired | `services/auth/src/tokens/tests.rs` |
//! | replay of refresh tokens, in turn and twenty at once | `accounts.rs`, `security/replay/sessions.rs` |
//! | replay of links, in turn and twenty at once | `security/replay/links.rs` |
//! | replay of challenges, codes and recovery codes, in turn and twenty at once | `factors.rs`; across what takes them in `security/replay/proofs.rs` |
//! | replay of passkey ceremonies, in turn and twenty at once | `factors/passkeys.rs`, `security/replay/proofs.rs` |
//! | replay of tickets and invitations, in turn and twenty at once | `security/replay/links.rs` |
//! | creations sent twenty times at once under one key | `security/replay/keys.rs` |
//! | session fixation | `security/requests.rs` |
//! | requests forged by foreign pages, on every route with the cookie | `security/routes.rs`; sockets in `live/sockets.rs` |
//! | guessing from one address at many accounts, from many at one, with made-up addresses; locking the owner out by it | `security/guessing.rs`, `security/requests.rs`; guesses at one account in `passwords.rs` |
//! | privilege by fields that are not asked for, of every call and every field | `security/fields.rs`, `security/requests.rs` |
//! | other people's ids, on every route with one | `security/routes.rs` |
//! | scopes, and methods that are closed to a caller | `scopes.rs`, `coverage.rs` |
//! | secrets in logs, errors, the audit log, events, traces, metrics and databases | `tests/outside/secrets.rs` |
//! | redirects to foreign places, split headers | `security/requests.rs` |
//! | forged lines of the log, headers of answers and mails, commands to terminals | `tests/outside/injection.rs` |

mod enumeration;
mod fields;
mod guessing;
mod replay;
mod requests;
mod routes;
mod tokens;
