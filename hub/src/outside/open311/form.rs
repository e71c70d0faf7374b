//! What a client sends: pairs of a query or a form, and the request that they make. Pure.

use gridwatch_protocol::{Place, SiteId};

use super::{ATTRIBUTES, Refusal};
use crate::catalogue::{Catalogue, Category};
use crate::directory::Directory;
use crate::outside::matter::{self, Matter, Source};
use crate::outside::person::Person;
use crate::outside::place::{self, Position, System};
use crate::outside::{DESCRIPTION_CHARACTERS_MAX, SHORT_CHARACTERS_MAX};

/// Longest address of a picture, in characters.
const URL_CHARACTERS_MAX: usize = 2_000;
/// Pairs of one request: more than the specification has fields.
const PAIRS_MAX: usize = 200;

/// Names and values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads `application/x-www-form-urlencoded` text; what is not UTF-8 is replaced, for the
    /// specification takes nothing else.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let parts = text.split(|byte| *byte == b'&');
        let parts = parts.filter(|part| !part.is_empty()).take(PAIRS_MAX);
        let pair = |part: &[u8]| {
            let at = part.iter().position(|byte| *byte == b'=');
            let (name, value) = part.split_at(at.unwrap_or(part.len()));
            (decoded(name), decoded(value.get(1..).unwrap_or_default()))
        };
        Self(parts.map(pair).collect())
    }

    /// The value of a field; an empty one counts as none, as the specification has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(own, _)| own == name);
        found.find_map(|(_, value)| Some(value.trim()).filter(|v| !v.is_empty()))
    }

    /// Attributes of a service definition: `attribute[code]` or `attribute[code][]`.
    fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix("attribute[")?;
            let (code, _) = rest.split_once(']')?;
            Some((code, value.trim())).filter(|(_, value)| !value.is_empty())
        })
    }

    /// Everything but the key, in a form that two equal requests share.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut rest: Vec<_> = self
            .0
            .iter()
            .filter(|(name, _)| name != "api_key")
            .collect();
        rest.sort();
        serde_json::to_string(&rest).unwrap_or_default()
    }
}

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                match (hex(ahead.next()), hex(ahead.next())) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = ahead;
                    }
                    _ => bytes.push(byte),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The categories that the public may report.
pub fn services(catalogue: &Catalogue) -> impl Iterator<Item = &Category> {
    catalogue
        .categories()
        .iter()
        .filter(|category| category.public)
}

/// The matter that a client reports. `within` is the area of its key.
///
/// # Errors
/// Everything that is missing or wrong, at once.
pub fn matter(
    pairs: &Pairs,
    catalogue: &Catalogue,
    directory: &Directory,
    within: Option<&str>,
) -> Result<Matter, Refusal> {
    let mut refusal = Refusal::default();
    let service = service(pairs, catalogue, &mut refusal);
    let point = point(pairs, &mut refusal);
    let site = pairs.get("address_id").and_then(|id| SiteId::new(id).ok());
    let site = site.filter(|site| directory.site(site).is_some());
    let located = ["lat", "long", "address_string", "address_id"];
    if located.iter().all(|name| pairs.get(name).is_none()) {
        refusal.push(
            400,
            "a location is missing: give lat and long, or address_string, or address_id",
        );
    }
    let reporter = reporter(pairs, &mut refusal);
    let place = place_in_site(pairs, &mut refusal);
    let description = pairs.get("description").unwrap_or_default();
    too_long(
        "description",
        description,
        DESCRIPTION_CHARACTERS_MAX,
        &mut refusal,
    );
    let address = pairs.get("address_string").or(pairs.get("address_id"));
    too_long(
        "address_string",
        address.unwrap_or_default(),
        SHORT_CHARACTERS_MAX,
        &mut refusal,
    );
    let media_url = media_url(pairs, &mut refusal);
    let Some(service) = service.filter(|_| refusal.is_empty()) else {
        return Err(refusal);
    };
    Ok(Matter {
        category: service.code.clone(),
        severity: service.severity,
        description: description.to_owned(),
        site: place::locate(directory, site.as_ref(), None, point, within),
        place,
        point,
        address: address.map(str::to_owned),
        media_url,
        photos: Vec::new(),
        reporter,
        source: Source::Open311,
        is_drill: false,
    })
}

fn service<'a>(
    pairs: &Pairs,
    catalogue: &'a Catalogue,
    refusal: &mut Refusal,
) -> Option<&'a Category> {
    let Some(code) = pairs.get("service_code") else {
        refusal.push(400, "service_code was not provided");
        return None;
    };
    let found = services(catalogue).find(|category| category.code == code);
    if found.is_none() {
        let code = matter::cut(code);
        refusal.push(404, format!("service_code {code} was not found"));
    }
    found
}

fn point(pairs: &Pairs, refusal: &mut Refusal) -> Option<place::Point> {
    let (lat, lon) = (pairs.get("lat"), pairs.get("long"));
    if lat.is_some() != lon.is_some() {
        refusal.push(400, "lat and long need each other");
    }
    let (lat, lon) = (lat?, lon?);
    let (lat, lon) = (lat.parse().ok(), lon.parse().ok());
    let point = lat.zip(lon).and_then(|(lat, lon)| {
        let position = Position {
            lat,
            lon,
            system: System::Wgs84,
        };
        position.point()
    });
    if point.is_none() {
        refusal.push(
            400,
            "lat must be from -90 to 90 and long from -180 to 180, in degrees (WGS84)",
        );
    }
    point
}

fn reporter(pairs: &Pairs, refusal: &mut Refusal) -> Person {
    let own = |name: &str| pairs.get(name).map(str::to_owned);
    let names: Vec<&str> = ["last_name", "first_name"]
        .iter()
        .filter_map(|name| pairs.get(name))
        .collect();
    let cjk = names.iter().any(|name| !name.is_ascii());
    let person = Person {
        // A Chinese family name stands before the given name, and close to it.
        name: (!names.is_empty()).then(|| {
            if cjk {
                names.concat()
            } else {
                names.iter().rev().copied().collect::<Vec<_>>().join(" ")
            }
        }),
        phone: own("phone"),
        email: own("email"),
        language: None,
        account: own("account_id"),
    }
    .tidy();
    for field in person.wrong() {
        let field = match field {
            "name" => "first_name and last_name",
            "account" => "account_id",
            other => other,
        };
        refusal.push(400, format!("{field} cannot be so"));
    }
    person
}

fn place_in_site(pairs: &Pairs, refusal: &mut Refusal) -> Place {
    let mut place = Place::default();
    for (code, value) in pairs.attributes() {
        too_long(
            &format!("attribute[{}]", matter::cut(code)),
            value,
            SHORT_CHARACTERS_MAX,
            refusal,
        );
        let value = Some(value.to_owned());
        match code {
            "building" => place.building = value,
            "unit" => place.unit = value,
            "floor" => place.floor = value,
            "room" => place.room = value,
            other => {
                let names: Vec<&str> = ATTRIBUTES.iter().map(|(code, ..)| *code).collect();
                refusal.push(
                    400,
                    format!(
                        "attribute[{}] is not defined; attributes are {}",
                        matter::cut(other),
                        names.join(", ")
                    ),
                );
            }
        }
    }
    place
}

fn media_url(pairs: &Pairs, refusal: &mut Refusal) -> Option<String> {
    let url = pairs.get("media_url")?;
    let web = url.starts_with("https://") || url.starts_with("http://");
    if !web || url.chars().count() > URL_CHARACTERS_MAX || url.contains(char::is_control) {
        refusal.push(
            400,
            format!("media_url must be a web address of at most {URL_CHARACTERS_MAX} characters"),
        );
    }
    Some(url.to_owned())
}

fn too_long(name: &str, value: &str, max: usize, refusal: &mut Refusal) {
    if value.chars().count() > max {
        refusal.push(400, format!("{name} has at most {max} characters"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::Shipped;
    use proptest::prelude::*;

    fn read(form: &str) -> Result<Matter, Refusal> {
        let shipped = Shipped::load();
        let pairs = Pairs::read(form.as_bytes());
        matter(&pairs, &shipped.catalogue, &shipped.directory, None)
    }

    #[test]
    fn form_becomes_a_matter_at_its_place() {
        let matter = read("api_key=k&service_code=water_leak&lat=23.0208&long=113.1521&first_name=%E8%8A%B3&last_name=%E7%8E%8B&phone=138+0000+1234&description=a%0Ab&attribute[building]=3&attribute%5Broom%5D=hall&media_url=https%3A%2F%2Fx%2Fp.jpg").unwrap();
        assert_eq!(matter.site.as_str(), "xinghe-garden");
        assert_eq!(matter.description, "a\nb");
        assert_eq!(matter.place.building.as_deref(), Some("3"));
        assert_eq!(matter.place.room.as_deref(), Some("hall"));
        assert_eq!(matter.reporter.name.as_deref(), Some("王芳"));
        assert_eq!(matter.reporter.phone.as_deref(), Some("13800001234"));
        let named =
            read("service_code=water_leak&address_id=xinghe-market&first_name=Li&last_name=Smith")
                .unwrap();
        assert_eq!(named.site.as_str(), "xinghe-market");
        assert_eq!(named.reporter.name.as_deref(), Some("Li Smith"));
    }

    #[test]
    fn everything_that_is_missing_or_wrong_is_told_at_once() {
        let told = read("").unwrap_err();
        assert_eq!(told.reasons().len(), 2, "{told:?}");
        let told = read("service_code=no_such&lat=x&email=at+home&attribute[colour]=red&media_url=file:///etc/passwd").unwrap_err();
        let words: Vec<&str> = told
            .reasons()
            .iter()
            .map(|(_, words)| words.as_str())
            .collect();
        for expected in [
            "no_such",
            "need each other",
            "email",
            "attribute[colour]",
            "media_url",
        ] {
            assert!(
                words.iter().any(|word| word.contains(expected)),
                "{expected}: {words:?}"
            );
        }
        let hidden = read("service_code=fire_confirmed&address_string=x").unwrap_err();
        assert_eq!(hidden.reasons()[0].0, 404, "not every category is public");
    }

    #[test]
    fn two_equal_requests_are_equal_whatever_the_order_and_the_key() {
        let canonical = |text: &str| Pairs::read(text.as_bytes()).canonical();
        assert_eq!(
            canonical("a=1&api_key=x&b=2"),
            canonical("b=2&a=1&api_key=y")
        );
        assert_ne!(canonical("a=1&b=2"), canonical("a=1&b=3"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_pairs(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let pairs = Pairs::read(&text);
            let shipped = Shipped::load();
            if let Err(refusal) = matter(&pairs, &shipped.catalogue, &shipped.directory, None) {
                prop_assert!(!refusal.is_empty());
            }
        }

        #[test]
        fn what_is_encoded_is_decoded(text in "\\PC{0,40}") {
            let encoded = crate::notify::template::percent(&text);
            prop_assert_eq!(decoded(encoded.as_bytes()), text);
        }
    }
}
