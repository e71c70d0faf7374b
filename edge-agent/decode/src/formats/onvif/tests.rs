//! Topics and fields of the ONVIF specifications (Core, Analytics, Device IO, Imaging, Access Control,
//! Door Control) and of makers: Axis, Hanwha, Reolink, Tapo, Hikvision, D-Link.

use expect_test::expect;

use super::Onvif;
use crate::formats::testing::check;

fn ej(source: &str, data: &str) -> String {
    format!(r#"{{"UtcTime":"2024-05-01T10:00:00Z","Source":{{{source}}},"Data":{{{data}}}}}"#)
}

#[test]
fn movement_has_another_field_on_each_topic() {
    let cell = ej(
        r#""VideoSourceConfigurationToken":"V1","VideoAnalyticsConfigurationToken":"A1","Rule":"Cell""#,
        r#""IsMotion":"true""#,
    );
    let alarm = ej(r#""Source":"V1""#, r#""State":"false""#);
    let field = ej(
        r#""VideoSource":"V1","Rule":"Yard""#,
        r#""IsInside":"true","ObjectId":"7""#,
    );
    let region = ej(r#""VideoSource":"V1""#, r#""State":"1""#);
    check(
        &mut Onvif::default(),
        &[
            (
                "cam1/onvif-ej/RuleEngine/CellMotionDetector/Motion/&V1/A1/Cell",
                &cell,
            ),
            ("cam1/onvif-ej/VideoSource/MotionAlarm/&V1", &alarm),
            (
                "cam1/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&V1/1/Yard",
                &field,
            ),
            (
                "cam1/onvif-ej/RuleEngine/MotionRegionDetector/Motion/&V1",
                &region,
            ),
        ],
        &expect![[r#"
            onvif/cam1/V1 camera_motion true @2024-05-01T10:00:00Z
            onvif/cam1/V1 camera_motion false @2024-05-01T10:00:00Z
            onvif/cam1/V1 camera_motion true @2024-05-01T10:00:00Z
            onvif/cam1/V1 camera_motion true @2024-05-01T10:00:00Z
        "#]],
    );
}

#[test]
fn pictures_that_are_lost_covered_or_dark() {
    let on = ej(r#""Source":"0""#, r#""State":"true""#);
    check(
        &mut Onvif::default(),
        &[
            ("site/nvr/onvif-ej/VideoSource/SignalLoss/&0", &on),
            (
                "site/nvr/onvif-ej/VideoSource/GlobalSceneChange/ImagingService/&0",
                &on,
            ),
            (
                "site/nvr/onvif-ej/VideoSource/ImageTooDark/ImagingService/&0",
                &on,
            ),
            (
                "site/nvr/onvif-ej/Device/HardwareFailure/StorageFailure/&disk1",
                &ej(r#""Token":"disk1""#, r#""Failed":"true""#),
            ),
        ],
        &expect![[r#"
            onvif/site/nvr/0 video_loss true @2024-05-01T10:00:00Z
            onvif/site/nvr/0 tamper true @2024-05-01T10:00:00Z
            onvif/site/nvr/0 other `imagetoodark` @2024-05-01T10:00:00Z
            onvif/site/nvr/disk1 other `storagefailure` @2024-05-01T10:00:00Z
        "#]],
    );
}

#[test]
fn an_input_is_not_a_camera_and_an_output_is_no_reading() {
    check(
        &mut Onvif::default(),
        &[
            (
                "c/onvif-ej/Device/Trigger/DigitalInput/&1",
                &ej(r#""InputToken":"1""#, r#""LogicalState":"true""#),
            ),
            (
                "c/onvif-ej/Device/Trigger/DigitalInput/&1",
                &ej(r#""InputToken":"1""#, r#""LogicalState":"false""#),
            ),
            (
                "c/onvif-ej/Device/Trigger/Relay/&1",
                &ej(r#""RelayToken":"1""#, r#""LogicalState":"active""#),
            ),
            (
                "c/onvif-ej/Device/Sensor/Temperature/High",
                &ej(
                    r#""SensorID":"temp_001""#,
                    r#""Value":28.65,"Threshold":25.15"#,
                ),
            ),
        ],
        &expect![[r#"
            onvif/c/input/1 other true @2024-05-01T10:00:00Z
            onvif/c/input/1 other false @2024-05-01T10:00:00Z
            onvif/c/temp_001 temperature 28.65 °C @2024-05-01T10:00:00Z
        "#]],
    );
}

#[test]
fn doors_and_their_alarms() {
    let door = |state: &str| ej(r#""DoorToken":"D1""#, &format!(r#""State":"{state}""#));
    check(
        &mut Onvif::default(),
        &[
            ("p/onvif-ej/Door/State/DoorPhysicalState/&D1", &door("Open")),
            (
                "p/onvif-ej/Door/State/DoorPhysicalState/&D1",
                &door("Closed"),
            ),
            (
                "p/onvif-ej/Door/State/DoorPhysicalState/&D1",
                &door("Unknown"),
            ),
            (
                "p/onvif-ej/Door/State/LockPhysicalState/&D1",
                &door("Unlocked"),
            ),
            ("p/onvif-ej/Door/State/DoorMode/&D1", &door("Accessed")),
            ("p/onvif-ej/Door/State/DoorMode/&D1", &door("LockedDown")),
            (
                "p/onvif-ej/Door/State/DoorAlarm/&D1",
                &door("DoorForcedOpen"),
            ),
            (
                "p/onvif-ej/Door/State/DoorAlarm/&D1",
                &door("DoorOpenTooLong"),
            ),
            ("p/onvif-ej/Door/State/DoorAlarm/&D1", &door("Normal")),
            (
                "p/onvif-ej/Door/State/DoorTamper/&D1",
                &door("TamperDetected"),
            ),
            (
                "p/onvif-ej/Door/State/DoorFault/&D1",
                &door("FaultDetected"),
            ),
        ],
        &expect![[r#"
            onvif/p/D1 door true @2024-05-01T10:00:00Z
            onvif/p/D1 door false @2024-05-01T10:00:00Z
            onvif/p/D1 lock `unlocked` @2024-05-01T10:00:00Z
            onvif/p/D1 lock `unlocked` @2024-05-01T10:00:00Z
            onvif/p/D1 lock `locked` @2024-05-01T10:00:00Z
            onvif/p/D1 door_forced true @2024-05-01T10:00:00Z
            onvif/p/D1 door_held true @2024-05-01T10:00:00Z
            onvif/p/D1 door_forced false @2024-05-01T10:00:00Z
            onvif/p/D1 door_held false @2024-05-01T10:00:00Z
            onvif/p/D1 tamper true @2024-05-01T10:00:00Z
            onvif/p/D1 other `door_fault` @2024-05-01T10:00:00Z
        "#]],
    );
}

#[test]
fn an_access_is_told_once_however_often_it_comes_and_its_use_is_not_another() {
    let source = r#""AccessPointToken":"AP1""#;
    let anonymous = ej(source, r#""External":"true""#);
    let denied = ej(source, r#""Card":"0123456","Reason":"CredentialNotFound""#);
    let reason = ej(
        source,
        r#""CredentialToken":"C7","Reason":"NotPermittedAtThisTime""#,
    );
    check(
        &mut Onvif::default(),
        &[
            (
                "p/onvif-ej/AccessControl/AccessGranted/Anonymous/&AP1",
                &anonymous,
            ),
            (
                "p/onvif-ej/AccessControl/AccessGranted/Anonymous/&AP1",
                &anonymous,
            ),
            (
                "p/onvif-ej/AccessControl/AccessTaken/Anonymous/&AP1",
                &anonymous,
            ),
            (
                "p/onvif-ej/AccessControl/Denied/CredentialNotFound/Card/&AP1",
                &denied,
            ),
            ("p/onvif-ej/AccessControl/Denied/Credential/&AP1", &reason),
            (
                "p/onvif-ej/AccessControl/Duress/&AP1",
                &ej(source, r#""CredentialToken":"C7""#),
            ),
        ],
        &expect![[r#"
            onvif/p/AP1 access_granted true @2024-05-01T10:00:00Z #AccessControl/AccessGranted/Anonymous/&AP1@2024-05-01T10:00:00Z#
            onvif/p/AP1 access_denied `0123456` @2024-05-01T10:00:00Z #AccessControl/Denied/CredentialNotFound/Card/&AP1@2024-05-01T10:00:00Z#
            onvif/p/AP1 access_denied `C7` @2024-05-01T10:00:00Z #AccessControl/Denied/Credential/&AP1@2024-05-01T10:00:00Z#
            onvif/p/AP1 other `duress` @2024-05-01T10:00:00Z #AccessControl/Duress/&AP1@2024-05-01T10:00:00Z#
        "#]],
    );
}

#[test]
fn two_crossings_are_two_and_the_end_of_one_is_none() {
    let line = |at: &str, state: &str| {
        ej(
            r#""VideoSourceToken":"vs-0","RuleName":"bike""#,
            &format!(r#""State":"{state}""#),
        )
        .replace("10:00:00", at)
    };
    let topic = "cam/onvif-ej/OpenApp/WiseAI/LineCrossing/&vs-0/bike";
    check(
        &mut Onvif::default(),
        &[
            (topic, &line("10:00:00", "true")),
            (topic, &line("10:00:04", "false")),
            (topic, &line("10:00:09", "true")),
            (topic, &line("10:00:09", "true")),
        ],
        &expect![[r#"
            onvif/cam/vs-0 line_crossing true @2024-05-01T10:00:00Z #OpenApp/WiseAI/LineCrossing/&vs-0/bike@2024-05-01T10:00:00Z#
            onvif/cam/vs-0 line_crossing true @2024-05-01T10:00:09Z #OpenApp/WiseAI/LineCrossing/&vs-0/bike@2024-05-01T10:00:09Z#
        "#]],
    );
}

#[test]
fn makers_topics_are_read_by_their_words() {
    let source = r#""Source":"000""#;
    let on = ej(source, r#""State":"true""#);
    let off = ej(source, r#""State":"false""#);
    check(
        &mut Onvif::default(),
        &[
            (
                "r/onvif-ej/RuleEngine/MyRuleDetector/PeopleDetect/&000",
                &on,
            ),
            (
                "r/onvif-ej/RuleEngine/MyRuleDetector/PeopleDetect/&000",
                &off,
            ),
            (
                "r/onvif-ej/RuleEngine/MyRuleDetector/DogCatDetect/&000",
                &on,
            ),
            ("r/onvif-ej/RuleEngine/MyRuleDetector/Visitor/&000", &on),
            (
                "t/onvif-ej/RuleEngine/PeopleDetector/People/&1",
                &ej(r#""VideoSource":"1""#, r#""IsPeople":"true""#),
            ),
            (
                "t/onvif-ej/RuleEngine/TPSmartEventDetector/TPSmartEvent/&1",
                &ej(r#""VideoSource":"1""#, r#""IsVehicle":"false""#),
            ),
            (
                "h/onvif-ej/RuleEngine/Recognition/LicensePlate/&1",
                &ej(r#""VideoSource":"1""#, r#""PlateNumber":"KH35192""#),
            ),
            ("h/onvif-ej/RuleEngine/FireDetector/Fire/&1", &on),
        ],
        &expect![[r#"
            onvif/r/000 camera_object `person` @2024-05-01T10:00:00Z
            onvif/r/000 camera_object false @2024-05-01T10:00:00Z
            onvif/r/000 camera_object `pet` @2024-05-01T10:00:00Z
            onvif/t/1 camera_object `person` @2024-05-01T10:00:00Z
            onvif/t/1 camera_object false @2024-05-01T10:00:00Z
            onvif/h/1 camera_object `KH35192` @2024-05-01T10:00:00Z #RuleEngine/Recognition/LicensePlate/&1@2024-05-01T10:00:00Z#
            onvif/h/000 camera_object `fire` @2024-05-01T10:00:00Z
        "#]],
    );
}

#[test]
fn axis_shapes_with_and_without_state() {
    let vmd = r#"{"timestamp":1586793127914,"topic":"axis:CameraApplicationPlatform/VMD/Camera1Profile1","message":{"source":{},"key":{},"data":{"active":"1"}}}"#;
    let port = r#"{"timestamp":1586793127914,"topic":"onvif:Device/axis:IO/Port","message":{"source":{"port":"1"},"key":{},"data":{"state":"0"}}}"#;
    let tamper = r#"{"timestamp":1586793127914,"topic":"onvif:VideoSource/axis:Tampering","message":{"source":{},"key":{"channel":"1"},"data":{"tampering":"1"}}}"#;
    let other = r#"{"timestamp":1586793127914,"topic":"onvif:Device/axis:Status/SystemReady","message":{"source":{},"key":{},"data":{"ready":"1"}}}"#;
    check(
        &mut Onvif::default(),
        &[
            (
                "axis/ACCC8E1/event/tns:axis/CameraApplicationPlatform/VMD/Camera1Profile1",
                vmd,
            ),
            (
                "axis/ACCC8E1/event/tns:onvif/Device/tns:axis/IO/Port/$source/port/1",
                port,
            ),
            (
                "axis/ACCC8E1/event/tns:onvif/VideoSource/tns:axis/Tampering",
                tamper,
            ),
            (
                "axis/ACCC8E1/event/tns:onvif/Device/tns:axis/Status/SystemReady",
                other,
            ),
            (
                "axis/ACCC8E1/event/tns:onvif/Device/tns:axis/IO/Port",
                "{\"a\":1}",
            ),
        ],
        &expect![[r#"
            onvif/axis/ACCC8E1 camera_motion true @2020-04-13T15:52:07.914Z
            onvif/axis/ACCC8E1/port/1 other false @2020-04-13T15:52:07.914Z
            onvif/axis/ACCC8E1/1 tamper true @2020-04-13T15:52:07.914Z
            broken: an event of Axis has `message` with `source` and `data`
        "#]],
    );
}

#[test]
fn a_property_that_is_gone_and_states_that_are_none_give_nothing() {
    let none = ej(r#""VideoSource":"1""#, r#""IsMotion":"""#);
    let word = ej(r#""VideoSource":"1""#, r#""IsMotion":"perhaps""#);
    check(
        &mut Onvif::default(),
        &[
            ("c/onvif-ej/RuleEngine/CellMotionDetector/Motion/&1", ""),
            ("c/onvif-ej/RuleEngine/CellMotionDetector/Motion/&1", &none),
            ("c/onvif-ej/RuleEngine/CellMotionDetector/Motion/&1", &word),
            (
                "c/onvif-ej/Monitoring/ProcessorUsage/&1",
                &ej("", r#""Value":"12""#),
            ),
            ("c/onvif-ej/RuleEngine/X", "[1,2]"),
            (
                "c/onvif-ej/RuleEngine/X",
                r#"{"UtcTime":"2024-05-01T10:00:00Z","Data":"x"}"#,
            ),
            ("c/other/RuleEngine/X", "{}"),
        ],
        &expect![[r#"
            broken: an event is an object
            broken: `Data` is "x", not an object
            not mine: the topic has no level `onvif-ej`, and is not of Axis' form
        "#]],
    );
}
