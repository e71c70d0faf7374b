//! Checks one channel of a profile file.

use super::channel::{Bound, Channel, ChannelType, Condition, Field, Limit, Origin};
use super::check::kind;
use super::file::{BoundFile, ChannelFile, ConditionFile, Transport, TypeName};
use super::pattern::Template;
use super::register::{RawValue, Register};
use super::suggest::did_you_mean;

pub(super) fn bad_pointer(what: &str, pointer: &str) -> Option<String> {
    (!pointer.is_empty() && !pointer.starts_with('/'))
        .then(|| format!("{what} `{pointer}`: a JSON pointer begins with `/`"))
}

pub(super) fn channel(
    file: ChannelFile,
    transport: Transport,
    names: &[&str],
) -> Result<Channel, String> {
    let kind = kind(&file.kind)?;
    let pointers = [
        ("for_each", file.for_each.as_ref()),
        ("unless", file.unless.as_ref()),
        ("time.path", file.time.as_ref().map(|time| &time.path)),
    ];
    for (what, pointer) in pointers {
        if let Some(why) = pointer.and_then(|pointer| bad_pointer(what, pointer)) {
            return Err(why);
        }
    }
    let is_modbus = transport == Transport::Modbus;
    if is_modbus {
        let mqtt_only = [
            ("for_each", file.for_each.is_some()),
            ("unless", file.unless.is_some()),
            ("source_event", file.source_event.is_some()),
            ("time", file.time.is_some()),
        ];
        if let Some((key, _)) = mqtt_only.iter().find(|(_, given)| *given) {
            return Err(format!("`{key}` is for MQTT: registers have none"));
        }
    }
    let origin = origin(file.path.as_ref(), file.register, is_modbus)?;
    let template = |text: &Option<String>| {
        text.as_ref()
            .map(|text| Template::parse(text, names))
            .transpose()
    };
    Ok(Channel {
        kind,
        device: template(&file.device)?,
        value: channel_type(&file, &origin, is_modbus)?,
        missing: file.missing,
        source_event: template(&file.source_event)?,
        time: file.time.map(|time| (time.path, time.format)),
        for_each: file.for_each,
        unit: file.unit,
        unless: file.unless,
        when: file
            .when
            .into_iter()
            .map(|condition| check_condition(condition, is_modbus, names))
            .collect::<Result<_, _>>()?,
        origin,
    })
}

fn origin(
    path: Option<&String>,
    register: Option<Register>,
    is_modbus: bool,
) -> Result<Origin, String> {
    match (path, register, is_modbus) {
        (Some(path), None, false) => match bad_pointer("path", path) {
            None => Ok(Origin::Path(path.clone())),
            Some(why) => Err(why),
        },
        (None, Some(register), true) => {
            register.check()?;
            Ok(Origin::Register(register))
        }
        (_, _, false) => Err("needs `path` (and no `register`)".to_owned()),
        (_, _, true) => Err("needs `register` (and no `path`)".to_owned()),
    }
}

pub(super) fn check_condition(
    file: ConditionFile,
    is_modbus: bool,
    names: &[&str],
) -> Result<Condition, String> {
    let of = match (file.topic, file.path, file.register) {
        (Some(name), None, None) if names.contains(&name.as_str()) => Field::Topic(name),
        (Some(name), None, None) => {
            return Err(format!(
                "when: `{name}` is no named part of the topic{}",
                did_you_mean(&name, names.iter().copied())
            ));
        }
        (None, path, register) => origin(path.as_ref(), register, is_modbus)
            .map(Field::At)
            .map_err(|why| format!("when: {why}"))?,
        _ => return Err("when: give one of `path`, `register` and `topic`".to_owned()),
    };
    if file.equals.is_empty()
        && file.not_equals.is_empty()
        && file.at_least.is_none()
        && file.at_most.is_none()
        && file.present.is_none()
    {
        return Err(
            "when: say what it must be: `equals`, `not_equals`, `at_least`, `at_most` or `present`"
                .to_owned(),
        );
    }
    Ok(Condition {
        of,
        equals: file.equals,
        not_equals: file.not_equals,
        present: file.present,
        at_least: file.at_least,
        at_most: file.at_most,
    })
}

fn channel_type(
    file: &ChannelFile,
    origin: &Origin,
    is_modbus: bool,
) -> Result<ChannelType, String> {
    check_keys(file)?;
    let is_text = matches!(origin, Origin::Register(r) if r.raw == RawValue::String);
    if is_modbus && is_text != (file.value == TypeName::Text) && file.value != TypeName::Enum {
        return Err(
            "type `text` and registers of type `string` go together; numbers that stand for words are `enum`"
                .to_owned(),
        );
    }
    for (key, number) in [
        ("scale", file.scale),
        ("offset", file.offset),
        ("min", file.min),
        ("max", file.max),
    ] {
        if number.is_some_and(|number| !number.is_finite()) {
            return Err(format!("`{key}` must be a finite number"));
        }
    }
    Ok(match file.value {
        TypeName::Bool => match limit(file, is_modbus)? {
            Some(limit) => ChannelType::Limit(limit),
            None => ChannelType::Bool {
                invert: file.invert,
            },
        },
        TypeName::Text => ChannelType::Text,
        TypeName::Enum => ChannelType::Enum {
            values: file
                .values
                .iter()
                .map(|entry| (entry.from.clone(), entry.to.clone()))
                .collect(),
            otherwise: file.otherwise.clone(),
        },
        TypeName::Number => ChannelType::Number {
            scale: file.scale.unwrap_or(1.0),
            offset: file.offset.unwrap_or(0.0),
            min: file.min.unwrap_or(f64::NEG_INFINITY),
            max: file.max.unwrap_or(f64::INFINITY),
        },
    })
}

/// Keys that another type has.
fn check_keys(file: &ChannelFile) -> Result<(), String> {
    let is = |type_name| file.value == type_name;
    let has_number_keys =
        file.scale.is_some() || file.offset.is_some() || file.min.is_some() || file.max.is_some();
    if has_number_keys && !is(TypeName::Number) {
        return Err("`scale`, `offset`, `min` and `max` go with type `number`".to_owned());
    }
    if file.scale == Some(0.0) {
        return Err("scale = 0 makes every value 0; leave it out for 1".to_owned());
    }
    if let (Some(min), Some(max)) = (file.min, file.max)
        && min > max
    {
        return Err(format!("min = {min} is above max = {max}"));
    }
    let has_limit = file.above.is_some() || file.below.is_some() || file.clear.is_some();
    if (file.invert || has_limit) && !is(TypeName::Bool) {
        return Err("`invert`, `above`, `below` and `clear` go with type `bool`".to_owned());
    }
    if file.invert && has_limit {
        return Err("`invert` and a limit: take `below` instead of `above`".to_owned());
    }
    if file.values.is_empty() == is(TypeName::Enum) {
        return Err("type `enum` and `values` go together".to_owned());
    }
    if file.otherwise.is_some() && !is(TypeName::Enum) {
        return Err("`otherwise` goes with type `enum`".to_owned());
    }
    Ok(())
}

fn limit(file: &ChannelFile, is_modbus: bool) -> Result<Option<Limit>, String> {
    let bound = |file: &BoundFile| match file {
        BoundFile::Number(number) if number.is_finite() => Ok(Bound::Number(*number)),
        BoundFile::Number(_) => Err("a limit must be a finite number".to_owned()),
        BoundFile::Of(of) => origin(of.path.as_ref(), of.register, is_modbus).map(Bound::Of),
    };
    let (above, set) = match (&file.above, &file.below) {
        (None, None) if file.clear.is_none() => return Ok(None),
        (Some(set), None) => (true, set),
        (None, Some(set)) => (false, set),
        _ => return Err("give one of `above` and `below`, and `clear` only with it".to_owned()),
    };
    Ok(Some(Limit {
        above,
        set: bound(set)?,
        clear: file.clear.as_ref().map(bound).transpose()?,
    }))
}
