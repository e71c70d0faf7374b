/**
 * What is where: grids with their outlines, sites, hazard points, risk areas, each with its worst open case,
 * and grid workers on duty. Loaded by the map page and the wall, and again at most every two seconds while
 * cases change.
 */
import { computed, signal } from "@preact/signals";
import type { Outline } from "../logic/map";
import { afterCaseEvent } from "./cases";
import { query, request } from "./http";
import { onGatewayEvent, onReload } from "./live";
import { session } from "./session";
import type { GatewayStatus, Role, Severity, Text, Timestamp } from "./types";

export interface MapGrid {
  code: string;
  name: Text;
  /** GeoJSON geometry, WGS 84; none for a grid that nobody has drawn. */
  outline?: Outline | null;
  worst: Severity | null;
  open_cases: number;
}

export interface MapSite {
  id: string;
  name: Text;
  lat: number;
  lon: number;
  worst: Severity | null;
  open_cases: number;
  /** The worst state of its gateways; null when it has none. */
  gateway: GatewayStatus["state"] | null;
}

/** What a risk area or a hazard point threatens with. */
export const DOMAINS = ["fire", "flood", "chemical", "structure", "crowd", "other"] as const;
export type Domain = (typeof DOMAINS)[number];

export interface MapHazard {
  code: string;
  name: Text;
  category: string;
  domain: Domain;
  lat: number;
  lon: number;
}

export interface MapRiskArea {
  code: string;
  name: Text;
  domain: Domain;
  outline?: Outline | null;
}

/** What the hub's own map of streets and houses has. */
export interface TileInfo {
  kind: "mvt" | "png" | "jpeg" | "webp" | "avif";
  min_zoom: number;
  max_zoom: number;
  /** West, south, east, north. */
  bounds: [number, number, number, number];
}

export interface MapWorker {
  username: string;
  display_name: string;
  role: Role;
  unit: Text | null;
  area: string;
  area_name: Text;
  until: Timestamp;
  /** Where they last said that they are, or with no `reported_at` the middle of their area. */
  place: { lat: number; lon: number; reported_at: Timestamp | null; accuracy_m: number | null } | null;
  tasks: { case: number; number: string; severity: Severity; state: string }[];
  tasks_total: number;
}

/** Whom to call about a place. */
export interface Contact {
  order: number;
  name: string;
  duty: string;
  phone: string;
}

export interface MapData {
  grids: MapGrid[];
  sites: MapSite[];
  hazards: MapHazard[];
  risk_areas: MapRiskArea[];
  tiles: TileInfo | null;
}

export const mapData = signal<MapData | null>(null);
export const mapError = signal<unknown>(null);
export const workers = signal<MapWorker[]>([]);

/** Who sends people sees where they are; nobody else asks. */
const SENDERS: ReadonlySet<string> = new Set<Role>([
  "duty_officer",
  "shift_leader",
  "dispatcher",
  "supervisor",
  "administrator",
]);
export const seesWorkers = computed(
  () => session.value.is === "signed-in" && SENDERS.has(session.value.session.role),
);

/** Where the hub's own map of streets and houses is; its parts are asked for as they are needed. */
export const TILES_PATH = "/api/v1/map/tiles.pmtiles";

export async function loadWorkers(): Promise<void> {
  if (!seesWorkers.peek()) return;
  workers.value = (await request<{ items: MapWorker[] }>("GET", "/map/workers")).items;
}

export async function loadMap(): Promise<void> {
  try {
    mapData.value = await request<MapData>("GET", "/map");
    mapError.value = null;
  } catch (error) {
    mapError.value = error;
  }
}

/** Whom to call, the first first. Every look is a line of the audit: only on request. */
export async function loadContacts(kind: "site" | "hazard", place: string): Promise<Contact[]> {
  return (await request<{ items: Contact[] }>("GET", `/contacts${query({ place_kind: kind, place })}`)).items;
}

const SETTLE_MS = 2000;

/** Shifts change and people report without an event of a case. */
const EVERY_MS = 30_000;

/** Follows what is where until the returned function is called; people only where they are to be shown. */
export function followMap(withWorkers: boolean): () => void {
  let due: ReturnType<typeof setTimeout> | undefined;
  const load = async () => {
    await loadMap();
    if (!withWorkers) return;
    try {
      await loadWorkers();
    } catch (error) {
      mapError.value = error;
    }
  };
  const soon = () => {
    // Not put off by the next event: a storm must not hold the map still.
    due ??= setTimeout(() => {
      due = undefined;
      void load();
    }, SETTLE_MS);
  };
  const ends = [afterCaseEvent(soon), onGatewayEvent(soon), onReload(() => void load())];
  const timer = setInterval(() => void load(), EVERY_MS);
  void load();
  return () => {
    for (const end of ends) end();
    clearTimeout(due);
    clearInterval(timer);
  };
}
