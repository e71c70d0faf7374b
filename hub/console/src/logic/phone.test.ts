import { expect, test } from "vitest";
import type { AllowedAction } from "../data/types";
import { windowOf } from "../parts/virtual";
import { allowedAhead, oneTap } from "./ahead";
import { bodyOf, EMPTY } from "./draft";
import type { OutboxItem } from "./outbox";
import { pause } from "./outbox";
import { routeOf } from "./paths";
import { caseOf } from "./sample";
import { byTimeLeft, geoLink } from "./tasks";

const allowed = (action: AllowedAction["action"], needs_reason = false): AllowedAction => ({
  action,
  needs_reason,
});
const queued = (action: "handle" | "feedback" | "note"): OutboxItem => ({
  id: action,
  order: 1,
  user: "zhou",
  made_at: "",
  case: 1,
  report: null,
  title: "",
  work: { kind: "action", action, version: 1, reason: null, details: {} },
  state: "waiting",
  tries: 0,
  problem: null,
  version_after: null,
});

test("after accepting without a line the result is offered, and after the result nothing but a note", () => {
  const found = caseOf({ allowed_actions: [allowed("handle"), allowed("note", true)] });
  const names = (items: OutboxItem[]) => allowedAhead(found, items).map((each) => each.action);
  expect(names([])).toEqual(["handle", "note"]);
  expect(names([queued("handle")])).toEqual(["feedback", "note"]);
  expect(names([queued("handle"), queued("note")])).toEqual(["feedback", "note"]);
  expect(names([queued("handle"), queued("feedback")])).toEqual(["note"]);
});

test("a press is enough only where nothing has to be written or chosen", () => {
  expect(oneTap(allowed("handle"))).toBe(true);
  expect(oneTap(allowed("note", true))).toBe(false);
  const field = { name: "handler", label: { zh: "", en: "" }, kind: "name" as const, required: false };
  expect(oneTap({ ...allowed("handle"), fields: [field] })).toBe(true);
  expect(oneTap({ ...allowed("handle"), fields: [{ ...field, required: true }] })).toBe(false);
});

test("what runs out first comes first, what has no limit last", () => {
  const due = (id: number, due_at: string | null) => caseOf({ id, due_at });
  const all = [due(1, null), due(2, "2026-11-22T05:00:00.000Z"), due(3, "2026-11-22T04:00:00.000Z")];
  expect(all.sort(byTimeLeft).map((each) => each.id)).toEqual([3, 2, 1]);
});

test("a navigation link keeps the name inside its parentheses", () => {
  expect(geoLink(23.0361, 113.1487, "丽湖 (3)")).toBe(
    "geo:23.036100,113.148700?q=23.036100,113.148700(%E4%B8%BD%E6%B9%96%20(3))",
  );
});

test("the pause grows to a minute, or is what the hub asks for", () => {
  expect([1, 2, 3, 6, 40].map((tries) => pause(tries, null))).toEqual([2, 4, 8, 60, 60]);
  expect(pause(1, 30)).toBe(30);
});

test("short lists are drawn whole, of long ones the part at the window", () => {
  expect(windowOf(200, 100, 5000, 800)).toEqual([0, 200]);
  const [from, to] = windowOf(10_000, 100, 500_000, 800);
  expect(from).toBe(4980);
  expect(to).toBeLessThan(5100);
  expect(windowOf(10_000, 100, 2_000_000, 800)[1]).toBe(10_000);
  expect(windowOf(10_000, 100, -300, 800)[0]).toBe(0);
});

test("addresses of the pages for work are told apart", () => {
  expect(routeOf("/tasks/12")).toEqual({ page: "task", id: 12 });
  expect(routeOf("/cases/12/sheet")).toEqual({ page: "sheet", id: 12 });
  expect(routeOf("/tasks/12/x")).toEqual({ page: "unknown" });
  expect(routeOf("/tasks/abc")).toEqual({ page: "unknown" });
  expect(routeOf("/wall")).toEqual({ page: "wall" });
  expect(routeOf("/__proto__")).toEqual({ page: "unknown" });
});

test("a report says only what was filled in", () => {
  const draft = {
    ...EMPTY,
    category: "other",
    description: "  smoke ",
    grid: "g1",
    room: " 302 ",
    phone: " ",
  };
  expect(bodyOf(draft, [])).toEqual({
    category: "other",
    description: "smoke",
    area: "g1",
    place: { room: "302" },
    photos: [],
  });
  const here = { lat: 23, lon: 113, accuracy_m: 5 };
  expect(bodyOf({ ...draft, grid: "", here }, []).position).toEqual({ lat: 23, lon: 113, system: "wgs84" });
});
