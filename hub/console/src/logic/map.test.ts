import { expect, test } from "vitest";
import type { MapData } from "../data/map";
import { casesAt, drawingOf, extent, type Outline, rowsOf, signOf } from "./map";
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
  hazards: [{ code: "h1", grid: "g1", name: text("h1"), category: "gas", lat: 5, lon: 12 }],
};

test("the worst comes first, then the most, then the names", () => {
  expect(rowsOf(data, "zh").map((row) => row.id)).toEqual(["s1", "s2", "g2", "g1", "h1"]);
});

test("a sign tells the severity, a silent gateway, or that all is calm", () => {
  expect(rowsOf(data, "zh").map(signOf)).toEqual(["P1-silent", "P2", "P2", "none", "hazard"]);
  expect(signOf({ kind: "site", worst: null, silent: true })).toBe("calm-silent");
});

test("what nobody has drawn is in the list and not on the map", () => {
  const rows = rowsOf(data, "zh");
  const drawing = drawingOf(data, rows, "zh");
  expect(rows.find((row) => row.id === "g2")?.at).toBeNull();
  expect(drawing.grids.features.map((each) => each.properties.id)).toEqual(["g1"]);
  expect(drawing.points.features.map((each) => each.properties.id)).toEqual(["s1", "s2", "g1", "h1"]);
});

test("the extent takes in everything and leaves out what is no number", () => {
  expect(extent(data)).toEqual([10, 5, 30, 24]);
  expect(extent({ version: 1, grids: [], sites: [], hazards: [] })).toBeNull();
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
