//! E-mail addresses: which ones are accepted, and when two are the same. Two
//! services must agree on it, or an invitation would miss its account.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// An e-mail address, kept as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address: one `@`, a local part of 1 to 64 bytes without space
    /// (RFC 5321, section 4.5.3.1.1; comments and quoting are not accepted),
    /// and a domain with a dot that IDNA can write in ASCII.
    ///
    /// # Errors
    ///
    /// The detail code and what is expected.
    pub fn parse(text: &str) -> Result<Self, (&'static str, String)> {
        let refusal = || ("EMAIL_INVALID", "must be an e-mail address".to_owned());
        let email = Self(text.trim().to_owned());
        let (local, domain) = email.0.rsplit_once('@').ok_or_else(refusal)?;
        let is_plain = |letter: char| {
            !letter.is_whitespace() && !letter.is_control() && !r#"@"(),:;<>[\]"#.contains(letter)
        };
        let is_dotted = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        if !(1..=64).contains(&local.len()) || !local.chars().all(is_plain) || !is_dotted {
            return Err(refusal());
        }
        let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| refusal())?;
        if !ascii.contains('.') || ascii.ends_with('.') || email.key().len() > 254 {
            return Err(refusal());
        }
        Ok(email)
    }

    /// An address that was accepted before.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as addresses are compared: in lower case and NFC, with the
    /// domain in its ASCII form.
    #[must_use]
    pub fn key(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let local: String = local.to_lowercase().nfc().collect();
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
        format!("{local}@{domain}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_regard_to_case_and_form() {
        let key = |text| EmailAddress::parse(text).expect(text).key();
        assert_eq!(key("Ada@Example.COM"), "ada@example.com");
        assert_eq!(key("jose\u{301}@example.com"), key("JOS\u{c9}@example.com"));
        assert_eq!(key("a@b\u{fc}cher.example"), "a@xn--bcher-kva.example");
        assert_eq!(key("a@B\u{dc}CHER.example"), "a@xn--bcher-kva.example");
    }

    #[test]
    fn an_address_is_kept_as_it_was_typed() {
        let email = EmailAddress::parse(" Ada@Example.COM ").expect("valid");
        assert_eq!(email.as_str(), "Ada@Example.COM");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a b@example.com",
            "a@b@example.com",
            "ada@exa mple.com",
            "ada@-a.com",
            ".a@example.com",
            "a..b@example.com",
            "a@example.com.",
            "<a>@example.com",
            "a\n@example.com",
            &long,
        ] {
            let (code, _) = EmailAddress::parse(text).expect_err(text);
            assert_eq!(code, "EMAIL_INVALID");
        }
    }
}
