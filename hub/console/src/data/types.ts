/**
 * Names for what the hub's API says. The shapes are generated from its description (`npm run types` writes
 * `generated.ts` from hub/openapi.json); only what that cannot say is written here, each with its reason.
 * Text in these types comes from devices and people: it may be shown only as text.
 */
import type { components } from "./generated";

export type Schemas = components["schemas"];

/** RFC 3339 in UTC with milliseconds. */
export type Timestamp = Schemas["Timestamp"];
/** A sentence in both languages of the console. */
export type Text = Schemas["Text"];

export type Severity = Schemas["Severity"];
/** The worst first. A list cannot be made from a type, but the compiler holds it to the type's names. */
export const SEVERITIES = everyOf<Severity>()(["P1", "P2", "P3", "P4"]);

/** The closed list of the wire; what a newer hub adds is shown by its name. */
export type Kind = Schemas["Kind"];

export type Role = Schemas["Role"];
/** Every role, in the order in which people are chosen for one. */
export const ROLES = everyOf<Role>()([
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
]);

/** Gives a list back as it is, and does not compile when a name is missing or is none of `T`'s. */
function everyOf<T extends string>() {
  return <const L extends readonly T[]>(
    list: L & (Exclude<T, L[number]> extends never ? unknown : never),
  ): readonly T[] => list;
}

export type Session = Schemas["Session"];
/** Where inside a site; free text as written on the doors. */
export type Place = Schemas["Place"];
export type AreaLevel = Schemas["AreaLevel"];
export type Area = Schemas["Area"];
export type Site = Schemas["SiteView"];
/** A unit by its code; its name is the code when the hub does not know it. */
export type UnitName = Schemas["UnitName"];

export type CaseState = Schemas["State"];
/** Every state, in the order of the loop; those beside the way come last. */
export const CASE_STATES = everyOf<CaseState>()([
  "reported",
  "pre_verify",
  "filed",
  "dispatched",
  "handling",
  "feedback",
  "post_check",
  "closed",
  "evaluated",
  "rejected",
  "merged",
  "consulting",
  "suspended",
  "returned",
  "forced_closed",
]);
export type CaseSummary = Schemas["CaseSummary"];
export type CasePage = Schemas["CasePage"];
export type OpenBySeverity = Schemas["OpenCounts"];
/** What the loop has brought a case to. */
export type Progress = Schemas["Progress"];
export type Case = Schemas["CaseView"];
export type CaseAlert = Schemas["CaseAlert"];
export type Alert = Schemas["Alert"];
/** One append-only row of a case's history. */
export type Transition = Schemas["Transition"];

export type ActionName = Schemas["Action"];
export type AllowedAction = Schemas["AllowedAction"];
/** Something that an action still needs; `code` is the name of a field, or what stands in the way. */
export type Lacking = Schemas["Lack"];
/** A field of an action, with the choices that the hub offers for this case. */
export type ActionField = Schemas["Field"];
/** By hand: its kind is one of the choices of a field, which the hub names at run time. */
export type Evidence = Omit<Schemas["Evidence"], "kind"> & { kind: string };

/** Where somebody was when they did something, WGS 84. */
export type ActedAt = Schemas["ActedAt"];

/**
 * What goes with an action beside its reason, by the names of its fields. By hand: the hub says at run
 * time which fields an action has, and forms fill them by name without knowing them.
 */
export type Details = Record<string, string | number | boolean | string[] | Evidence[] | ActedAt>;

/** One value of one kind from one device at one time. */
export type Reading = Schemas["Reading"];

/**
 * What a device measured. By hand: the description gives a reading's value no type and a point's a number,
 * while switches come as states and words as text.
 */
export type Value = boolean | number | string;

/** The value of a reading; what is none of the known types is shown as it came. */
export function measured({ value }: Reading): Value {
  const known = typeof value === "boolean" || typeof value === "number" || typeof value === "string";
  return known ? value : JSON.stringify(value ?? null);
}

/** `[milliseconds since 1970, value]`. */
type Point = [number, Value];

/** One device and kind over time. */
export type Series = Omit<Schemas["ChartSeries"], "points"> & { points: Point[] };
export type CaseSeries = Omit<Schemas["CaseChart"], "series"> & { series: Series[] };
/** The newest value of a device. */
export type LastReading = Omit<Schemas["LastReading"], "point"> & { point: Point };

export type GatewayStatus = Schemas["GatewayStatus"];
export type DeviceStatus = Omit<Schemas["DeviceView"], "last_reading"> & {
  last_reading?: LastReading | null;
};
export type QuarantineSample = Schemas["QuarantineSample"];
/** The anomaly models of a gateway. */
export type ModelList = Schemas["ModelList"];
export type ModelStatus = Schemas["ModelStatus"];
export type ShadowStatus = Schemas["ShadowStatus"];
/** A device profile to begin with. */
export type ProfileSkeleton = Schemas["ProfileSkeleton"];
/** The record of a walk test. */
export type Commissioning = Schemas["CommissioningView"];
export type WalkTestPress = Schemas["WalkTestPress"];
/** A test alert that arrived; it paged nobody. */
export type TestAlert = Schemas["TestAlert"];
export type Commissionings = Schemas["CommissioningList"];

/** Alarms of one officer in the last hour, drills not counted, against ISA-18.2's 6 (target) and 12 (most). */
export type Load = Schemas["LoadView"];

/** What happened to a case; `change` is a text, so that a newer hub may tell more. */
export type CaseEvent = Schemas["CaseEventData"];
export type GatewayEvent = Schemas["GatewayEventData"];
/** A flood of alarms at a desk (ISA-18.2). */
export type Flood = Schemas["StoredFlood"];
export type FloodEvent = Schemas["FloodEventData"];
/** Something of a child hub that changed; `change` is a text, so that a newer hub may tell more. */
export type ChildEvent = Schemas["ChildEventData"];
/** An open case that may be the same matter. */
export type SimilarCase = Schemas["SimilarCase"];
