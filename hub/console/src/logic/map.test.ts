import { expect, test } from "vitest";
import type { MapData, MapWorker } from "../data/map";
import { type Chosen, casesAt, drawingOf, extent, type Outline, rowsOf, signOf } from "./map";
import { caseOf } from "./sample";

const text = (name: string) => ({ zh: name, en: name });
const square = (lon: number, lat: number): Outline => ({
  type: "Polygon",
  coordinates: [
    [
      [lon, lat],
      [lon + 2, lat],
      [lon + 2, lat + 4],
      [lon, lat + 4],
      [lon, lat],
    ],
  ],
});
const data: MapData = {
  version: 1,
  grids: [
    { code: "g1", name: text("g1"), outline: square(10, 20), worst: null, open_cases: 0 },
    { code: "g2", name: text("g2"), outline: null, worst: "P2", open_cases: 3 },
  ],
  sites: [
    {
      id: "s1",
      grid: "g1",
      name: text("s1"),
      lat: 21,
      lon: 11,
      worst: "P1",
      open_cases: 1,
      gateway: "silent",
    },
    {
      id: "s2",
      grid: "g2",
      name: text("s2"),
      lat: 22,
      lon: 30,
      worst: "P2",
      open_cases: 9,
      gateway: "online",
    },
  ],
  hazards: [
    { code: "h1", grid: "g1", name: text("h1"), category: "gas", domain: "chemical", lat: 5, lon: 12 },
  ],
  risk_areas: [
    { code: "r1", name: text("r1"), domain: "flood", outline: square(10, 20) },
    { code: "r2", name: text("r2"), domain: "fire", outline: null },
  ],
  tiles: null,
};

test("the worst comes first, then the most, then the names", () => {
  expect(rowsOf(data, "zh").map((row) => row.id)).toEqual(["s1", "s2", "g2", "g1", "h1", "r1", "r2"]);
});

test("a sign tells the severity, a silent gateway, or that all is calm", () => {
  expect(rowsOf(data, "zh").map(signOf)).toEqual(["P1-silent", "P2", "P2", "none", "hazard", "none", "none"]);
  expect(signOf({ kind: "site", worst: null, silent: true })).toBe("calm-silent");
});

test("what nobody has drawn is in the list and not on the map", () => {
  const rows = rowsOf(data, "zh");
  const drawing = drawingOf(data, rows, "zh");
  expect(rows.find((row) => row.id === "g2")?.at).toBeNull();
  expect(drawing.grids.features.map((each) => each.properties.id)).toEqual(["g1"]);
  expect(drawing.points.features.map((each) => each.properties.id)).toEqual(["s1", "s2", "g1", "h1"]);
});

const worker: MapWorker = {
  username: "zhou",
  display_name: "周伟",
  role: "checker",
  unit: null,
  area: "g1",
  area_name: text("g1"),
  until: "2026-01-01T00:00:00Z",
  place: { lat: 21, lon: 11, reported_at: null, accuracy_m: null },
  tasks: [{ case: 1, number: "1", severity: "P1", state: "feedback" }],
  tasks_total: 3,
};

test("people come after what is open and before what is calm, and a reported place has another sign", () => {
  const reported = { ...worker, username: "wu", place: null, tasks: [], tasks_total: 0 };
  const here = { lat: 1, lon: 2, reported_at: "2026-01-01T00:00:00Z", accuracy_m: 9 };
  const rows = rowsOf(data, "zh", [worker, reported, { ...worker, username: "he", place: here }]);
  const people = rows.filter((row) => row.kind === "worker");
  expect(rows.slice(3, 6)).toEqual(people);
  expect(people.map((row) => [row.id, row.at, signOf(row)])).toEqual([
    ["zhou", [11, 21], "worker-assumed"],
    ["he", [2, 1], "worker"],
    ["wu", null, "worker-assumed"],
  ]);
});

test("one domain is chosen, or all, or none; the name on the map says which it is", () => {
  const of = (chosen: Chosen) =>
    rowsOf(data, "zh", [], chosen)
      .filter((row) => row.domain !== undefined)
      .map((row) => row.id);
  expect(of("all")).toEqual(["h1", "r1", "r2"]);
  expect(of("chemical")).toEqual(["h1"]);
  expect(of("flood")).toEqual(["r1"]);
  expect(of("none")).toEqual([]);
  const drawing = drawingOf(data, rowsOf(data, "zh"), "zh", (domain) => `[${domain}]`);
  expect(drawing.risks.features.map((each) => each.properties.label)).toEqual(["[flood]\nr1"]);
  const hazard = drawing.points.features.find((each) => each.properties.id === "h1");
  expect(hazard?.properties.label).toBe("h1 · [chemical]");
  expect(drawingOf(data, rowsOf(data, "zh", [], "fire"), "zh").risks.features).toEqual([]);
});

test("the extent takes in everything and leaves out what is no number", () => {
  expect(extent(data)).toEqual([10, 5, 30, 24]);
  expect(extent({ ...data, grids: [], sites: [], hazards: [], risk_areas: [] })).toBeNull();
  const odd = { ...data, sites: [{ ...(data.sites[0] as MapData["sites"][0]), lat: Number.NaN }] };
  expect(extent(odd)).toEqual([10, 5, 12, 24]);
});

test("cases of a grid are those of its sites, by the tree; a hazard has none", () => {
  const inGrid = caseOf({ id: 1, area_path: [{ code: "g1", name: text("g1"), level: "grid" }] });
  const reported = caseOf({ id: 2, site: { id: "g1", name: text("g1"), known: true }, area_path: [] });
  const other = caseOf({ id: 3, site: { id: "s2", name: text("s2"), known: true }, area_path: [] });
  const all = [inGrid, reported, other];
  expect(casesAt({ kind: "grid", id: "g1" }, all).map((each) => each.id)).toEqual([1, 2]);
  expect(casesAt({ kind: "site", id: "s2" }, all).map((each) => each.id)).toEqual([3]);
  expect(casesAt({ kind: "hazard", id: "g1" }, all)).toEqual([]);
});
