/**
 * Turns the readings around a case into what is drawn: one panel of lines per unit, one lane per state.
 * Pure: values in, values out.
 */
import type { Series, Value } from "../data/types";

/** The lines that share one unit and so one axis. `ts` in seconds since 1970, as uPlot wants them. */
export interface Panel {
  unit: string;
  lines: Series[];
  ts: number[];
  /** One array per line, in step with `ts`; null where the line has no point. */
  values: (number | null)[][];
}

/** A stretch of time in one state. */
export interface Stretch {
  fromMs: number;
  toMs: number;
  value: Value;
  /** Drawn as a filled bar: an active state, or a word. */
  active: boolean;
}

export interface Lane {
  series: Series;
  stretches: Stretch[];
}

/** Kinds whose numbers 0 and 1 are states. */
const STATES = new Set([
  "heat",
  "water_leak",
  "door",
  "lock",
  "door_forced",
  "door_held",
  "access_granted",
  "access_denied",
  "tamper",
  "motion",
  "camera_object",
  "camera_motion",
  "line_crossing",
  "video_loss",
  "availability",
  "alarm_test",
]);

/** Whether a series is drawn as a lane of states and not as a line. */
export function isLane(series: Series): boolean {
  if (series.points.some(([, value]) => typeof value !== "number")) return true;
  if (series.unit) return false;
  if (STATES.has(series.kind)) return true;
  return series.points.length > 0 && series.points.every(([, value]) => value === 0 || value === 1);
}

/** The lines by unit, in the order in which the units first appear. */
export function panels(all: readonly Series[]): Panel[] {
  const byUnit = new Map<string, Series[]>();
  for (const series of all) {
    if (series.points.length === 0 || isLane(series)) continue;
    const unit = series.unit ?? "";
    byUnit.set(unit, [...(byUnit.get(unit) ?? []), series]);
  }
  return [...byUnit].map(([unit, lines]) => {
    const times = [...new Set(lines.flatMap((line) => line.points.map(([at]) => at)))].sort((a, b) => a - b);
    const values = lines.map((line) => {
      const at = new Map(line.points.map(([time, value]) => [time, Number(value)]));
      return times.map((time) => at.get(time) ?? null);
    });
    return { unit, lines, ts: times.map((time) => time / 1000), values };
  });
}

function active(value: Value): boolean {
  return typeof value === "string" ? value !== "" : value === true || value === 1;
}

/** The states over time; each holds until the next point, the last one until `endMs`. */
export function lanes(all: readonly Series[], endMs: number): Lane[] {
  return all
    .filter((series) => series.points.length > 0 && isLane(series))
    .map((series) => ({
      series,
      stretches: stretches(series, endMs),
    }));
}

function stretches(series: Series, endMs: number): Stretch[] {
  const points = [...series.points].sort(([a], [b]) => a - b);
  const result: Stretch[] = [];
  for (const [index, [at, value]] of points.entries()) {
    const last = result[result.length - 1];
    const toMs = Math.max(at, points[index + 1]?.[0] ?? endMs);
    if (last !== undefined && last.value === value) last.toMs = toMs;
    else result.push({ fromMs: at, toMs, value, active: active(value) });
  }
  return result;
}

/** The newest value at or before a time, for the readout under the cursor. */
export function valueAt(series: Series, atMs: number): Value | null {
  let found: Value | null = null;
  let foundAt = Number.NEGATIVE_INFINITY;
  for (const [time, value] of series.points) {
    if (time <= atMs && time >= foundAt) {
      found = value;
      foundAt = time;
    }
  }
  return found;
}
