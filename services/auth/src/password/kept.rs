//! Hashes of passwords as they are kept: our own, and those that an import
//! brought along, which are replaced at the next sign-in.
//!
//! Understood are Argon2, scrypt and PBKDF2 as PHC strings, the latter also as
//! Python's passlib writes it, and bcrypt as all of them write it. What a hash
//! costs is bounded: whoever brings one along decides what each sign-in takes.

use std::{fmt, num::NonZeroU32};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::phc::{Ident, PasswordHash},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, pbkdf2};
use base64::{
    Engine as _,
    alphabet::BCRYPT,
    engine::{
        GeneralPurpose,
        general_purpose::{NO_PAD, STANDARD_NO_PAD},
    },
};

use super::{Password, memory::Memory};

/// The greatest memory of a hash, in bytes.
const MEMORY: u64 = 128 << 20;

/// The greatest work, as memory that is filled: about a second of a core.
const WORK: u64 = 2 << 30;
/// scrypt takes four times as long for as much memory.
const SCRYPT_WORK: u64 = WORK / 4;
const LANES: u32 = 16;

/// The rounds of PBKDF2: twice as many as Django does.
const ROUNDS: u32 = 2_000_000;

/// The costs of bcrypt: each is twice the one before.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// bcrypt looks at no more of a password, the NUL at its end included.
const BCRYPT_BYTES: usize = 72;

/// The lengths of salts and outputs, in bytes.
const SALT: std::ops::RangeInclusive<usize> = 1..=256;
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// A hash that is understood, and costs no more than it may.
pub(super) struct Kept {
    function: Function,
    salt: Vec<u8>,
    output: Vec<u8>,
}

enum Function {
    Argon2(Algorithm, Version, Params),
    Bcrypt { cost: u32 },
    Pbkdf2(pbkdf2::Algorithm, NonZeroU32),
    Scrypt(scrypt::Params),
}

impl Kept {
    /// Reads a hash.
    ///
    /// # Errors
    ///
    /// Why it is none of ours to understand, for people. It has nothing of the
    /// hash.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let scheme = text.strip_prefix('$').unwrap_or_default();
        let scheme = scheme.split('$').next().unwrap_or_default();
        match scheme {
            "argon2i" | "argon2d" | "argon2id" => argon2(text),
            "2a" | "2b" | "2y" => bcrypt(text),
            "scrypt" => scrypt(text),
            "pbkdf2" | "pbkdf2-sha1" => pbkdf2(text, pbkdf2::PBKDF2_HMAC_SHA1),
            "pbkdf2-sha256" => pbkdf2(text, pbkdf2::PBKDF2_HMAC_SHA256),
            "pbkdf2-sha512" => pbkdf2(text, pbkdf2::PBKDF2_HMAC_SHA512),
            _ => Err("is no hash by Argon2, bcrypt, scrypt or PBKDF2"),
        }
    }

    /// Whether it is the hash of a password.
    pub(super) fn is_of(&self, password: &Password, memory: &mut Memory) -> bool {
        let mut output = vec![0; self.output.len()];
        let password = password.0.as_bytes();
        match &self.function {
            Function::Argon2(algorithm, version, params) => {
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                let computed = argon2.hash_password_into_with_memory(
                    password,
                    &self.salt,
                    &mut output,
                    memory.blocks(params.block_count()),
                );
                if computed.is_err() {
                    return false;
                }
            }
            Function::Bcrypt { cost } => {
                let Ok(salt) = <[u8; 16]>::try_from(&self.salt[..]) else {
                    return false;
                };
                let ended = [password, b"\0"].concat();
                let looked_at = &ended[..ended.len().min(BCRYPT_BYTES)];
                let computed = bcrypt::bcrypt(*cost, salt, looked_at);
                // The last byte is left out, by mistake and ever since.
                output.copy_from_slice(&computed[..23]);
            }
            Function::Pbkdf2(algorithm, rounds) => {
                return pbkdf2::verify(*algorithm, *rounds, &self.salt, password, &self.output)
                    .is_ok();
            }
            Function::Scrypt(params) => {
                if scrypt::scrypt(password, &self.salt, params, &mut output).is_err() {
                    return false;
                }
            }
        }
        verify_slices_are_equal(&output, &self.output).is_ok()
    }

    /// The parameters of a hash by the function of today.
    pub(super) fn argon2id(&self) -> Option<&Params> {
        match &self.function {
            Function::Argon2(Algorithm::Argon2id, Version::V0x13, params) => Some(params),
            _ => None,
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Kept(…)")
    }
}

fn argon2(text: &str) -> Result<Kept, &'static str> {
    const MALFORMED: &str = "is no hash by Argon2 as a PHC string";
    let hash = PasswordHash::new(text).map_err(|_| MALFORMED)?;
    let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
        return Err(MALFORMED);
    };
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| MALFORMED)?;
    // Before there was a version, it was this one.
    let version = hash.version.unwrap_or(Version::V0x10.into());
    let version = Version::try_from(version).map_err(|_| MALFORMED)?;
    let params = Params::try_from(&hash).map_err(|_| MALFORMED)?;
    let knows = |name: Ident| ["m", "t", "p"].contains(&name.as_str());
    if !hash.params.iter().all(|(name, _)| knows(name)) {
        return Err(MALFORMED);
    }
    let memory = u64::from(params.m_cost()) << 10;
    let work = memory.saturating_mul(u64::from(params.t_cost()));
    if memory > MEMORY || work > WORK || params.p_cost() > LANES {
        return Err(TOO_EXPENSIVE);
    }
    Ok(Kept {
        function: Function::Argon2(algorithm, version, params),
        salt: salt.to_vec(),
        output: output.as_bytes().to_vec(),
    })
}

/// `$2b$12$`, then 22 characters of salt and 31 of output.
fn bcrypt(text: &str) -> Result<Kept, &'static str> {
    const MALFORMED: &str = "is no hash by bcrypt";
    let rest = text.get(4..).ok_or(MALFORMED)?;
    let (cost, rest) = rest.split_once('$').ok_or(MALFORMED)?;
    let (salt, output) = rest.split_at_checked(22).ok_or(MALFORMED)?;
    if cost.len() != 2 || output.len() != 31 {
        return Err(MALFORMED);
    }
    let cost = number(cost).ok_or(MALFORMED)?;
    if !BCRYPT_COSTS.contains(&cost) {
        return Err(TOO_EXPENSIVE);
    }
    let decode = |text: &str| BCRYPT_BASE64.decode(text).map_err(|_| MALFORMED);
    Ok(Kept {
        function: Function::Bcrypt { cost },
        salt: decode(salt)?,
        output: decode(output)?,
    })
}

/// `$scrypt$ln=16,r=8,p=1$`, then salt and output.
fn scrypt(text: &str) -> Result<Kept, &'static str> {
    const MALFORMED: &str = "is no hash by scrypt as a PHC string";
    let (names, salt, output) = parts(text).ok_or(MALFORMED)?;
    let (mut log_n, mut r, mut p) = (None, None, None);
    for pair in names.split(',') {
        let (name, value) = pair.split_once('=').ok_or(MALFORMED)?;
        let place = match name {
            "ln" => &mut log_n,
            "r" => &mut r,
            "p" => &mut p,
            _ => return Err(MALFORMED),
        };
        *place = Some(number(value).ok_or(MALFORMED)?);
    }
    let (Some(log_n), Some(r), Some(p)) = (log_n, r, p) else {
        return Err(MALFORMED);
    };
    let n = 1_u64.checked_shl(log_n).ok_or(TOO_EXPENSIVE)?;
    let memory = u64::from(r).saturating_mul(128).saturating_mul(n);
    if memory > MEMORY || memory.saturating_mul(u64::from(p)) > SCRYPT_WORK {
        return Err(TOO_EXPENSIVE);
    }
    let log_n = u8::try_from(log_n).map_err(|_| TOO_EXPENSIVE)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| MALFORMED)?;
    Ok(Kept {
        function: Function::Scrypt(params),
        salt,
        output,
    })
}

/// `$pbkdf2-sha256$i=600000,l=32$` or `$pbkdf2-sha256$600000$`, then salt and
/// output.
fn pbkdf2(text: &str, algorithm: pbkdf2::Algorithm) -> Result<Kept, &'static str> {
    const MALFORMED: &str = "is no hash by PBKDF2 as a PHC string";
    let (names, salt, output) = parts(text).ok_or(MALFORMED)?;
    let mut rounds = None;
    for pair in names.split(',') {
        match pair.split_once('=') {
            None | Some(("i", _)) if rounds.is_none() => {
                let value = pair.strip_prefix("i=").unwrap_or(pair);
                rounds = Some(number(value).ok_or(MALFORMED)?);
            }
            Some(("l", length)) if length.parse() == Ok(output.len()) => {}
            _ => return Err(MALFORMED),
        }
    }
    let rounds = rounds.and_then(NonZeroU32::new);
    let rounds = rounds.ok_or(MALFORMED)?;
    if rounds.get() > ROUNDS {
        return Err(TOO_EXPENSIVE);
    }
    Ok(Kept {
        function: Function::Pbkdf2(algorithm, rounds),
        salt,
        output,
    })
}

const TOO_EXPENSIVE: &str = "costs more than a sign-in may take, or less than any does";

/// A number in digits alone.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// The parameters of a hash as text, its salt and its output.
fn parts(text: &str) -> Option<(&str, Vec<u8>, Vec<u8>)> {
    let mut parts = text.split('$').skip(2);
    let (names, salt, output) = (parts.next()?, parts.next()?, parts.next()?);
    // passlib writes a dot for a plus.
    let decode = |text: &str| STANDARD_NO_PAD.decode(text.replace('.', "+")).ok();
    let (salt, output) = (decode(salt)?, decode(output)?);
    let is_whole = parts.next().is_none();
    (is_whole && SALT.contains(&salt.len()) && OUTPUT.contains(&output.len()))
        .then_some((names, salt, output))
}

#[cfg(test)]
mod tests;
