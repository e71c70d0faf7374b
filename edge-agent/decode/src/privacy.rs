//! Cards, plates and names of people never leave the gateway: a pseudonym does. It is the same for the
//! same credential at the same site, so that "the same card as yesterday" can still be seen, and it
//! cannot be turned back or compared between sites.

use gridwatch_protocol::{Kind, Value};

use crate::observation::Observation;

/// Ways to open a door that are no credential of anybody. Anything else is taken for one.
const METHODS: &[&str] = &[
    "auto",
    "button",
    "card",
    "code",
    "exit",
    "face",
    "fingerprint",
    "keypad",
    "manual",
    "manual_lock",
    "manual_unlock",
    "app",
    "password",
    "pin",
    "remote",
    "rf",
    "rfid",
    "lock",
    "unlock",
    "schedule",
    "self",
    "unknown",
    "keypad_unlock",
    "rf_unlock",
    "key_unlock",
];
/// Bytes of the keyed hash that are kept: 64 bits tell the cards of a city apart.
const HASH_BYTES: usize = 8;

/// Makes pseudonyms with a site's key: HMAC-SHA256 (RFC 2104), cut to 64 bits.
#[derive(Clone)]
pub struct Pseudonyms {
    key: ring::hmac::Key,
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(secret)")
    }
}

impl Pseudonyms {
    /// With the site's key, 32 random bytes that stay on the gateway.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key),
        }
    }

    /// The pseudonym of a credential.
    #[must_use]
    pub fn of(&self, credential: &str) -> String {
        let tag = ring::hmac::sign(&self.key, credential.trim().as_bytes());
        let mut text = String::with_capacity(1 + 2 * HASH_BYTES);
        text.push('#');
        for byte in tag.as_ref().iter().take(HASH_BYTES) {
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }
}

/// Whether a value says who somebody is: a format marked it so, or it is the credential of an access.
#[must_use]
pub fn is_personal(observation: &Observation) -> bool {
    let is_access = matches!(observation.kind, Kind::AccessGranted | Kind::AccessDenied);
    match &observation.value {
        Value::Text(text) if is_access => {
            let word = text.trim().to_lowercase().replace([' ', '-'], "_");
            observation.personal || !METHODS.contains(&word.as_str())
        }
        Value::Text(_) => observation.personal,
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_become_pseudonyms_and_methods_stay() {
        let names = Pseudonyms::new(&[7; 32]);
        let one = names.of("f9c2f720");
        assert_eq!(one, names.of(" f9c2f720 "));
        assert_ne!(one, names.of("f9c2f721"));
        assert_ne!(one, Pseudonyms::new(&[8; 32]).of("f9c2f720"));
        assert!(one.len() == 17 && !one.contains("f9c2"));
        let seen = |kind, word: &str| is_personal(&Observation::word("d", kind, word));
        assert!(seen(Kind::AccessGranted, "f9c2f720"));
        assert!(seen(Kind::AccessDenied, "Marlon"));
        assert!(!seen(Kind::AccessGranted, "Button"));
        assert!(!seen(Kind::CameraObject, "person"));
        let plate = Observation::word("d", Kind::CameraObject, "123ABC").personal();
        assert!(is_personal(&plate));
    }

    #[test]
    fn a_card_in_the_id_of_its_event_is_a_pseudonym_too() {
        let observation =
            Observation::word("d", Kind::AccessGranted, "f9c2f720").event("d/1/f9c2f720");
        let now = gridwatch_protocol::Timestamp::from_unix_ms(0);
        let reading = observation
            .into_reading(
                false,
                now,
                &jiff::tz::TimeZone::UTC,
                &Pseudonyms::new(&[7; 32]),
            )
            .expect("a reading");
        assert!(!format!("{reading:?}").contains("f9c2f720"));
    }
}
