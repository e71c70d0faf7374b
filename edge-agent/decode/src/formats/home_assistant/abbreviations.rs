//! The short forms of the keys that are read here, as Home Assistant's MQTT integration defines them
//! (`homeassistant/components/mqtt/abbreviations.py`). Keys that are not read need no long form.

use serde_json::{Map, Value as Json};

/// The long form of a key of an entity; a long form is its own.
fn long(key: &str) -> &str {
    match key {
        "atype" => "automation_type",
        "avty" => "availability",
        "avty_mode" => "availability_mode",
        "avty_t" => "availability_topic",
        "avty_tpl" => "availability_template",
        "cmps" => "components",
        "cmd_t" => "command_topic",
        "curr_hum_t" => "current_humidity_topic",
        "curr_hum_tpl" => "current_humidity_template",
        "curr_temp_t" => "current_temperature_topic",
        "curr_temp_tpl" => "current_temperature_template",
        "dev" => "device",
        "dev_cla" => "device_class",
        "e" => "encoding",
        "en" => "enabled_by_default",
        "ent_cat" => "entity_category",
        "evt_typ" => "event_types",
        "exp_aft" => "expire_after",
        "json_attr_t" => "json_attributes_topic",
        "migr_discvry" => "migrate_discovery",
        "o" => "origin",
        "obj_id" => "object_id",
        "off_dly" => "off_delay",
        "p" => "platform",
        "pl" => "payload",
        "pl_avail" => "payload_available",
        "pl_not_avail" => "payload_not_available",
        "pl_off" => "payload_off",
        "pl_on" => "payload_on",
        "pos_clsd" => "position_closed",
        "pos_open" => "position_open",
        "pos_t" => "position_topic",
        "pos_tpl" => "position_template",
        "stat_cla" => "state_class",
        "stat_clsd" => "state_closed",
        "stat_closing" => "state_closing",
        "stat_jam" => "state_jammed",
        "stat_locked" => "state_locked",
        "stat_locking" => "state_locking",
        "stat_off" => "state_off",
        "stat_on" => "state_on",
        "stat_open" => "state_open",
        "stat_opening" => "state_opening",
        "stat_stopped" => "state_stopped",
        "stat_t" => "state_topic",
        "stat_tpl" => "state_template",
        "stat_unlocked" => "state_unlocked",
        "stat_unlocking" => "state_unlocking",
        "stat_val_tpl" => "state_value_template",
        "stype" => "subtype",
        "t" => "topic",
        "temp_unit" => "temperature_unit",
        "uniq_id" => "unique_id",
        "unit_of_meas" => "unit_of_measurement",
        "val_tpl" => "value_template",
        key => key,
    }
}

/// The long form of a key of a device.
fn device_long(key: &str) -> &str {
    match key {
        "cns" => "connections",
        "ids" => "identifiers",
        "mf" => "manufacturer",
        "mdl" => "model",
        "mdl_id" => "model_id",
        key => key,
    }
}

/// An entity's fields under their long names. A long name that is there too wins.
pub(super) fn expanded(fields: &Map<String, Json>) -> Map<String, Json> {
    renamed(fields, long)
}

/// A device's fields under their long names.
pub(super) fn expanded_device(fields: &Map<String, Json>) -> Map<String, Json> {
    renamed(fields, device_long)
}

fn renamed(fields: &Map<String, Json>, long: fn(&str) -> &str) -> Map<String, Json> {
    let mut out = Map::new();
    for (key, value) in fields {
        let name = long(key);
        if name == key || !fields.contains_key(name) {
            out.insert(name.to_owned(), value.clone());
        }
    }
    out
}
