import { expect, test } from "vitest";
import { matcherOf, type NameOf, partsOf } from "./silences";

const names: Record<string, string> = { "440605": "南海区", lihu: "丽湖花园", "lihu d-1": "3 栋走廊" };
const nameOf: NameOf = (field, code, matcher) => names[field === "device" ? `${matcher.site} ${code}` : code];

test("what a silence is about is said by name, from the wide to the narrow, with the code where it differs", () => {
  const parts = partsOf(
    { device: "d-1", kind: "smoke", site: "lihu", area: "440605", category: null },
    nameOf,
  );
  expect(parts).toEqual([
    { field: "area", name: "南海区", code: "440605" },
    { field: "site", name: "丽湖花园", code: "lihu" },
    { field: "device", name: "3 栋走廊", code: "d-1" },
    { field: "kind", name: "smoke", code: null },
  ]);
  expect(partsOf({ site: "gone", device: "d-1" }, nameOf).map((part) => part.name)).toEqual(["gone", "d-1"]);
});

test("a device is sent only with its site, and nothing that was left empty", () => {
  expect(matcherOf({ site: "lihu", device: " d-1 ", category: "", area: " " })).toEqual({
    site: "lihu",
    device: "d-1",
  });
  expect(matcherOf({ site: "", device: "d-1" })).toEqual({});
});
