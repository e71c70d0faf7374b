//! One tree, written as JSON and as XML. Pure.
//!
//! JSON follows XML by the rule that the specification names: a list of elements is an array, the name of
//! its elements is left out. Whatever people wrote comes back as text: it is escaped, and characters
//! that XML 1.0 cannot have are replaced.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::{Map, Value};

/// In which form to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.json`
    Json,
    /// `.xml`
    Xml,
}

impl Format {
    /// Splits `requests.json` into its name and its form.
    #[must_use]
    pub fn split(file: &str) -> Option<(&str, Self)> {
        let (name, ending) = file.rsplit_once('.')?;
        match ending {
            "json" => Some((name, Self::Json)),
            "xml" => Some((name, Self::Xml)),
            _ => None,
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// A text.
    Text(String),
    /// Yes or no.
    Yes(bool),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Nothing: null, or an empty element.
    Nothing,
    /// Records, each in an element of this name.
    Records(&'static str, Vec<Record>),
    /// Texts, each in an element of this name.
    Texts(&'static str, Vec<String>),
}

impl Field {
    /// The text, or nothing.
    #[must_use]
    pub fn maybe(text: Option<String>) -> Self {
        text.map_or(Field::Nothing, Field::Text)
    }
}

/// Named values, in order.
pub type Record = Vec<(&'static str, Field)>;

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// A list of records.
    List {
        /// Name of the outermost element.
        root: &'static str,
        /// Name of the element of one record.
        item: &'static str,
        /// The records.
        records: Vec<Record>,
    },
    /// One record.
    One {
        /// Name of the outermost element.
        root: &'static str,
        /// The record.
        record: Record,
    },
}

impl Document {
    /// As an answer with its content type.
    #[must_use]
    pub fn answer(&self, format: Format) -> Response {
        let (kind, body) = match format {
            Format::Json => ("application/json; charset=utf-8", self.json().to_string()),
            Format::Xml => ("text/xml; charset=utf-8", self.xml()),
        };
        (
            [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
            body,
        )
            .into_response()
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Document::List { records, .. } => records.iter().map(record_json).collect(),
            Document::One { record, .. } => record_json(record),
        }
    }

    /// As XML, with its declaration.
    ///
    /// # Panics
    /// Never: memory takes everything that is written to it.
    #[must_use]
    pub fn xml(&self) -> String {
        let mut writer = Writer::new(Vec::new());
        self.write(&mut writer).expect("memory takes everything");
        String::from_utf8(writer.into_inner()).expect("made of texts")
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        match self {
            Document::List {
                root,
                item,
                records,
            } => {
                let records = Field::Records(item, records.clone());
                field_xml(writer, root, &records)
            }
            Document::One { root, record } => record_xml(writer, root, record),
        }
    }
}

fn record_json(record: &Record) -> Value {
    let pairs = record.iter();
    let pairs = pairs.map(|(name, field)| ((*name).to_owned(), field_json(field)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn field_json(field: &Field) -> Value {
    match field {
        Field::Text(text) => Value::from(text.as_str()),
        Field::Yes(yes) => Value::from(*yes),
        Field::Whole(number) => Value::from(*number),
        Field::Number(number) => Value::from(*number),
        Field::Nothing => Value::Null,
        Field::Records(_, records) => records.iter().map(record_json).collect(),
        Field::Texts(_, texts) => texts.iter().map(String::as_str).collect(),
    }
}

fn record_xml(writer: &mut Writer<Vec<u8>>, name: &str, record: &Record) -> std::io::Result<()> {
    writer.create_element(name).write_inner_content(|inner| {
        for (name, field) in record {
            field_xml(inner, name, field)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn field_xml(writer: &mut Writer<Vec<u8>>, name: &str, field: &Field) -> std::io::Result<()> {
    let element = writer.create_element(name);
    let text = match field {
        Field::Text(text) => text.clone(),
        Field::Yes(yes) => yes.to_string(),
        Field::Whole(number) => number.to_string(),
        Field::Number(number) => number.to_string(),
        Field::Nothing => {
            element.write_empty()?;
            return Ok(());
        }
        Field::Records(item, records) => {
            element.write_inner_content(|inner| {
                for record in records {
                    record_xml(inner, item, record)?;
                }
                Ok(())
            })?;
            return Ok(());
        }
        Field::Texts(item, texts) => {
            element.write_inner_content(|inner| {
                for text in texts {
                    field_xml(inner, item, &Field::Text(text.clone()))?;
                }
                Ok(())
            })?;
            return Ok(());
        }
    };
    element.write_text_content(BytesText::new(&possible(&text)))?;
    Ok(())
}

/// The text without characters that XML 1.0 cannot have, escaped or not. A carriage return would be
/// read back as a line feed; it is written as one.
fn possible(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\r' => '\n',
            '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => c,
            _ => '\u{fffd}',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quick_xml::Reader;

    fn example(text: &str) -> Document {
        Document::List {
            root: "services",
            item: "service",
            records: vec![vec![
                ("service_code", Field::Text(text.to_owned())),
                ("metadata", Field::Yes(true)),
                ("lat", Field::Number(23.5)),
                ("note", Field::Nothing),
                ("formats", Field::Texts("format", vec!["a".into()])),
            ]],
        }
    }

    #[test]
    fn one_tree_is_written_in_both_forms() {
        let document = example("<&>");
        assert_eq!(
            document.xml(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><services><service><service_code>&lt;&amp;&gt;</service_code><metadata>true</metadata><lat>23.5</lat><note/><formats><format>a</format></formats></service></services>"
        );
        assert_eq!(
            document.json().to_string(),
            r#"[{"formats":["a"],"lat":23.5,"metadata":true,"note":null,"service_code":"<&>"}]"#
        );
        let names = ["requests.xml", "a.b.json", "requests", "requests.yaml"];
        let split: Vec<_> = names.iter().map(|name| Format::split(name)).collect();
        assert_eq!(
            split,
            [
                Some(("requests", Format::Xml)),
                Some(("a.b", Format::Json)),
                None,
                None
            ]
        );
    }

    /// The text of the first `service_code` as a reader of XML sees it.
    fn read_back(xml: &str) -> String {
        let mut reader = Reader::from_str(xml);
        let mut inside = false;
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => inside = start.name().as_ref() == "service_code",
                Event::Text(part) if inside => text.push_str(&part),
                Event::GeneralRef(entity) if inside => {
                    text.push_str(quick_xml::escape::resolve_predefined_entity(&entity).unwrap());
                }
                Event::End(_) if inside => return text,
                Event::Eof => return text,
                _ => {}
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_from_xml_as_it_was_written(text in "(?s).{0,60}|[<>&\"'\\]\\[!-]{0,30}") {
            let expected = possible(&text);
            prop_assert_eq!(read_back(&example(&text).xml()), expected);
        }
    }
}
