//! Alerts of cameras, recorders, number plate cameras, access controllers and panels, as integrators'
//! projects and threads have recorded them (hikvision_next, pyHik).

use expect_test::expect;

use super::Hikvision;
use crate::formats::testing::{check, check_bytes};

const T: &str = "isapi/alert";

fn alert(kind: &str, state: &str, more: &str) -> String {
    format!(
        "<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.hikvision.com/ver20/XMLSchema\">\
         <ipAddress>1.0.0.255</ipAddress><macAddress>a6:63:9e:f8:01:09</macAddress>\
         <dateTime>2025-03-05T10:50:46+00:00</dateTime><eventType>{kind}</eventType>\
         <eventState>{state}</eventState>{more}</EventNotificationAlert>"
    )
}

#[test]
fn movement_of_cameras_and_recorders() {
    check(
        &mut Hikvision::default(),
        &[
            (
                T,
                &alert(
                    "VMD",
                    "active",
                    "<dynChannelID>1</dynChannelID><targetType>human</targetType>",
                ),
            ),
            (T, &alert("VMD", "inactive", "<channelID>33</channelID>")),
            (
                T,
                &alert("VMDHumanVehicle", "active", "<channelID>32</channelID>"),
            ),
            (T, &alert("shelteralarm", "active", "")),
            (
                T,
                &alert(
                    "duration",
                    "active",
                    "<DurationList><Duration><relationEvent>fielddetection</relationEvent></Duration></DurationList>",
                ),
            ),
        ],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/1 camera_motion true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 camera_motion false @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/32 camera_motion true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 tamper true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 camera_motion true @2025-03-05T10:50:46Z
        "#]],
    );
}

#[test]
fn a_url_with_a_bare_ampersand_and_texts_with_line_ends() {
    check(
        &mut Hikvision::default(),
        &[(
            T,
            &alert(
                "VMD",
                "active",
                "<bkgUrl>http://x/picture?name=a&size=294553&amp;b</bkgUrl><channelID>2\n</channelID>",
            ),
        )],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/2 camera_motion true @2025-03-05T10:50:46Z
        "#]],
    );
}

#[test]
fn a_lost_picture_is_over_with_the_next_heartbeat() {
    check(
        &mut Hikvision::default(),
        &[
            (T, &alert("videoloss", "inactive", "")),
            (T, &alert("videoloss", "active", "")),
            (T, &alert("videoloss", "inactive", "")),
            (T, &alert("videoloss", "inactive", "")),
        ],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/1 availability true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 video_loss true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 availability true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 video_loss false @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 availability true @2025-03-05T10:50:46Z
        "#]],
    );
}

#[test]
fn a_crossing_that_goes_on_is_one_and_the_next_is_another() {
    let line = alert(
        "linedetection",
        "active",
        "<channelID>1</channelID><regionID>1</regionID>",
    );
    check(
        &mut Hikvision::default(),
        &[
            (T, &line),
            (T, &line.replace(":46+", ":47+")),
            (T, &line.replace("active", "inactive")),
            (T, &line.replace(":46+", ":49+")),
            (T, &line.replace("10:50:46+", "10:52:00+")),
        ],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/1 line_crossing true @2025-03-05T10:50:46Z #hikvision/a6:63:9e:f8:01:09/1 linedetection 1@1741171846000
            hikvision/a6:63:9e:f8:01:09/1 line_crossing false @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 line_crossing true @2025-03-05T10:50:49Z #hikvision/a6:63:9e:f8:01:09/1 linedetection 1@1741171849000
            hikvision/a6:63:9e:f8:01:09/1 line_crossing true @2025-03-05T10:52:00Z #hikvision/a6:63:9e:f8:01:09/1 linedetection 1@1741171920000
        "#]],
    );
}

#[test]
fn number_plates_are_told_once_and_unknown_ones_not_at_all() {
    let plate = |text: &str| {
        alert(
            "ANPR",
            "active",
            &format!(
                "<channelID>1</channelID><ANPR><licensePlate>{text}</licensePlate></ANPR><UUID>u-{text}</UUID>"
            ),
        )
    };
    check(
        &mut Hikvision::default(),
        &[
            (T, &plate("KH35192")),
            (T, &plate("KH35192")),
            (T, &plate("unknown")),
        ],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/1 camera_object `KH35192` @2025-03-05T10:50:46Z #u-KH35192
        "#]],
    );
}

#[test]
fn inputs_and_other_events_keep_their_own_word() {
    check(
        &mut Hikvision::default(),
        &[
            (
                T,
                &alert("IO", "active", "<inputIOPortID>2</inputIOPortID>"),
            ),
            (
                T,
                &alert("IO", "inactive", "<inputIOPortID>2</inputIOPortID>"),
            ),
            (T, &alert("diskfull", "active", "")),
            (T, &alert("fireDetection", "active", "")),
            (T, &alert("faceDetection", "active", "")),
            (T, &alert("PIR", "active", "")),
        ],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/1/input/2 other `IO` @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1/input/2 other false @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 other `diskfull` @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 camera_object `fire` @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 camera_object `face` @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 motion true @2025-03-05T10:50:46Z
        "#]],
    );
}

#[test]
fn movement_that_is_not_repeated_ends_by_itself() {
    use crate::formats::Format;
    use crate::frame::Message;
    use crate::observation::Output;
    use gridwatch_protocol::Timestamp;

    let mut format = Hikvision::default();
    let start = Timestamp::from_unix_ms(1_800_000_000_000);
    let text = alert("PIR", "active", "");
    let message = Message::new(T, text.as_bytes(), false, start);
    format.read(&message, &mut Output::default());
    let mut ended = Vec::new();
    for seconds in [0, 59, 60, 61] {
        let mut output = Output::default();
        format.tick(start.plus_ms(seconds * 1000), &mut output);
        ended.extend(output.observations.iter().map(|seen| (seconds, seen.kind)));
    }
    assert_eq!(ended, [(60, gridwatch_protocol::Kind::Motion)]);
}

fn access(minor: u32, serial: u32, more: &str) -> String {
    format!(
        r#"{{"ipAddress":"192.0.2.10","dateTime":"2026-09-26T13:41:56+08:00","eventType":"AccessControllerEvent",
        "eventState":"active","AccessControllerEvent":{{"deviceName":"gate","majorEventType":5,
        "subEventType":{minor},"serialNo":{serial},"doorNo":1,"currentEvent":true{more}}}}}"#
    )
}

#[test]
fn access_events_are_read_by_their_codes_and_told_once() {
    check(
        &mut Hikvision::default(),
        &[
            (T, &access(1, 10, r#","cardNo":"1234567""#)),
            (T, &access(1, 10, r#","cardNo":"1234567""#)),
            (T, &access(75, 11, r#","employeeNoString":"42""#)),
            (T, &access(9, 12, r#","cardNo":"999""#)),
            (T, &access(76, 13, "")),
            (T, &access(22, 14, "")),
            (T, &access(25, 15, "")),
            (T, &access(27, 16, "")),
            (T, &access(28, 17, "")),
            (T, &access(26, 18, "")),
            (T, &access(37, 19, "")),
            (
                T,
                &access(1, 20, r#","cardNo":"5""#)
                    .replace("\"currentEvent\":true", "\"currentEvent\":false"),
            ),
            (
                T,
                &access(1028, 21, "").replace("\"majorEventType\":5", "\"majorEventType\":1"),
            ),
            (
                T,
                &access(1029, 22, "").replace("\"majorEventType\":5", "\"majorEventType\":2"),
            ),
            (T, &access(1, 23, "").replace("\"subEventType\":1,", "")),
        ],
        &expect![[r#"
            hikvision/gate/1 access_granted `1234567` @2026-09-26T05:41:56Z #hikvision/gate/10@2026-09-26T13:41:56+08:00
            hikvision/gate/1 access_granted `42` @2026-09-26T05:41:56Z #hikvision/gate/11@2026-09-26T13:41:56+08:00
            hikvision/gate/1 access_denied `999` @2026-09-26T05:41:56Z #hikvision/gate/12@2026-09-26T13:41:56+08:00
            hikvision/gate/1 access_denied true @2026-09-26T05:41:56Z #hikvision/gate/13@2026-09-26T13:41:56+08:00
            hikvision/gate/1 lock `locked` @2026-09-26T05:41:56Z #hikvision/gate/14@2026-09-26T13:41:56+08:00
            hikvision/gate/1 door true @2026-09-26T05:41:56Z #hikvision/gate/15@2026-09-26T13:41:56+08:00
            hikvision/gate/1 door_forced true @2026-09-26T05:41:56Z #hikvision/gate/16@2026-09-26T13:41:56+08:00
            hikvision/gate/1 door_held true @2026-09-26T05:41:56Z #hikvision/gate/17@2026-09-26T13:41:56+08:00
            hikvision/gate/1 door false @2026-09-26T05:41:56Z #hikvision/gate/18@2026-09-26T13:41:56+08:00
            hikvision/gate/1 door_forced false @2026-09-26T05:41:56Z #hikvision/gate/18@2026-09-26T13:41:56+08:00
            hikvision/gate/1 door_held false @2026-09-26T05:41:56Z #hikvision/gate/18@2026-09-26T13:41:56+08:00
            hikvision/gate/1 access_granted `5` @2026-09-26T05:41:56Z #hikvision/gate/20@2026-09-26T13:41:56+08:00 (replayed)
            hikvision/gate/1 tamper true @2026-09-26T05:41:56Z #hikvision/gate/21@2026-09-26T13:41:56+08:00
            hikvision/gate/1 power false @2026-09-26T05:41:56Z #hikvision/gate/22@2026-09-26T13:41:56+08:00
            problem: hikvision/gate: an access event has no codes
        "#]],
    );
}

#[test]
fn panels_speak_contact_id() {
    let cid = |code: u32| {
        format!(
            r#"{{"macAddress":"aa:bb","dateTime":"2026-01-02T03:04:05+08:00","eventType":"cidEvent","eventState":"active",
            "CIDEvent":{{"code":{code},"standardCIDcode":{code},"zone":3}}}}"#
        )
    };
    check(
        &mut Hikvision::default(),
        &[
            (T, &cid(1111)),
            (T, &cid(3111)),
            (T, &cid(1301)),
            (T, &cid(1302)),
            (T, &cid(1130)),
            (T, &cid(1602)),
        ],
        &expect![[r#"
            hikvision/aa:bb/zone/3 smoke true @2026-01-01T19:04:05Z #hikvision/aa:bb/zone/3/1111@2026-01-02T03:04:05+08:00
            hikvision/aa:bb/zone/3 smoke false @2026-01-01T19:04:05Z #hikvision/aa:bb/zone/3/3111@2026-01-02T03:04:05+08:00
            hikvision/aa:bb/zone/3 power false @2026-01-01T19:04:05Z #hikvision/aa:bb/zone/3/1301@2026-01-02T03:04:05+08:00
            hikvision/aa:bb/zone/3 battery `low` @2026-01-01T19:04:05Z #hikvision/aa:bb/zone/3/1302@2026-01-02T03:04:05+08:00
            hikvision/aa:bb/zone/3 other `burglary` @2026-01-01T19:04:05Z #hikvision/aa:bb/zone/3/1130@2026-01-02T03:04:05+08:00
        "#]],
    );
}

#[test]
fn multipart_frames_with_pictures_and_several_alerts() {
    let xml = format!(
        "--boundary\r\nContent-Type: application/xml\r\n\r\n{}\r\n--boundary\r\nContent-Type: application/xml\r\n\r\n{}\r\n--boundary\r\nContent-Type: image/jpeg\r\n\r\n",
        alert("VMD", "active", ""),
        alert("PIR", "active", "")
    );
    let mut xml = xml.into_bytes();
    xml.extend([0xff, 0xd8, b'{', b'<', 0x00]);
    let json = format!(
        "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--",
        access(21, 30, "")
    );
    check_bytes(
        &mut Hikvision::default(),
        &[(T, &xml), (T, json.as_bytes())],
        &expect![[r#"
            hikvision/a6:63:9e:f8:01:09/1 camera_motion true @2025-03-05T10:50:46Z
            hikvision/a6:63:9e:f8:01:09/1 motion true @2025-03-05T10:50:46Z
            hikvision/gate/1 lock `unlocked` @2026-09-26T05:41:56Z #hikvision/gate/30@2026-09-26T13:41:56+08:00
        "#]],
    );
}

#[test]
fn broken_and_foreign_payloads_are_told_apart() {
    check(
        &mut Hikvision::default(),
        &[
            (T, "<EventNotificationAlert><eventType>VMD</eventType>"),
            (
                T,
                "<EventNotificationAlert><a></b></EventNotificationAlert>",
            ),
            (T, "<EventNotificationAlert></EventNotificationAlert>"),
            (T, "{\"eventType\":\"VMD\",\"dateTime\""),
            (T, "{\"eventType\":\"VMD\"}"),
            (T, "<html></html>"),
            (T, "{\"temperature\":1}"),
            (T, "21.5"),
        ],
        &expect![[r#"
            broken: an EventNotificationAlert has no end
            broken: an EventNotificationAlert is no XML: ill-formed document: expected `</a>`, but `</b>` was found
            problem: an EventNotificationAlert has no eventType
            broken: the payload is not JSON: EOF while parsing an object at line 1 column 29
            not mine: the payload has no EventNotificationAlert
            not mine: the payload has no EventNotificationAlert
            not mine: the payload has no EventNotificationAlert
            not mine: the payload has no EventNotificationAlert
        "#]],
    );
}
