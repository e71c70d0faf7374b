import { expect, test } from "vitest";
import { askedOf } from "../data/supervision";
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

test("a case waits for a decision while an ask is open or an appeal has fewer than two reviews", () => {
  const ask = { what: "extension" as const, by: "qian", at: at(1) };
  expect(askedOf(caseOf({ state: "handling", progress: { ask } }))?.what).toBe("extension");
  expect(askedOf(caseOf({ state: "handling", progress: { ask: null } }))).toBeNull();
  const appeal = { by: "qian", at: at(1), reviews: [{ by: "wang", agrees: true }] };
  expect(askedOf(caseOf({ state: "closed", progress: { appeal } }))?.what).toBe("appeal");
  const decided = { ...appeal, reviews: [...appeal.reviews, { by: "chen", agrees: true }] };
  expect(askedOf(caseOf({ state: "closed", progress: { appeal: decided } }))).toBeNull();
  expect(askedOf(caseOf({}))).toBeNull();
});
