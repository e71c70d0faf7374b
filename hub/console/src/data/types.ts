/**
 * What the officer API says, as types. The hub's OpenAPI is the truth: `npm run types` writes
 * `generated.ts` from a running hub, and these types are then checked against it.
 * Text in these types comes from devices and people: it may be shown only as text.
 */

/** RFC 3339 in UTC with milliseconds. */
export type Timestamp = string;

/** A sentence in both languages of the console. */
export interface Text {
  zh: string;
  en: string;
}

export type Severity = "P1" | "P2" | "P3" | "P4";
export const SEVERITIES: readonly Severity[] = ["P1", "P2", "P3", "P4"];

/** The closed list of the wire; what a newer hub adds is shown by its name. */
export type Kind =
  | "smoke"
  | "heat"
  | "gas"
  | "carbon_monoxide"
  | "co2"
  | "voc"
  | "pm25"
  | "temperature"
  | "humidity"
  | "water_leak"
  | "water_level"
  | "door"
  | "lock"
  | "door_forced"
  | "door_held"
  | "access_granted"
  | "access_denied"
  | "tamper"
  | "motion"
  | "occupancy"
  | "camera_object"
  | "camera_motion"
  | "line_crossing"
  | "video_loss"
  | "vibration"
  | "power"
  | "battery"
  | "link_quality"
  | "availability"
  | "alarm_test"
  | "other";

export type Role =
  | "duty_officer"
  | "shift_leader"
  | "dispatcher"
  | "unit"
  | "handler"
  | "checker"
  | "supervisor"
  | "leader"
  | "administrator"
  | "auditor";

/** Every role, in the order in which people are chosen for one. */
export const ROLES: readonly Role[] = [
  "duty_officer",
  "shift_leader",
  "dispatcher",
  "unit",
  "handler",
  "checker",
  "supervisor",
  "leader",
  "administrator",
  "auditor",
];

export interface Session {
  username: string;
  display_name: string;
  role: Role;
  expires_at: Timestamp;
  language?: "zh" | "en" | null;
}

/** Where inside a site; free text as written on the doors. */
export interface Place {
  building?: string | null;
  unit?: string | null;
  floor?: string | null;
  room?: string | null;
}

export type AreaLevel = "city" | "district" | "street" | "community" | "grid";

export interface Area {
  code: string;
  parent?: string | null;
  level: AreaLevel;
  name: Text;
}

export interface Site {
  id: string;
  name: Text;
  grid: string;
  address?: Text | null;
  building_code?: string | null;
  lat?: number | null;
  lon?: number | null;
  gateway?: string | null;
}

export type CaseState =
  | "reported"
  | "pre_verify"
  | "filed"
  | "dispatched"
  | "handling"
  | "feedback"
  | "post_check"
  | "closed"
  | "evaluated"
  | "rejected"
  | "merged"
  | "consulting"
  | "suspended"
  | "returned"
  | "forced_closed";

/** A unit by its code; its name is the code when the hub does not know it. */
export interface UnitName {
  code: string;
  name: Text;
}

export interface CaseSummary {
  id: number;
  /** For people: day and running number. */
  number: string;
  version: number;
  state: CaseState;
  severity: Severity;
  category: string;
  category_name: Text;
  title: Text;
  /** `known` is false for a site that the hub's configuration does not have. */
  site: { id: string; name: Text; known?: boolean };
  area_path: { code: string; name: Text; level: AreaLevel }[];
  place: Place;
  kinds: Kind[];
  devices: string[];
  alert_count: number;
  /** Alerts that have not cleared. */
  alerts_active: number;
  opened_at: Timestamp;
  updated_at: Timestamp;
  acknowledged_at?: Timestamp | null;
  /** Sign-in name. */
  acknowledged_by?: string | null;
  ack_due_at: Timestamp;
  is_drill: boolean;
  unit?: UnitName | null;
  /** Until when it has to be done. */
  due_at?: Timestamp | null;
  urgent?: boolean;
  card?: "none" | "yellow" | "red";
  extended?: number;
  level?: "I" | "II" | "III" | "IV" | null;
}

export type ClockQuality = "plausible" | "unsure";
export type Value = boolean | number | string;

export interface Reading {
  device: string;
  kind: Kind;
  value: Value;
  unit?: string | null;
  quality?: "good" | "uncertain" | "bad";
  at: Timestamp;
  received_at: Timestamp;
  retained?: boolean;
  is_test?: boolean;
}

export type DetectedBy = { by: "rule"; rule: string } | { by: "model"; model: string; build: number };

export interface Alert {
  id: string;
  revision: number;
  phase: "raised" | "updated" | "cleared";
  sequence?: number | null;
  boot_epoch?: number;
  kind: Kind;
  severity: Severity;
  device: string;
  device_known?: boolean;
  site: string;
  place?: Place;
  raised_at: Timestamp;
  at: Timestamp;
  clock?: ClockQuality;
  detected_by: DetectedBy;
  /** Anomaly score in [0, 1]. */
  score?: number | null;
  reason: Text;
  evidence?: Reading[];
  is_test?: boolean;
}

export interface CaseAlert {
  alert: Alert;
  gateway?: string;
  joined_at: Timestamp;
  joined_because: Text;
  /** The hub's clock when the first message of the alert came in. */
  arrived_at: Timestamp;
  revisions: number;
  cleared_at?: Timestamp | null;
}

/** One append-only row of a case's history. */
export interface Transition {
  seq: number;
  at: Timestamp;
  /** `system` or a user name. */
  actor: string;
  actor_name: string;
  action: string;
  from: CaseState | null;
  to: CaseState;
  reason: string | null;
  /** What the hub says about it. */
  note?: Text | null;
  details?: { unit?: string; units?: string[]; case?: number; until?: Timestamp } | null;
  /** SHA-256 over the evidence of this row. */
  evidence_hash?: string | null;
}

export type ActionName =
  | "acknowledge"
  | "verify"
  | "verified"
  | "file"
  | "reject"
  | "dispatch"
  | "consult"
  | "answer"
  | "contain"
  | "finish_task"
  | "send_back"
  | "handle"
  | "feedback"
  | "settle"
  | "check"
  | "checked"
  | "rework"
  | "close"
  | "ask_extension"
  | "ask_suspension"
  | "decide"
  | "resume"
  | "merge"
  | "undo_merge"
  | "reopen"
  | "force_close"
  | "appeal"
  | "review"
  | "evaluate"
  | "set_urgent"
  | "set_card"
  | "set_level"
  | "call_up"
  | "answer_call"
  | "note";

/** Something that an action still needs; `code` is the name of a field, or what stands in the way. */
export interface Lacking {
  code: string;
  text: Text;
}

export interface Choice {
  value: string;
  label: Text;
}

/** A field of an action, with the choices that the hub offers for this case. */
export interface ActionField {
  name: string;
  label: Text;
  kind: "one_of" | "many_of" | "yes_no" | "time" | "case" | "evidence" | "name";
  required: boolean;
  choices?: Choice[];
  suggested?: string | null;
}

/** One piece of evidence. The hub keeps the hash; the file stays where it was taken. */
export interface Evidence {
  kind: string;
  sha256: string;
  name: string;
  at: Timestamp;
}

/** What goes with an action beside its reason, by the names of its fields. */
/** Where somebody was when they did something, WGS 84. */
export interface ActedAt {
  lat: number;
  lon: number;
  accuracy_m?: number;
  at?: Timestamp;
}

export type Details = Record<string, string | number | boolean | string[] | Evidence[] | ActedAt>;

export interface AllowedAction {
  action: ActionName;
  needs_reason: boolean;
  /** Why it cannot be done now, such as waiting for a second person. */
  blocked?: Text | null;
  missing?: Lacking[];
  fields?: ActionField[];
  second_person?: boolean | null;
}

/** What the loop has brought a case to; the part of it that the console reads. */
export interface Progress {
  /** What the unit has asked for and nobody has decided. */
  ask?: { what: "extension" | "suspension"; by: string; at: Timestamp; until?: Timestamp | null } | null;
  /** The unit's appeal; two reviews decide it. */
  appeal?: { by: string; at: Timestamp; reviews: { by: string; agrees: boolean }[] } | null;
}

export interface Case extends CaseSummary {
  alerts: CaseAlert[];
  transitions: Transition[];
  allowed_actions: AllowedAction[];
  related_reason: Text | null;
  progress?: Progress;
  units?: UnitName[];
}

export type OpenBySeverity = Record<Severity, number>;

export interface CasePage {
  items: CaseSummary[];
  next: string | null;
  total_open: OpenBySeverity;
}

/** One device and kind over time; `points` are `[milliseconds since 1970, value]`. */
export interface Series {
  device: string;
  kind: Kind;
  unit?: string | null;
  points: [number, Value][];
}

export interface CaseSeries {
  from: Timestamp;
  to: Timestamp;
  series: Series[];
  marks: { at: Timestamp; label: Text; alert_id: string }[];
}

export interface Fault {
  code: string;
  subject?: string;
  since: Timestamp;
  detail: Text;
}

export interface GatewayStatus {
  id: string;
  site: string;
  state: "online" | "silent" | "never_seen";
  last_heartbeat_at?: Timestamp | null;
  agent_version?: string | null;
  boot_epoch?: number | null;
  backlog_alerts: number;
  backlog_readings: number;
  clock: ClockQuality;
  faults: Fault[];
  /** The proof that no alert message is missing. */
  sequence: { contiguous_through: number; highest: number; missing: [number, number][] };
  devices_total: number;
  devices_silent: number;
  devices_unknown: number;
  /** Its key is no longer accepted. */
  revoked?: boolean;
}

/** The newest value of a device; `point` is `[milliseconds since 1970, value]`. */
export interface LastReading {
  kind: Kind;
  unit?: string | null;
  point: [number, Value];
}

export interface DeviceStatus {
  device: string;
  profile?: string | null;
  known: boolean;
  state: "expected" | "online" | "silent";
  last_seen?: Timestamp | null;
  place?: Place;
  kinds?: Kind[];
  gateway: string;
  last_reading?: LastReading | null;
}

export interface QuarantineSample {
  source: string;
  reason: string;
  sample: string;
  count: number;
  last_seen: Timestamp;
}

export interface WalkTestPress {
  device: string;
  place?: Place;
  kind: Kind;
  alert: string;
  device_time?: Timestamp | null;
  received_at: Timestamp;
  accepted_at?: Timestamp | null;
  sensor_to_agent_ms?: number | null;
  agent_to_hub_ms?: number | null;
  refused?: string | null;
}

/** The record of a walk test. */
export interface Commissioning {
  id: string;
  by: string;
  agent_version: string;
  started_at: Timestamp;
  ended_at: Timestamp;
  arrived_at: Timestamp;
  clock: ClockQuality;
  ended_because: "asked" | "time" | "restart";
  chosen: string[];
  expect_all: boolean;
  tested: WalkTestPress[];
  presses_not_listed?: number;
  missing: { device: string; place?: Place }[];
  missing_not_listed?: number;
  result: "passed" | "incomplete" | "failed";
}

/** A test alert that arrived; it paged nobody. */
export interface TestAlert {
  id: string;
  device: string;
  place: Place;
  kind: Kind;
  reason: Text;
  raised_at: Timestamp;
  arrived_at: Timestamp;
  cleared_at?: Timestamp | null;
  case: number;
}

export interface Commissionings {
  items: Commissioning[];
  test_alerts: TestAlert[];
}

/** A device profile to begin with. */
export interface ProfileSkeleton {
  toml: string;
  file: string;
}

/** Alarms of one officer in the last hour, drills not counted, against ISA-18.2's 6 (target) and 12 (most). */
export interface Load {
  officer_last_hour: number;
  acknowledged_by_me_last_hour?: number;
  target: number;
  maximum: number;
  open_by_severity: OpenBySeverity;
  oldest_unacknowledged_ms: number | null;
}

export type CaseChange =
  | "opened"
  | "joined"
  | "updated"
  | "acknowledged"
  | "filed"
  | "moved"
  | "closed"
  | "rejected"
  | "noted"
  | "alert_cleared"
  | "escalated"
  | "reminder"
  | "silenced"
  | "yellow_card"
  | "red_card";

export interface CaseEvent {
  seq: number;
  at: Timestamp;
  change: CaseChange;
  case: CaseSummary;
}

export interface GatewayEvent {
  seq: number;
  at: Timestamp;
  gateway: GatewayStatus;
}
