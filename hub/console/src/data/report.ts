/** Matters that people report: what is sent, and the categories and grids to choose from. */
import type { ReportBody } from "../logic/outbox";
import { request } from "./http";
import type { Area, CaseSummary, Text } from "./types";

/** An open case that may be about the same matter. */
export interface Nearby {
  case: CaseSummary;
  distance_m?: number | null;
  because: Text;
}

/** What the hub answers to a report: the case that it opened, and open ones that may be the same matter. */
export interface Reported {
  case: CaseSummary;
  nearby: Nearby[];
}

export interface Category {
  code: string;
  name: Text;
}

/** The same key again opens no second case. */
export function sendReport(body: ReportBody, key: string): Promise<Reported> {
  return request("POST", "/cases", body, { key });
}

export async function loadAreas(): Promise<Area[]> {
  return (await request<{ items: Area[] }>("GET", "/areas")).items;
}

const category = (code: string, zh: string, en: string): Category => ({ code, name: { zh, en } });

/** What people see with their own eyes, by the codes of the hub's catalogue; `other` is always there. */
export const REPORTABLE: readonly Category[] = [
  category("fire_suspected", "疑似火警", "Suspected fire"),
  category("gas_leak", "燃气泄漏", "Gas leak"),
  category("door_held", "消防门、通道受阻", "Fire door or passage obstructed"),
  category("intrusion", "区域入侵", "Intrusion"),
  category("door_forced", "强行开门", "Door forced"),
  category("water_leak", "漏水", "Water leak"),
  category("flooding", "积水", "Standing water"),
  category("environment", "环境超限", "Environment out of range"),
  category("device_maintenance", "设备维护", "Device needs care"),
  category("other", "其他", "Other"),
];
