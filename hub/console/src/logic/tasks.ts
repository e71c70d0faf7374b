/** The order of a person's tasks: what runs out first comes first. Pure. */

import type { CaseSummary } from "../data/types";
import { byUrgency } from "./order";
import { part } from "./part";

/** By the time left; what has no limit yet comes after what has one, most urgent first. */
export function byTimeLeft(a: CaseSummary, b: CaseSummary): number {
  const due = (found: CaseSummary) => (found.due_at ? Date.parse(found.due_at) : Number.POSITIVE_INFINITY);
  const [left, right] = [due(a), due(b)];
  return left === right ? byUrgency(a, b) : left - right;
}

/** Where navigation apps go; WGS 84, as RFC 5870 has it. */
export function geoLink(lat: number, lon: number, name: string): string {
  const at = `${lat.toFixed(6)},${lon.toFixed(6)}`;
  return `geo:${at}?q=${at}(${part(name)})`;
}
