//! Events of cameras and door stations, as the event manager sends them and integrators' projects and
//! threads have recorded them (rroller/dahua, DahuaVTO2MQTT, openhab).

use expect_test::expect;

use super::Dahua;
use crate::formats::testing::check;

const T: &str = "site/gate";

#[test]
fn movement_and_persons_with_and_without_data() {
    check(
        &mut Dahua::default(),
        &[
            (
                T,
                "Code=VideoMotion;action=Start;index=0;data={\n  \"Id\" : [ 0 ],\n  \"RegionName\" : [ \"Region1\" ],\n  \"SmartMotionEnable\" : true\n}\n",
            ),
            (T, "Code=VideoMotion;action=Stop;index=0"),
            (T, "Code=SmartMotionHuman;action=Start;index=2"),
            (T, "Code=SmartMotionHuman;action=Stop;index=2"),
            (
                T,
                "Code=CrossRegionDetection;action=Start;index=0;data={\"Name\":\"Pool Entry\",\"EventID\":10233,\"GroupID\":0,\"UTC\":1654552254,\"UTCMS\":686}",
            ),
        ],
        &expect![[r#"
            dahua/site/gate/0 camera_motion true
            dahua/site/gate/0 camera_motion false
            dahua/site/gate/2 camera_object `person`
            dahua/site/gate/2 camera_object false
            dahua/site/gate/0 camera_motion true @2022-06-06T21:50:54Z
        "#]],
    );
}

#[test]
fn a_crossing_with_data_is_told_once_and_ends() {
    let start = "Code=CrossLineDetection;action=Start;index=0;data={\"Class\":\"Normal\",\"Direction\":\"RightToLeft\",\"EventID\":10021,\"GroupID\":20,\"UTC\":1652867071}";
    check(
        &mut Dahua::default(),
        &[
            (T, start),
            (T, start),
            (T, &start.replace("10021", "10022")),
            (T, &start.replace("Start", "Stop")),
        ],
        &expect![[r#"
            dahua/site/gate/0 line_crossing true @2022-05-18T09:44:31Z #dahua/site/gate/0/CrossLineDetection@1652867071#10021
            dahua/site/gate/0 line_crossing true @2022-05-18T09:44:31Z #dahua/site/gate/0/CrossLineDetection@1652867071#10022
            dahua/site/gate/0 line_crossing false @2022-05-18T09:44:31Z
        "#]],
    );
}

#[test]
fn a_chunk_of_the_stream_with_several_events() {
    check(
        &mut Dahua::default(),
        &[(
            T,
            "--myboundary\r\nContent-Type: text/plain\r\nContent-Length:76\r\n\r\nCode=VideoLoss;action=Start;index=1;data={\r\n \"a\" : \"Code=X\"\r\n}\r\n\r\n--myboundary\r\nContent-Type: text/plain\r\n\r\nCode=VideoBlind;action=Stop;index=3\r\n",
        )],
        &expect![[r#"
            dahua/site/gate/1 video_loss true
            dahua/site/gate/3 tamper false
        "#]],
    );
}

fn vto(action: &str, data: &str) -> String {
    format!(
        r#"{{"Action":"{action}","Data":{{{data}}},"deviceType":"DHI-VTO2202F-P","serialNumber":"6G0A"}}"#
    )
}

#[test]
fn accesses_are_granted_or_refused_and_told_once() {
    let granted = vto(
        "Pulse",
        r#""CardNo":"1A2B","Method":1,"RecNo":7,"Status":1,"UTC":1583173448,"UserID":"9901""#,
    );
    let refused = vto(
        "Pulse",
        r#""CardNo":"","Method":6,"RecNo":8,"Status":0,"UTC":1583173450,"UserID":"12""#,
    );
    let unsure = vto("Pulse", r#""CardNo":"","RecNo":9,"UTC":1583173451"#);
    let finger = vto("Pulse", r#""FingerPrintID":0,"UTC":1583173452"#);
    let known = vto("Pulse", r#""FingerPrintID":4,"UTC":1583173453"#);
    check(
        &mut Dahua::default(),
        &[
            ("DahuaVTO/AccessControl/Event", &granted),
            ("DahuaVTO/AccessControl/Event", &granted),
            ("DahuaVTO/AccessControl/Event", &refused),
            ("DahuaVTO/AccessControl/Event", &unsure),
            ("DahuaVTO/FingerPrintCheck/Event", &finger),
            ("DahuaVTO/FingerPrintCheck/Event", &known),
        ],
        &expect![[r#"
            dahua/6G0A access_granted `1A2B` @2020-03-02T18:24:08Z #dahua/6G0A/AccessControl@1583173448#7
            dahua/6G0A access_denied `12` @2020-03-02T18:24:10Z #dahua/6G0A/AccessControl@1583173450#8
            dahua/6G0A access_denied `fingerprint` @2020-03-02T18:24:12Z #dahua/6G0A/FingerPrintCheck@1583173452#
        "#]],
    );
}

#[test]
fn doors_housings_and_what_is_done_to_them() {
    check(
        &mut Dahua::default(),
        &[
            (
                "v/DoorStatus/Event",
                &vto("Pulse", r#""Status":"Open","UTC":1583173448"#),
            ),
            (
                "v/DoorStatus/Event",
                &vto(
                    "Pulse",
                    r#""Status":"Close","LocaleTime":"2020-03-02 20:24:08""#,
                ),
            ),
            ("v/BreakIn/Event", &vto("Start", "")),
            ("v/DoorNotClosed/Event", &vto("Start", "")),
            ("v/DoorNotClosed/Event", &vto("Stop", "")),
            ("v/ChassisIntruded/Event", &vto("Start", "")),
            ("v/Duress/Event", &vto("Start", "")),
            ("v/MagneticLock/Status", r#"{"door":2,"isLocked":"true"}"#),
        ],
        &expect![[r#"
            dahua/6G0A door true @2020-03-02T18:24:08Z
            dahua/6G0A door false @2020-03-02T20:24:08
            dahua/6G0A door_forced true
            dahua/6G0A door_held true
            dahua/6G0A door_held false
            dahua/6G0A tamper true
            dahua/6G0A other `Duress`
            dahua/v/door/2 lock `locked`
        "#]],
    );
}

#[test]
fn calls_lights_and_clocks_are_no_readings() {
    check(
        &mut Dahua::default(),
        &[
            ("v/BackKeyLight/Event", &vto("Pulse", r#""State":8"#)),
            ("v/Invite/Event", &vto("Pulse", r#""CallID":"1""#)),
            ("v/NTPAdjustTime/Event", &vto("Pulse", r#""result":true"#)),
            ("v/Keepalive/Event", &vto("Start", "")),
        ],
        &expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn event_lists_and_objects_with_a_code() {
    let list = r#"{"id":4,"method":"client.notifyEventStream","params":{"SID":513,"eventList":[
        {"Action":"Start","Code":"AlarmLocal","Data":{"RealUTC":1583172676,"UTC":1583200000},"Index":0},
        {"Action":"Stop","Code":"VideoMotion","Data":{},"Index":1}]},"serialNumber":"6G0A"}"#;
    check(
        &mut Dahua::default(),
        &[
            ("v/raw", list),
            (
                "v/raw",
                r#"{"Code":"VideoLoss","Action":"Start","Index":2,"Data":null}"#,
            ),
            (
                "v/raw",
                r#"{"code":"FireWarning","action":"Start","index":"1","data":{}}"#,
            ),
            (
                "v/raw",
                r#"{"Code":"TrafficJunction","Action":"Pulse","Index":0,"Data":{"PlateNumber":"粤B12345","UTC":1700000000}}"#,
            ),
        ],
        &expect![[r#"
            dahua/6G0A other true @2020-03-02T18:11:16Z
            dahua/6G0A camera_motion false
            dahua/v/raw/2 video_loss true
            dahua/v/raw/1 camera_object `fire`
            dahua/v/raw/0 camera_object `粤B12345` @2023-11-14T22:13:20Z #dahua/v/raw/0/TrafficJunction@1700000000#
        "#]],
    );
}

#[test]
fn bridges_that_have_the_code_in_the_topic() {
    check(
        &mut Dahua::default(),
        &[
            ("cameras/1/VideoMotion", "Start"),
            ("cameras/1/VideoMotion", "action: Stop"),
            ("cameras/2/CrossLineDetection", "Start"),
            ("cameras/2/Something", "Start"),
        ],
        &expect![[r#"
            dahua/cameras/1 camera_motion true
            dahua/cameras/1 camera_motion false
            dahua/cameras/2 line_crossing true
            not mine: the payload has no event code with an action
        "#]],
    );
}

#[test]
fn broken_and_foreign_payloads_are_told_apart() {
    check(
        &mut Dahua::default(),
        &[
            (T, "Code=VideoMotion;action=Perhaps;index=0"),
            (T, "Code=VideoMotion;action=Start;index=0;data={\"a\":"),
            (T, "Code=1234"),
            (T, "{\"Action\":\"Start\"}"),
            (T, "{\"Action\":\"Open\",\"Code\":\"VideoMotion\"}"),
            (T, "Start"),
            (T, "Heartbeat"),
        ],
        &expect![[r#"
            broken: an event has Code and action: `Code=VideoMotion;action=Perhaps;index=0`
            broken: the data of VideoMotion are no JSON object
            not mine: the payload has no event code with an action
            not mine: the payload has no event code with an action
            not mine: the payload has no event code with an action
            not mine: the payload has no event code with an action
            not mine: the payload has no event code with an action
        "#]],
    );
}
