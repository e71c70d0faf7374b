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
import type { Role, Schemas } from "./types";

/** By hand: the description leaves the GeoJSON of an outline open. */
export type MapGrid = Omit<Schemas["MapGrid"], "outline"> & { outline?: Outline | null };

export type MapSite = Schemas["MapSite"];

/** What a risk area or a hazard point threatens with. */
export const DOMAINS = ["fire", "flood", "chemical", "structure", "crowd", "other"] as const;
export type Domain = (typeof DOMAINS)[number];

export type MapHazard = Schemas["MapHazard"];
/** By hand: the description leaves the GeoJSON of an outline open. */
export type MapRiskArea = Omit<Schemas["MapRiskArea"], "outline"> & { outline?: Outline | null };
/** What the hub's own map of streets and houses has. */
export type TileInfo = Omit<Schemas["TileInfo"], "bounds"> & {
  /** West, south, east, north. */
  bounds: [number, number, number, number];
};
export type MapWorker = Schemas["MapWorker"];

/** Whom to call about a place. */
export type Contact = Schemas["Contact"];

export type MapData = Omit<Schemas["Map"], "grids" | "risk_areas" | "tiles"> & {
  grids: MapGrid[];
  risk_areas: MapRiskArea[];
  tiles: TileInfo | null;
};

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
  return (await request<Schemas["ContactList"]>("GET", `/contacts${query({ place_kind: kind, place })}`))
    .items;
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
