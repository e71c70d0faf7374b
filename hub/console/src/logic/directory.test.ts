import { expect, test } from "vitest";
import { filledFrom, keyOf, lackingIn, rowOf, valueAt } from "./directory";

const site = {
  id: "xinghe-garden",
  name: { zh: "星河花园", en: "Xinghe Garden" },
  grid: "990101001001001",
  address: { zh: "星河路8号", en: "8 Xinghe Road" },
  building_code: null,
  lat: 23.02,
  lon: 113.15,
  datum: "wgs84",
};

test("a row that is opened and saved unchanged is the same row", () => {
  expect(rowOf("sites", filledFrom("sites", site))).toEqual(site);
});

test("what is empty or no number is lacking, what is optional is not", () => {
  const filled = { ...filledFrom("sites", site), grid: " ", lat: "north" };
  expect(lackingIn("sites", filled)).toEqual(["grid", "lat"]);
});

test("keys of several columns are joined as the hub joins them", () => {
  expect(keyOf("duties", { area: "9901", category: "gas_leak", unit: "gas" })).toBe("9901:gas_leak");
  expect(keyOf("contacts", { place_kind: "hazard", place: "u1", order: 2 })).toBe("hazard:u1:2");
});

test("fields that only look like fields are not read", () => {
  expect(valueAt({}, "constructor.name")).toBe("");
});
