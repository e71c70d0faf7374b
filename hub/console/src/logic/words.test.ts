import { expect, test } from "vitest";
import { lacks } from "./missing";
import { areaInWords, headline, placeInWords, said } from "./place";
import { openProposal } from "./proposal";
import { caseOf } from "./sample";
import { clock, parts } from "./time";

test("a place reads from the building to the room in both languages", () => {
  const place = { building: "3", unit: "2", floor: "5", room: "厨房" };
  expect(placeInWords(place, "zh")).toBe("3栋 2单元 5层 厨房");
  expect(placeInWords(place, "en")).toBe("Building 3, Unit 2, Floor 5, 厨房");
  expect(placeInWords({ building: "综合楼" }, "zh")).toBe("综合楼");
  expect(placeInWords({}, "zh")).toBe("");
});

test("a sentence without words in one language is said in the other", () => {
  expect(said({ zh: "", en: "smoke" }, "zh")).toBe("smoke");
  expect(said(null, "zh")).toBe("");
});

test("the area path reads from the city to the grid", () => {
  const path = [
    { code: "2", name: { zh: "第三网格", en: "Grid 3" }, level: "grid" as const },
    { code: "1", name: { zh: "佛山市", en: "Foshan" }, level: "city" as const },
  ];
  expect(areaInWords(path, "zh")).toBe("佛山市 › 第三网格");
});

test("a title made of category, site and place is shortened, any other is whole", () => {
  const made = { zh: "疑似火情 · 丽湖花园 3栋", en: "Suspected fire · Lihu Garden, building 3" };
  expect(headline(caseOf({ title: made }), "zh")).toBe("疑似火情");
  expect(headline(caseOf({ title: made }), "en")).toBe("Suspected fire");
  expect(headline(caseOf(), "zh")).toBe("厨房烟雾报警");
});

test("clocks count in minutes and seconds, and in hours from an hour on", () => {
  expect(clock(59_999)).toBe("00:59");
  expect(clock(3_600_000)).toBe("1:00:00");
  expect(clock(-5)).toBe("00:00");
  expect(parts(90_061_000)).toEqual({ days: 1, hours: 1, minutes: 1, seconds: 1 });
});

test("a case says what it still lacks", () => {
  const bare = caseOf({ place: {}, area_path: [], alerts_active: 1 });
  expect(lacks(bare, undefined, null)).toEqual([
    "acknowledgement",
    "still_active",
    "place",
    "address",
    "area",
  ]);
  const site = {
    id: "lihu",
    name: { zh: "", en: "" },
    grid: "1",
    address: { zh: "一路1号", en: "1 First Road" },
    lat: 23,
    lon: 113,
  };
  expect(lacks(caseOf({ state: "closed" }), site, null)).toEqual([]);
});

test("a proposal waits until it is carried out, lapses, or is made anew", () => {
  const row = (seq: number, action: string) => ({
    seq,
    at: "2026-11-22T03:00:00.000Z",
    actor: "chen",
    actor_name: "陈静",
    action,
    from: "filed" as const,
    to: (action === "close" ? "closed" : "filed") as "closed" | "filed",
    reason: null,
  });
  expect(openProposal([row(1, "propose_close")])?.seq).toBe(1);
  expect(openProposal([row(1, "propose_close"), row(2, "note")])?.seq).toBe(1);
  expect(openProposal([row(2, "close"), row(1, "propose_close")])).toBe(null);
  expect(openProposal([row(1, "propose_reject"), row(2, "proposal_lapsed")])).toBe(null);
});
