/** What somebody has begun to report, kept over a reload, and what of it is sent. */
import type { ReportBody } from "./outbox";

export interface Draft {
  category: string;
  description: string;
  /** WGS 84. */
  here: { lat: number; lon: number; accuracy_m: number } | null;
  grid: string;
  building: string;
  floor: string;
  room: string;
  name: string;
  phone: string;
  photos: File[];
}

export const EMPTY: Draft = {
  category: "",
  description: "",
  here: null,
  grid: "",
  building: "",
  floor: "",
  room: "",
  name: "",
  phone: "",
  photos: [],
};

function written<K extends "building" | "floor" | "room" | "name" | "phone">(
  draft: Draft,
  parts: readonly K[],
): Partial<Record<K, string>> {
  const found: Partial<Record<K, string>> = {};
  for (const part of parts) {
    const text = draft[part].trim();
    if (text !== "") found[part] = text;
  }
  return found;
}

/** Pure: what is sent, without what was left empty. */
export function bodyOf(draft: Draft, photos: ReportBody["photos"]): ReportBody {
  const place = written(draft, ["building", "floor", "room"]);
  const reporter = written(draft, ["name", "phone"]);
  const { here } = draft;
  return {
    category: draft.category,
    description: draft.description.trim(),
    ...(here === null ? {} : { position: { lat: here.lat, lon: here.lon, system: "wgs84" } }),
    ...(draft.grid === "" ? {} : { area: draft.grid }),
    ...(Object.keys(place).length === 0 ? {} : { place }),
    photos,
    ...(Object.keys(reporter).length === 0 ? {} : { reporter }),
  };
}

const KEY = "gridwatch.draft";

/** Keeps the words; photos are files of the page and cannot be kept before they are sent. */
export function keepDraft(draft: Draft): void {
  try {
    const { photos: _photos, ...words } = draft;
    if (draft === EMPTY) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(words));
  } catch {
    // Without storage a reload loses what was typed, as everywhere.
  }
}

export function keptDraft(): Draft {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return typeof found === "object" && found !== null ? { ...EMPTY, ...found, photos: [] } : EMPTY;
  } catch {
    return EMPTY;
  }
}
