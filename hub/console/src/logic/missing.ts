/**
 * What a case still lacks, as codes: for the officer who asks what is left to find out. Pure; says
 * nothing about what may be done, which only the hub decides.
 */
import type { Case, CaseSeries, Site } from "../data/types";
import { isOpen, waits } from "./loop";
import { openProposal } from "./proposal";

export type Lack =
  | "acknowledgement"
  | "filing"
  | "place"
  | "address"
  | "area"
  | "unknown_device"
  | "clock"
  | "readings"
  | "still_active"
  | "site_unknown"
  | "second_person";

export function lacks(found: Case, site: Site | undefined, series: CaseSeries | null): Lack[] {
  const lack: Lack[] = [];
  const alerts = found.alerts.map((each) => each.alert);
  if (isOpen(found)) {
    if (waits(found)) lack.push("acknowledgement");
    else if (found.state === "reported" || found.state === "pre_verify") lack.push("filing");
    if (openProposal(found.transitions) !== null) lack.push("second_person");
    if (found.alerts_active > 0) lack.push("still_active");
  }
  const place = found.place;
  if (!place.building && !place.unit && !place.floor && !place.room) lack.push("place");
  if (found.site.known === false) lack.push("site_unknown");
  else if (!site?.address) lack.push("address");
  if (found.area_path.length === 0) lack.push("area");
  if (alerts.some((alert) => alert.device_known === false)) lack.push("unknown_device");
  if (alerts.some((alert) => alert.clock === "unsure")) lack.push("clock");
  if (series?.series.every((each) => each.points.length === 0)) lack.push("readings");
  return lack;
}
