import { expect, test } from "vitest";
import { takeAsked } from "../data/supervision";
import { caseOf } from "./sample";
import { lastDays, lastMonth, overdue, thisMonth, withCards } from "./supervision";

const at = (hour: number) => `2026-11-22T0${hour}:00:00.000Z`;

test("red cards come before yellow ones, and the longest over its limit first", () => {
  const cases = [
    caseOf({ id: 1, card: "yellow", due_at: at(1) }),
    caseOf({ id: 2, card: "none" }),
    caseOf({ id: 3, card: "red", due_at: at(5) }),
    caseOf({ id: 4, card: "red", due_at: at(2) }),
  ];
  expect(withCards(cases).map((found) => found.id)).toEqual([4, 3, 1]);
});

test("overdue is what is past its limit and not suspended", () => {
  const cases = [
    caseOf({ id: 1, state: "handling", due_at: at(3) }),
    caseOf({ id: 2, state: "suspended", due_at: at(1) }),
    caseOf({ id: 3, state: "dispatched", due_at: at(2) }),
    caseOf({ id: 4, state: "filed", due_at: null }),
    caseOf({ id: 5, state: "handling", due_at: at(9) }),
  ];
  expect(overdue(cases, Date.parse(at(4))).map((found) => found.id)).toEqual([3, 1]);
});

test("periods are whole local days and months, over the end of a year too", () => {
  const january = new Date(2027, 0, 3, 8).getTime();
  expect(lastDays(14, january)).toEqual({ from: "2026-12-21", to: "2027-01-03" });
  expect(thisMonth(january)).toEqual({ from: "2027-01-01", to: "2027-01-03" });
  expect(lastMonth(january)).toEqual({ from: "2026-12-01", to: "2026-12-31" });
});

test("a case is listed while something waits for a decision, and an old message changes nothing", () => {
  const waits_for = { what: "extension" as const, by: "qian", at: at(1) };
  const asks = caseOf({ id: 1, version: 3, state: "handling", waits_for });
  const none = new Map();
  const listed = takeAsked(none, asks);
  expect([...listed.keys()]).toEqual([1]);
  expect(takeAsked(listed, caseOf({ id: 1, version: 2 }))).toBe(listed);
  expect(takeAsked(listed, caseOf({ id: 1, version: 4 })).size).toBe(0);
  expect(takeAsked(none, caseOf({ id: 2 }))).toBe(none);
  expect(takeAsked(none, caseOf({ id: 3, is_drill: true, waits_for }))).toBe(none);
});
