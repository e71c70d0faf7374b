//! Keys, tokens and passwords: making them, hashing them, comparing them.
//!
//! Keys and tokens have 256 random bits and are stored as SHA-256; passwords as argon2id. Nothing here
//! logs or stores a secret in the clear.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Passwords have at least this many characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 10;
/// And at most this many bytes, which bounds the work of hashing.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// argon2id with t=1, p=1 and 46 MiB (OWASP ASVS 5.0, appendix C).
const MEMORY_KIB: u32 = 47_104;

/// 256 random bits as 43 letters, digits, `-` and `_`.
#[must_use]
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .expect("the kernel gives random bytes");
    bytes
}

/// SHA-256 of a token, as hexadecimal text. Enough for 256 random bits: there is nothing to guess.
#[must_use]
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Compares in a time that does not tell where two texts differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// A password of 20 characters from an alphabet without look-alikes: 100 bits.
#[must_use]
pub fn random_password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    random::<20>()
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// Checks a new password.
///
/// # Errors
/// What is wrong with it.
pub fn check_password(password: &str) -> Result<(), String> {
    let characters = password.chars().count();
    if characters < PASSWORD_CHARACTERS_MIN {
        return Err(format!(
            "the password has {characters} characters, at least {PASSWORD_CHARACTERS_MIN} are needed"
        ));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(format!(
            "the password has {} bytes, at most {PASSWORD_BYTES_MAX} are allowed",
            password.len()
        ));
    }
    Ok(())
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, 1, 1, None).expect("constants within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// argon2id in PHC form. Takes tens of milliseconds: never call it on an async thread.
#[must_use]
pub fn password_hash(password: &str) -> String {
    let salt = SaltString::encode_b64(&random::<16>()).expect("16 bytes are a salt");
    argon2id()
        .hash_password(password.as_bytes(), &salt)
        .expect("any password can be hashed")
        .to_string()
}

/// Whether a password fits; without a hash it does the same work and says no. Takes as long as
/// [`password_hash`].
#[must_use]
pub fn password_fits(password: &str, hash: Option<&str>) -> bool {
    let Some(parsed) = hash.and_then(|hash| PasswordHash::new(hash).ok()) else {
        // An unknown name must take as long as a wrong password.
        drop(password_hash(password));
        return false;
    };
    password.len() <= PASSWORD_BYTES_MAX
        && argon2id()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_fits_its_own_hash_only_and_the_hash_names_its_cost() {
        let hash = password_hash("correct horse");
        assert!(
            hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"),
            "{hash}"
        );
        assert!(password_fits("correct horse", Some(&hash)));
        assert!(!password_fits("correct horsf", Some(&hash)));
        assert!(!password_fits("correct horse", None));
    }

    #[test]
    fn tokens_and_passwords_are_long_and_differ() {
        assert_eq!(random_token().len(), 43);
        assert_ne!(random_token(), random_token());
        assert_eq!(random_password().len(), 20);
        assert!(check_password(&random_password()).is_ok());
        assert!(check_password("too short").is_err());
    }
}
