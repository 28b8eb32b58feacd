//! Hashes that others made: passlib 1.7, bcrypt 4.0, argon2-cffi 25 and hashlib
//! of Python.

use super::*;

const PASSWORD: &str = "correct horse";

const HASHES: [&str; 17] = [
    "$2a$04$N/mxQT9XzQNpvjT7xpP3JeFJBqvklRE879mtUyFj2TvrFjln2D3we",
    "$2b$04$vXZGwlwgI2hwrvUAi0KUUeD8kaQOly8ExTeI4DxIbvjEy/VTLHDxu",
    "$2b$04$alhGcJ02Dvo3bLnqVDbn8.4G/Lz4NkUJOE9dq/ljwml/UWBVQzgI6",
    "$2y$04$ChNg5ej0BQsm4MnmkFv68OGUJbfKLpM7mXjNwwN03COmI8TFfyn0S",
    "$scrypt$ln=4,r=8,p=1$c47RGmPsnVNqzVmrlRJibA$FrrFE1lA57akbtVYT0KKsBnFf1EX5bUVKD33JNrqmY4",
    "$scrypt$ln=5,r=4,p=2$JIRwLsU4R+jde+/9P6c05g$f9mGPyyGeitv60Pg3DffFXIox98gc99BG8TTtGCYhZY",
    "$scrypt$ln=4,r=8,p=1$c2FsdCBvZiAxNiBieXRlcw$yrYEuKwHP318dGajKbegrGD7ZtJmDUOu+9HI51B70TyIg+7t+5LV3hd4IzMey2Bbq61t9L6I/Z9M9QnOr6ox8g",
    "$pbkdf2-sha256$1000$F0JoTakVAkAoBaDU2jsnBA$lCw/5LHbIlewROKfmXv4sjZfGIB03KZZCtCGeRBKuz0",
    "$pbkdf2-sha512$1000$ea9V6r03xljLWWvtfU8pRQ$IeO1obRtgzAvhXCTFz.EEa6J7RhNcI5Rms3/7YFzhzdM6Ky3B4ciV5B6S0PFp.yVtD6FmBVX6xRdof2LhweJKg",
    "$pbkdf2$1000$LsV4zxljbO0do3TunTPmfA$S5TByxChLM0oeQ491aKwpX2VVEE",
    "$pbkdf2-sha256$i=1000,l=32$c2FsdCBvZiAxNiBieXRlcw$gjAg4G0o3A6i2kepk4hz39M5y0pP5Xcc9Mfg/CFmTt8",
    "$pbkdf2-sha512$i=1000$c2FsdCBvZiAxNiBieXRlcw$I5boQTRH3rzfyZo5nPHPTxH4agIHHE7FLtXxRw4M72coUhF5WUqlWLKuR6w7/iMrpO8a53jB+V9muXBXOo7KEg",
    "$pbkdf2-sha1$i=1000$c2FsdCBvZiAxNiBieXRlcw$So2zoiNbzhIrgLP/jYvdJvnDXg0",
    "$argon2i$v=19$m=64,t=2,p=2$x2DQ/enq6EfvR4cz$L51e1+gPBMUbEZXMkgochSuWs14kq1j0",
    "$argon2d$v=19$m=64,t=2,p=2$PR8mwpTJBGDwbqjs$rd51odIcO9U5/Bo9q3y+/sR2nNvLdXZV",
    "$argon2id$v=19$m=64,t=2,p=2$zmol7ui7DUcHzLLM$bZiM6dIsFoBMmEfnCvPglzVOsvCbbQ6O",
    "$argon2i$v=16$m=64,t=1,p=1$c29tZXNhbHQxMjM0$Z/pMJxQhOiYLhk4ch9jJUOF8QPCZHqpwchsfENvDbJc",
];

fn is_of(hash: &str, password: &str) -> bool {
    let kept = Kept::parse(hash).expect(hash);
    kept.is_of(&Password::given(password), &mut Memory::default())
}

#[test]
fn a_password_has_the_hash_that_others_computed_and_no_other_password_has() {
    for hash in HASHES {
        assert!(is_of(hash, PASSWORD), "{hash}");
        assert!(!is_of(hash, "correct horsf"), "{hash}");
        assert!(!is_of(hash, ""), "{hash}");
    }
}

#[test]
fn without_a_version_argon2_is_that_of_before_there_was_one() {
    let hash = HASHES[16].replace("$v=16", "");
    assert!(is_of(&hash, PASSWORD));
    assert!(!is_of(&HASHES[16].replace("v=16", "v=19"), PASSWORD));
}

#[test]
fn bcrypt_looks_at_the_first_72_bytes_and_at_utf_8() {
    // Of "x" 71 times, "é" and "y" 20 times: it ends within the "é".
    let long = "$2b$04$PvrlkJhTqQp8Er1Td0JQJOeGnuG1JbzhJOZ0wuOo1sZcEKJQ/WoKu";
    let begin = "x".repeat(71);
    assert!(is_of(long, &format!("{begin}\u{e9}{}", "y".repeat(20))));
    assert!(is_of(long, &format!("{begin}\u{e9}")));
    assert!(!is_of(long, &format!("{begin}a")));
    assert!(!is_of(long, &begin));
    let umlauts = "$2b$04$1m6cCx2De/5AzAjsB6K8T.EMh9ugu9EjMjbEHyNyKAMzHzCro9vKm";
    assert!(is_of(umlauts, "Gr\u{fc}\u{df}e aus K\u{f6}ln"));
    assert!(is_of(umlauts, "Gru\u{308}\u{df}e aus Ko\u{308}ln"));
}

#[test]
fn what_is_cut_off_or_changed_is_no_hash_or_another_one() {
    for hash in HASHES {
        for end in 0..hash.len() {
            let cut = Kept::parse(&hash[..end]);
            let is_of = |kept: Kept| kept.is_of(&Password::given(PASSWORD), &mut Memory::default());
            let is_of = cut.is_ok_and(is_of);
            // The first half of what these give is what they give for a half.
            let is_by_blocks = hash.contains("scrypt") || hash.contains("pbkdf2");
            assert!(!is_of || is_by_blocks, "{}", &hash[..end]);
        }
        assert!(Kept::parse(&format!("{hash}$AAAA")).is_err());
        assert!(Kept::parse(&format!("{hash}!")).is_err());
        assert!(Kept::parse(&hash[1..]).is_err());
    }
    for text in [
        "",
        "$",
        "$2b$",
        "$2b$\u{1f512}",
        "plain",
        "$1$salt$hash",
        "$argon2id$",
        "$scrypt$$$",
    ] {
        assert!(Kept::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_hash_that_would_cost_too_much_is_refused() {
    let end = "c2FsdCBvZiAxNiBieXRlcw$gjAg4G0o3A6i2kepk4hz39M5y0pP5Xcc9Mfg/CFmTt8";
    for (start, is_allowed) in [
        ("$argon2id$v=19$m=131072,t=16,p=16", true),
        ("$argon2id$v=19$m=131073,t=1,p=1", false),
        ("$argon2id$v=19$m=4294967295,t=1,p=1", false),
        ("$argon2id$v=19$m=65536,t=33,p=1", false),
        ("$argon2id$v=19$m=8,t=4294967295,p=1", false),
        ("$argon2id$v=19$m=4096,t=1,p=17", false),
        ("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA", false),
        ("$scrypt$ln=17,r=8,p=1", true),
        ("$scrypt$ln=17,r=8,p=4", true),
        ("$scrypt$ln=17,r=8,p=5", false),
        ("$scrypt$ln=18,r=8,p=1", false),
        ("$scrypt$ln=63,r=8,p=1", false),
        ("$scrypt$ln=64,r=8,p=1", false),
        ("$scrypt$ln=4,r=4294967295,p=4294967295", false),
        ("$scrypt$ln=4,r=0,p=1", false),
        ("$scrypt$ln=4,r=8", false),
        ("$pbkdf2-sha256$i=2000000", true),
        ("$pbkdf2-sha256$i=2000001", false),
        ("$pbkdf2-sha256$i=0", false),
        ("$pbkdf2-sha256$i=-1", false),
        ("$pbkdf2-sha256$i=1,i=2", false),
        ("$pbkdf2-sha256$i=1,l=31", false),
        ("$pbkdf2-sha256$l=32", false),
        ("$pbkdf2-sha384$i=1", false),
    ] {
        let hash = format!("{start}${end}");
        assert_eq!(Kept::parse(&hash).is_ok(), is_allowed, "{hash}");
    }
    let rest = "N/mxQT9XzQNpvjT7xpP3JeFJBqvklRE879mtUyFj2TvrFjln2D3we";
    for (cost, is_allowed) in [
        ("14", true),
        ("15", false),
        ("31", false),
        ("03", false),
        ("+9", false),
    ] {
        let hash = format!("$2b${cost}${rest}");
        assert_eq!(Kept::parse(&hash).is_ok(), is_allowed, "{hash}");
    }
}

#[test]
fn a_refusal_has_nothing_of_the_hash() {
    for hash in ["$2b$99$secretsecret", "$argon2id$secret", "secret"] {
        let refusal = Kept::parse(hash).expect_err("refused");
        assert!(!refusal.contains("secret"));
    }
}
