//! Authenticators: one-time passwords by time (RFC 6238, with SHA-1, six
//! digits and steps of 30 seconds, which every authenticator understands). No
//! I/O, no protobuf, no SQL.

use aws_lc_rs::hmac;
use portico_chassis::{
    clock::{Timestamp, fill_random},
    status::Error,
};
use qrcode::{EcLevel, QrCode, render::svg};
use subtle::ConstantTimeEq as _;
use url::Url;
use uuid::Uuid;

use crate::secret::MasterKey;

/// How long a code is shown, in seconds.
const STEP: i64 = 30;

/// How many steps a clock may differ (RFC 6238, section 5.2).
const SKEW: i64 = 1;

/// There are so many codes: six digits.
const CODES: u32 = 1_000_000;

/// The length of a secret, in bytes: that of the hash (RFC 4226, section 4).
const LENGTH: usize = 20;

/// The secret that an authenticator and Portico share.
pub(crate) struct Secret([u8; LENGTH]);

impl Secret {
    pub(crate) fn generate() -> Self {
        let mut secret = [0; LENGTH];
        fill_random(&mut secret);
        Self(secret)
    }

    /// The secret as it is kept.
    pub(crate) fn seal(&self, master_key: &MasterKey, user_id: Uuid) -> Result<Vec<u8>, Error> {
        master_key.seal(&name(user_id), &self.0)
    }

    /// Reads what [`Secret::seal`] made for the same person.
    pub(crate) fn open(
        master_key: &MasterKey,
        user_id: Uuid,
        sealed: &[u8],
    ) -> Result<Self, Error> {
        let opened = master_key.open(&name(user_id), sealed);
        let secret = opened.and_then(|secret| secret.try_into().ok());
        secret.map(Self).ok_or_else(|| {
            let message = "the secret of an authenticator does not open: PORTICO_MASTER_KEY is not the key that it was sealed with";
            Error::internal(message)
        })
    }

    /// The step whose code this is, if it is one of now and later than `last`,
    /// so that no code is taken twice (RFC 6238, section 5.2). The work is the
    /// same for every code.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp, last: i64) -> Option<i64> {
        let shown: String = code
            .chars()
            .filter(|digit| !digit.is_whitespace())
            .collect();
        let current = now.seconds().div_euclid(STEP);
        let mut found = None;
        for step in current - SKEW..=current + SKEW {
            let is_right: bool = self.code(step).as_bytes().ct_eq(shown.as_bytes()).into();
            if is_right && step > last {
                found = Some(step);
            }
        }
        found
    }

    /// The code of a step (RFC 4226, section 5.3).
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0xf);
        let mut word = [0; 4];
        word.copy_from_slice(&tag[offset..offset + 4]);
        let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % CODES;
        format!("{number:06}")
    }

    /// The secret in Base32 (RFC 4648, section 6), to be typed.
    pub(crate) fn text(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(&self.0)
    }

    /// The secret as authenticators read it, for an account at an installation.
    pub(crate) fn url(&self, issuer: &str, account: &str) -> Result<String, Error> {
        let mut url = Url::parse("otpauth://totp/").map_err(Error::internal)?;
        url.path_segments_mut()
            .map_err(|()| Error::internal("the URL of a secret has no path"))?
            .pop_if_empty()
            .push(&format!("{issuer}:{account}"));
        url.query_pairs_mut()
            .append_pair("secret", &self.text())
            .append_pair("issuer", issuer)
            .append_pair("algorithm", "SHA1")
            .append_pair("digits", "6")
            .append_pair("period", &STEP.to_string());
        Ok(url.into())
    }
}

/// A URL as a picture that an authenticator scans.
pub(crate) fn qr_svg(url: &str) -> Result<String, Error> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).map_err(Error::internal)?;
    Ok(code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build())
}

/// What a person's secret is sealed as, so that it opens for nobody else.
fn name(user_id: Uuid) -> String {
    format!("totp of {user_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// The secret of the test vectors.
    fn secret() -> Secret {
        Secret(*b"12345678901234567890")
    }

    /// RFC 6238, appendix B, by the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_test_vectors() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = secret().step_of(code, at(seconds), 0);
            assert_eq!(step, Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn codes_are_those_of_another_generator() {
        for seed in 0..50_u8 {
            let secret = Secret::generate();
            let seconds = 1_700_000_000 + i64::from(seed) * 12_345;
            let other = totp_rs::Builder::new()
                .with_secret(secret.0.to_vec())
                .build()
                .expect("a generator");
            let code = other.generate(u64::try_from(seconds).expect("after 1970"));
            let step = secret.step_of(&code.to_string(), at(seconds), 0);
            assert_eq!(step, Some(seconds / 30));
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off() {
        let code = secret().code(100);
        for (seconds, is_right) in [
            (99 * 30 - 1, false),
            (99 * 30, true),
            (100 * 30, true),
            (102 * 30 - 1, true),
            (102 * 30, false),
        ] {
            let step = secret().step_of(&code, at(seconds), 0);
            assert_eq!(step.is_some(), is_right, "{seconds}");
        }
    }

    #[test]
    fn neither_the_last_code_nor_one_before_is_taken_again() {
        let now = at(100 * 30);
        for (step, last, is_right) in [(100, 99, true), (100, 100, false), (99, 100, false)] {
            let taken = secret().step_of(&secret().code(step), now, last);
            assert_eq!(taken.is_some(), is_right, "{step} after {last}");
        }
    }

    #[test]
    fn spaces_do_not_matter_and_everything_else_does() {
        let now = at(59);
        assert!(secret().step_of(" 287 082 ", now, 0).is_some());
        for code in ["287083", "28708", "2870820", "", "-287082", "２８７０８２"] {
            assert_eq!(secret().step_of(code, now, 0), None, "{code}");
        }
    }

    #[test]
    fn a_secret_opens_for_its_person_only() {
        let key = MasterKey::parse(&"A".repeat(43)).expect("key");
        let (ada, eve) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = secret().seal(&key, ada).expect("sealed");
        let opened = Secret::open(&key, ada, &sealed).expect("opened");
        assert_eq!(opened.0, secret().0);
        assert!(Secret::open(&key, eve, &sealed).is_err());
    }

    #[test]
    fn authenticators_can_read_the_url() {
        let url = secret().url("id.example.com", "ada+x y@example.com");
        assert_eq!(
            url.expect("a URL"),
            "otpauth://totp/id.example.com:ada+x%20y@example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=id.example.com\
             &algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn the_longest_address_fits_into_a_picture() {
        let account = format!("{}@example.com", "ä".repeat(120));
        let url = secret().url("id.example.com", &account).expect("a URL");
        let svg = qr_svg(&url).expect("a picture");
        assert!(svg.contains("<svg") && svg.contains("</svg>"));
        assert!(!svg.contains("<script"));
    }
}
