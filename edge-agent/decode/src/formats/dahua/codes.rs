//! Event codes (Dahua HTTP API, "Event" chapter, and what door stations send).

use gridwatch_protocol::Kind;

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A state that begins and ends.
    State(Kind),
    /// Something that happens at a moment.
    Event(Kind),
    /// Something that the camera recognises, by its label.
    Object(&'static str),
    /// A number plate, in the data.
    Plate,
    /// A fault or an input, told by its code.
    Fault,
    /// A door contact, its state in the data.
    Door,
    /// Someone asked for access.
    Access,
    /// A finger on the reader.
    Finger,
    /// Calls, lights, clocks, networks, and codes that nobody has described.
    Nothing,
}

pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "VideoMotion"
        | "SmartMotion"
        | "CrossRegionDetection"
        | "WanderDetection"
        | "MoveDetection"
        | "ParkingDetection"
        | "RioterDetection" => Meaning::State(Kind::CameraMotion),
        "CrossLineDetection" | "CrossFenceDetection" | "PassLineDetection" => {
            Meaning::Event(Kind::LineCrossing)
        }
        "PIRAlarm" | "AlarmPIR" => Meaning::State(Kind::Motion),
        "VideoLoss" => Meaning::State(Kind::VideoLoss),
        "VideoBlind"
        | "VideoAbnormalDetection"
        | "SceneChange"
        | "ChassisIntruded"
        | "TamperAlarm"
        | "PreventRemove" => Meaning::State(Kind::Tamper),
        "BreakIn" => Meaning::State(Kind::DoorForced),
        "DoorNotClosed" | "DoorNotClosedForLongTime" => Meaning::State(Kind::DoorHeld),
        "SmartMotionHuman" => Meaning::Object("person"),
        "SmartMotionVehicle" => Meaning::Object("vehicle"),
        "FaceDetection" => Meaning::Object("face"),
        "FireWarning" | "FireDetection" => Meaning::Object("fire"),
        "SmokeDetection" => Meaning::Object("smoke"),
        "LeftDetection" => Meaning::Object("left_object"),
        "TakenAwayDetection" => Meaning::Object("missing_object"),
        "TrafficJunction" => Meaning::Plate,
        "DoorStatus" => Meaning::Door,
        "AccessControl" => Meaning::Access,
        "FingerPrintCheck" => Meaning::Finger,
        "AlarmLocal" => Meaning::State(Kind::Other),
        "Duress" | "StorageFailure" | "StorageNotExist" | "StorageLowSpace" | "VideoUnFocus"
        | "AlarmOverHeat" | "PowerFault" | "FanSpeed" | "Malicious" | "RepeatEnter"
        | "AudioAnomaly" | "AudioMutation" => Meaning::Fault,
        _ => Meaning::Nothing,
    }
}
