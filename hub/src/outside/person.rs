//! Who reported a matter: checked, masked, and where a message reaches them. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SHORT_CHARACTERS_MAX;

/// Who reported a matter. Personal data: see the page of [`crate::outside`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Reporter)]
pub struct Person {
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Telephone number: digits, with `+` before a country's code; blanks, `-` and brackets are taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `zh` or `en`: in which language they are told that it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Their account at the service that passed it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Person {
    /// Takes out what is empty and what numbers are written with for the eye.
    #[must_use]
    pub fn tidy(self) -> Self {
        let phone = self.phone.map(|phone| {
            let kept = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.');
            phone.chars().filter(kept).collect()
        });
        Self {
            name: given(self.name),
            phone: given(phone),
            email: given(self.email),
            language: given(self.language),
            account: given(self.account),
        }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Names of the fields that cannot be so.
    #[must_use]
    pub fn wrong(&self) -> Vec<&'static str> {
        let too_long = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            text.chars().count() > SHORT_CHARACTERS_MAX || text.contains(char::is_control)
        };
        let mut wrong = Vec::new();
        if too_long(&self.name) {
            wrong.push("name");
        }
        if self.phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
            wrong.push("phone");
        }
        let is_mail = |mail: &str| mail.parse::<lettre::Address>().is_ok();
        if too_long(&self.email) || self.email.as_deref().is_some_and(|mail| !is_mail(mail)) {
            wrong.push("email");
        }
        let languages = [None, Some("zh"), Some("en")];
        if !languages.contains(&self.language.as_deref()) {
            wrong.push("language");
        }
        if too_long(&self.account) {
            wrong.push("account");
        }
        wrong
    }

    /// As officers see it without a reveal.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self {
            name: self.name.as_deref().map(|name| first(name, 1)),
            phone: self.phone.as_deref().map(masked_phone),
            email: self
                .email
                .as_deref()
                .map(|mail| match mail.rsplit_once('@') {
                    Some((local, host)) => format!("{}@{host}", first(local, 1)),
                    None => first(mail, 1),
                }),
            language: self.language.clone(),
            account: self.account.as_deref().map(|account| first(account, 2)),
        }
    }

    /// Where a message reaches them, the better way first.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.phone
            .as_deref()
            .into_iter()
            .chain(self.email.as_deref())
    }
}

fn given(text: Option<String>) -> Option<String> {
    let text = text?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// An optional `+` and 5 to 20 digits, as the channels for SMS take it.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn first(text: &str, count: usize) -> String {
    text.chars().take(count).chain("***".chars()).collect()
}

/// The last four digits are what officers compare when somebody calls back; of a short number, two.
fn masked_phone(phone: &str) -> String {
    let length = phone.chars().count();
    let from = length.saturating_sub(if length >= 8 { 4 } else { 2 });
    "***".chars().chain(phone.chars().skip(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wang() -> Person {
        Person {
            name: Some(" 王芳 ".into()),
            phone: Some("+86 138-0000 1234".into()),
            email: Some("wang.fang@example.org".into()),
            language: Some("zh".into()),
            account: Some(String::new()),
        }
        .tidy()
    }

    #[test]
    fn mask_leaves_what_is_needed_to_recognise_a_caller_and_no_more() {
        let wang = wang();
        assert_eq!(wang.wrong(), Vec::<&str>::new());
        let masked = wang.masked();
        assert_eq!(masked.name.as_deref(), Some("王***"));
        assert_eq!(masked.phone.as_deref(), Some("***1234"));
        assert_eq!(masked.email.as_deref(), Some("w***@example.org"));
        assert_eq!(masked.account, None);
        assert_eq!(wang.addresses().next(), Some("+8613800001234"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let person = Person {
            name: Some("x\u{7}".into()),
            phone: Some("no".into()),
            email: Some("at home".into()),
            language: Some("fr".into()),
            account: Some("a".repeat(201)),
        };
        assert_eq!(
            person.wrong(),
            ["name", "phone", "email", "language", "account"]
        );
    }

    proptest! {
        #[test]
        fn masked_phone_never_shows_more_than_four_digits(phone in "\\+?[0-9]{5,20}") {
            let masked = masked_phone(&phone);
            prop_assert!(masked.chars().filter(char::is_ascii_digit).count() <= 4);
        }
    }
}
