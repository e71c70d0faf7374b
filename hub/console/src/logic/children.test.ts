import { expect, test } from "vitest";
import type { Child, ChildDocument } from "../data/children";
import { asksFor, behind, clockIsOff, commandState, concerns, isLate, wayOf } from "./children";

const text = (words: string) => ({ zh: words, en: words });
const document = (given: Partial<ChildDocument> = {}): ChildDocument => ({
  case_epoch: 1,
  case: 1,
  number: "20261122-000001",
  version: 1,
  state: "handling",
  is_open: true,
  severity: "P3",
  category: "water_leak",
  category_name: text("漏水"),
  title: text("漏水"),
  site: "s",
  card: "none",
  opened_at: "2026-11-22T00:00:00.000Z",
  updated_at: "2026-11-22T00:00:00.000Z",
  ...given,
});
const child = (given: Partial<Child>): Child => ({
  id: "a",
  name: "a",
  area: "1",
  area_path: [],
  state: "online",
  open: { P1: 0, P2: 0, P3: 0, P4: 0 },
  yellow_cards: 0,
  red_cards: 0,
  late: 0,
  calls_waiting: 0,
  ...given,
});

test("only supervisors and leaders give cards, an auditor asks for nothing, nor does anybody of a lost case", () => {
  expect(asksFor("supervisor", document(), false)).toEqual([
    "comment",
    "ask_report",
    "set_urgent",
    "set_card",
  ]);
  expect(asksFor("duty_officer", document(), false)).toEqual(["comment"]);
  expect(asksFor("auditor", document(), false)).toEqual([]);
  expect(asksFor("leader", document(), true)).toEqual([]);
  expect(asksFor("leader", document({ is_open: false, state: "closed" }), false)).toEqual(["comment"]);
});

test("a unit answers a call that waits, and none that was answered", () => {
  const call = { number: 1, unit: "fire", at: "2026-11-22T00:00:00.000Z", due: "2026-11-22T00:10:00.000Z" };
  expect(asksFor("unit", document({ calls: [call] }), false)).toEqual(["comment", "answer_call"]);
  const answered = { ...call, answered_at: "2026-11-22T00:05:00.000Z" };
  expect(asksFor("unit", document({ calls: [answered] }), false)).toEqual(["comment"]);
});

test("a command waits until its result is there", () => {
  const asked = {
    ...{ id: "1", action: "comment" as const, case: 1, case_epoch: 1, reason: "x", by_name: "x" },
    ...{ role: "leader", at: "2026-11-22T00:00:00.000Z", asked_by: "x" },
  };
  expect(commandState(asked)).toBe("waiting");
  const fetched = { ...asked, delivered_at: "2026-11-22T00:00:05.000Z" };
  expect(commandState(fetched)).toBe("delivered");
  expect(commandState({ ...fetched, result: { outcome: "done", seq: 3 } })).toBe("done");
  expect(commandState({ ...asked, result: { outcome: "done", seq: 3 } })).toBe("done");
  expect(commandState({ ...asked, result: { outcome: "refused", reason: "no" } })).toBe("refused");
});

test("the way shows what was, what is and what is to come; an unknown state stands at its end", () => {
  const step = (seq: number, from: string | null, to: string) => ({
    ...{ seq, action: "x", from, to, at: `2026-11-22T0${seq}:00:00.000Z` },
  });
  const steps = [step(1, null, "reported"), step(2, "reported", "filed"), step(3, "filed", "handling")];
  const way = wayOf(document({ steps }));
  expect(way.map((each) => each.state).slice(0, 3)).toEqual(["reported", "filed", "handling"]);
  expect(way.find((each) => each.here)).toEqual({
    state: "handling",
    at: "2026-11-22T03:00:00.000Z",
    here: true,
  });
  expect(way.at(-1)).toEqual({ state: "evaluated", at: null, here: false });
  const newer = wayOf(document({ state: "archived", steps: [...steps, step(4, "handling", "archived")] }));
  expect(newer.map((each) => each.state)).toEqual(["reported", "filed", "handling", "archived"]);
  expect(newer.at(-1)?.here).toBe(true);
});

test("late is only an open case whose time is over", () => {
  const now = Date.parse("2026-11-22T12:00:00.000Z");
  const due_at = "2026-11-22T11:00:00.000Z";
  expect(isLate(document({ due_at }), now)).toBe(true);
  expect(isLate(document({ due_at, is_open: false }), now)).toBe(false);
  expect(isLate(document(), now)).toBe(false);
});

test("what is missing is counted within one life of the child's store, and not across a restore", () => {
  const mark = (epoch: number, sequence: number) => ({ epoch, sequence });
  expect(behind(child({ known: mark(1, 7), newest: mark(1, 9) }))).toBe(2);
  expect(behind(child({ known: mark(1, 9), newest: mark(1, 9) }))).toBe(0);
  expect(behind(child({ known: mark(1, 9), newest: mark(2, 3) }))).toBeNull();
  expect(behind(child({ newest: mark(1, 3) }))).toBe(3);
  expect(behind(child({}))).toBeNull();
});

test("a clock is off beyond half a minute, whichever way", () => {
  expect(clockIsOff(child({ clock_ahead_ms: -31_000 }))).toBe(true);
  expect(clockIsOff(child({ clock_ahead_ms: 29_000 }))).toBe(false);
  expect(clockIsOff(child({}))).toBe(false);
});

test("an event concerns a case that it names, and every case of a hub that it names alone", () => {
  const event = { seq: 1, at: "2026-11-22T00:00:00.000Z", change: "case", hub: "east" };
  const key = { hub: "east", epoch: 2, id: 7 };
  expect(concerns(event, key)).toBe(true);
  expect(concerns({ ...event, case_epoch: 2, case: 7 }, key)).toBe(true);
  expect(concerns({ ...event, case_epoch: 1, case: 7 }, key)).toBe(false);
  expect(concerns({ ...event, case_epoch: 2, case: 8 }, key)).toBe(false);
  expect(concerns({ ...event, hub: "west" }, key)).toBe(false);
});
